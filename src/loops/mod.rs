//! The loops: intake (IMAP to commit, then tell IMAP), outbox (claim, send, settle), deadlines (what is due).
//!
//! Each has a `step()`, which tests and simulation call, and a `run()` that repeats it until it is told to stop.
//! `filing` is the one way of every mail into the store, whatever door it came through; `composing` makes bytes of what
//! follows from it.

pub mod in_hand;
pub mod tally;
pub mod shared;
pub mod composing;
pub mod filing;
pub mod alarm;
pub mod intake;
pub mod outbox;
pub mod deadlines;
pub mod links;
pub mod leave;

pub use shared::{Settings, Shared, Waits};
