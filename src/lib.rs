//! Postdesk: an email-first ticketing daemon.
//!
//! # The path of one mail
//!
//! `imap` finds a UID that the ledger does not know and fetches its bytes. `mail` reads them: any bytes give a mail and
//! a list of oddities. `desk::thread` takes the keys it carries, `store::facts` reads what is known about them, and
//! `desk::decide` says what follows: data, nothing done yet. `compose` makes bytes of each outgoing mail, and
//! `store::commit` writes all of it, with the raw mail, in one transaction that is on the disk before `imap` tells the
//! server to move the mail. `loops::outbox` claims what is due, and `smtp` submits it. `web` shows what was kept.
//!
//! # The promises, and what defends each
//!
//! 1. No mail is lost: the mailbox is touched only after the commit. `store::verify`; the kill sweep in `tests/it`.
//! 2. No mail is filed twice. `the_same_mail_delivered_twice_is_filed_once`,
//!    `a_changed_uidvalidity_files_and_answers_nothing_twice`.
//! 3. Every mail is accounted for, in one disposition with a reason. `postdesk doctor`; `store::verify`.
//! 4. No bad mail stops the queue. `mail` is total (`tests/it/corpus.rs`); `bad_mail_is_filed_and_the_queue_goes_on`.
//! 5. No outgoing mail without a row; the attempt is recorded first. `loops::outbox`; the fault tests in `tests/it`.
//! 6. No loop, no storm. `an_out_of_office_never_gets_an_answer`,
//!    `a_storm_from_one_sender_is_stored_and_answered_within_the_budget`.
//! 7. A subject tag is a hint, not a permission.
//!    `a_stranger_with_the_tag_opens_a_ticket_of_his_own_and_learns_nothing`,
//!    `from_alone_gives_an_agent_no_power_until_confirmed`.
//! 8. An internal note never leaves for a requester. `a_note_never_reaches_the_requester`.
//! 9. Every bound has a name: `mail::LIMITS`, `imap::wire`, `desk::command::COMMANDS_MAX`, `desk::thread::KEYS_MAX`.
//! 10. The pure modules read no clock, dice, file, socket or database. `tests/it/layering.rs`.
//!
//! The order of the `mod` lines is the law: a module names only modules declared above it.
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
