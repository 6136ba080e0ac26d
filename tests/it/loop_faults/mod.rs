//! The loops on bad days: whatever the server, the relay or the disk does, each mail is filed once, each answer is
//! accepted once or known to be uncertain, and the loops go on by themselves.

mod beside;
mod disk;
mod falls;
mod imap;
mod line;
mod page;
mod poison;
mod read_only;
mod relay;
mod slow;
mod withheld;
mod tls;
mod together;
