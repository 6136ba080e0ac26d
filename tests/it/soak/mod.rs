//! The daemon is killed, and nothing is lost or doubled. The short form runs with all tests; `make soak` runs the whole
//! and prints one table.

mod process;
mod sweep;
mod trial;
mod workload;

pub use trial::{rows, scratch};
