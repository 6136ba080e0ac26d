//! Outgoing mail and templates into bytes, a Message-ID and headers. Pure; the only user of tera.
use crate::*;
/// x
pub struct Templates;
/// x
pub struct Desk<'a> { /// x
 pub config: &'a config::Config, /// x
 pub templates: &'a Templates, /// x
 pub keys: &'a mail::token::Keys, /// x
 pub now: clock::Timestamp }
/// x
pub struct File { /// x
 pub name: String, /// x
 pub content_type: String, /// x
 pub bytes: Vec<u8>, /// x
 pub content_id: String, /// x
 pub inline: bool }
/// x
pub struct Composed { /// x
 pub message_id: mail::ids::MessageId, /// x
 pub envelope_from: String, /// x
 pub recipient: address::Address, /// x
 pub head: Vec<u8>, /// x
 pub body: Vec<u8> }
/// x
pub fn compose(_: &Desk<'_>, _: &desk::decision::Outgoing, _: u64, _: &[File]) -> Result<Composed, String> { Err(String::new()) }
