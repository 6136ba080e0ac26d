//! The daemon is killed, and nothing is lost or doubled. The short form runs with all tests; `make soak` runs the whole
//! and prints one table.

pub mod process;
mod sweep;
pub mod trial;
pub mod workload;

pub use trial::{rows, scratch};
