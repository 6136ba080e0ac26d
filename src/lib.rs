//! Postdesk: an email-first ticketing daemon.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic
    )
)]

// ground
pub mod clock;
pub mod retry;
pub mod address;
pub mod language;
pub mod config;
// what a mail is (pure)
pub mod mail;
// what the desk decides (pure)
pub mod desk;
pub mod compose;
// what is kept
pub mod store;
// the edges
pub mod net;
pub mod imap;
pub mod smtp;
pub mod loops;
pub mod web;
pub mod daemon;
pub mod admin;
pub mod demo;
