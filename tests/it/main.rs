//! The integration tests, in one binary so that they link once.

mod mail_world;
mod imap_edge;
mod smtp_edge;
