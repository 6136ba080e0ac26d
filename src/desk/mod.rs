//! What the desk decides: (mail, facts, policy, now) -> [`decision::Decision`]. Pure.
//!
//! Knows no SQL, no IMAP, no template. `ticket` is the life of a ticket, `command` the words agents write, `facts` what
//! was read about the mail's surroundings, `thread` which ticket a mail belongs to, `outgoing` what is sent,
//! `decision` the vocabulary of results, `decide` THE RULES.

pub mod ticket;
pub mod command;
pub mod facts;
pub mod thread;
pub mod outgoing;
pub mod decision;
pub mod decide;
