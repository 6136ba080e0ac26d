//! What shows and tries the desk without the world: a mail server in this process.

pub mod server;
