//! Tests of the whole from outside, each file one kind. One binary, so that they link once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods
)]

mod bad_configs;
mod config_docs;
mod corpus;
mod daemon;
mod demo;
mod imap_edge;
mod in_hand;
mod imap_faults;
mod layering;
mod mail_server;
mod mail_world;
mod packaging;
mod readme;
mod reliability;
mod real;
mod soak;
mod loop_faults;
mod simulation;
mod smtp_edge;
mod stories;
mod outside;
mod agent_docs;
mod agent_corpus;
mod browser;
mod doors;
mod program;
mod upgrade;
mod real_story;
mod world;
