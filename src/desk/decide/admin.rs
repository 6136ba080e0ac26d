//! Words to the admins: what only they can mend, once an hour for each matter.

use super::draft::blank;
use crate::address::Person;
use crate::clock::Timestamp;
use crate::config::{Config, Queue};
use crate::desk::decision::{Decision, Disposition, Event, Outgoing, Template, Values};
use crate::mail::token::Purpose;

/// The events and mails that tell the admins `line` about the matter `about`; nothing when `told` says that they have
/// heard of it this hour.
pub fn tell_admins(
    config: &Config,
    queue: &Queue,
    told: &[String],
    about: &str,
    line: &str,
) -> (Vec<Event>, Vec<Outgoing>) {
    if told.iter().any(|told| told == about) {
        return (Vec::new(), Vec::new());
    }
    let values = Values { lines: vec![line.to_owned()], ..Values::default() };
    let mails = config.desk.admins.iter().map(|admin| Outgoing {
        values: values.clone(),
        purpose: Purpose::Desk,
        ..blank(Template::Admin, Person::new("", admin.clone()), queue, 0, queue.language)
    });
    (vec![Event::Told(about.to_owned())], mails.collect())
}

/// What admins are told of mail in the desk's own name that names nobody to answer.
pub(super) const FROM_OURSELVES: &str = "A mail came whose From is the desk's own address and which names nobody to answer: it is kept, and opened no ticket. If a form on your website sends it, let the form put the visitor's address into Reply-To. See: postdesk inbox list --disposition ignored; postdesk inbox show ID.";

/// A mail over the size limit: it stays in the mailbox, the ledger remembers it, the admins hear of it.
pub fn too_large(config: &Config, queue: &Queue, told: &[String], mailbox: &str, size: u64) -> Decision {
    let limit = config.limits.mail_max_bytes;
    let reason = format!("{size} bytes, over the limit of {limit}: left in the mailbox");
    let line = format!(
        "A mail of {size} bytes in mailbox {mailbox} is over the limit (limits.mail_max = {limit} bytes). It was left in the mailbox: raise the limit and move the mail to another folder and back, or deal with it by hand."
    );
    let (events, outgoing) = tell_admins(config, queue, told, &format!("refused {mailbox}"), &line);
    Decision { events, outgoing, ..Decision::nothing(Disposition::Refused, reason) }
}

/// A mail that could not be read or decided about: raw bytes kept, nothing done.
pub fn set_aside(config: &Config, queue: &Queue, told: &[String], mailbox: &str, why: &str) -> Decision {
    let line = format!(
        "A mail in mailbox {mailbox} could not be dealt with and was set aside, raw bytes kept: {why}. See: postdesk inbox list --quarantined; postdesk inbox retry ID."
    );
    let (events, outgoing) = tell_admins(config, queue, told, "quarantine", &line);
    Decision { events, outgoing, ..Decision::nothing(Disposition::Quarantined, format!("set aside: {why}")) }
}

/// A mailbox that has not worked `since` then: the admins hear of it.
pub fn away(
    config: &Config,
    queue: &Queue,
    told: &[String],
    mailbox: (&str, Timestamp),
    why: &str,
) -> Decision {
    let (mailbox, since) = mailbox;
    let line = format!(
        "Mailbox {mailbox} has not worked since {since}: {why}. Its mail stays on the server; Postdesk goes on trying."
    );
    let (events, outgoing) = tell_admins(config, queue, told, &format!("away {mailbox}"), &line);
    Decision { events, outgoing, ..Decision::nothing(Disposition::Ignored, line) }
}
