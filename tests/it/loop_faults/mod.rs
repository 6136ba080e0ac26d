//! The loops on bad days: whatever the server, the relay or the disk does, each mail is filed once, each answer is
//! accepted once or known to be uncertain, and the loops go on by themselves.

mod disk;
mod imap;
mod relay;
