//! What a template sees: the decision's values and what the desk adds to them.

use super::{Desk, head, words};
use crate::address::Address;
use crate::config::Queue;
use crate::desk::decision::{Outgoing, Template, Values};
use crate::mail::token::Purpose;
use jiff::tz::TimeZone;
use serde::Serialize;

/// All variables of a template. Every field is there for every template; those without meaning for it are empty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Scene {
    /// The decision's values.
    #[serde(flatten)]
    pub(super) values: Values,
    /// Ticket number, 0 for none.
    pub(super) number: i64,
    /// `[#853142]`, empty without a number.
    pub(super) tag: String,
    /// The organisation.
    pub(super) desk_name: String,
    /// The queue's name for people.
    pub(super) queue_title: String,
    /// The queue's address.
    pub(super) queue_address: String,
    /// Signed link to the conversation; empty without a status page, and in agents' mail.
    pub(super) link: String,
    /// Until when the link works, UTC seconds; 0 without one.
    pub(super) link_until: i64,
    /// The ticket's public page, empty without a status page or a number.
    pub(super) page: String,
    /// Language code.
    pub(super) language: &'static str,
    /// Time zone of the recipient, for the `time` filter.
    pub(super) zone: String,
    /// The line above which a reply is written.
    pub(super) marker: &'static str,
    /// An address whose mail becomes an internal note, where the mailbox takes plus addresses.
    pub(super) note_address: String,
    /// The recipient's name, or empty. Differs from recipient to recipient as well.
    pub(super) recipient_name: String,
    /// The recipient's address.
    pub(super) recipient_address: String,
    /// What a reply does: `requester`, `agent`, `note`, `confirm` or `desk`.
    pub(super) purpose: Purpose,
    /// When this mail was made, UTC seconds.
    pub(super) sent_at: i64,
}

impl Scene {
    /// The scene of one outgoing mail.
    pub(super) fn of(desk: &Desk<'_>, outgoing: &Outgoing, queue: &Queue) -> Self {
        let number = outgoing.number;
        let values = shown_values(outgoing);
        let is_trusted = may_repeat(outgoing);
        let (link, link_until) = link(desk, outgoing);
        Self {
            values,
            number,
            tag: tag(&desk.config.desk.tag, number),
            desk_name: desk.config.desk.name.clone(),
            queue_title: queue.title.clone(),
            queue_address: queue.address.to_string(),
            link,
            link_until,
            page: page(desk, number),
            language: outgoing.language.code(),
            zone: zone_name(desk, outgoing, queue),
            marker: words::reply_marker(outgoing.language),
            note_address: note_address(outgoing, queue)
                .map(|address| address.to_string())
                .unwrap_or_default(),
            recipient_name: if is_trusted { outgoing.to.name.clone() } else { String::new() },
            recipient_address: outgoing.to.address.to_string(),
            purpose: outgoing.purpose,
            sent_at: desk.now.0,
        }
    }

    /// Names of all variables, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    }
}

/// The tag of a ticket, empty for number 0.
pub(super) fn tag(form: &str, number: i64) -> String {
    if number == 0 { String::new() } else { form.replace("{number}", &number.to_string()) }
}

/// Whether the words of whoever wrote may stand in this mail. An acknowledgement or a link goes to an address that
/// anybody may have claimed: without proof it repeats nothing, not even a display name, so that the desk cannot be
/// made to carry a stranger's text to a third party.
pub(super) fn may_repeat(outgoing: &Outgoing) -> bool {
    let goes_to_a_claim = matches!(outgoing.template, Template::Acknowledgement | Template::Link);
    outgoing.values.sender_is_proven || !goes_to_a_claim
}

/// The values, each one-line field on one line, and without the sender's words where those must not be repeated.
fn shown_values(outgoing: &Outgoing) -> Values {
    let mut values = outgoing.values.clone();
    if !may_repeat(outgoing) {
        for words in [
            &mut values.subject,
            &mut values.requester_name,
            &mut values.author_name,
            &mut values.text,
            &mut values.folded,
        ] {
            words.clear();
        }
        values.lines.clear();
        values.left_out.clear();
    }
    for line in
        [&mut values.subject, &mut values.requester_name, &mut values.author_name, &mut values.assignee_name]
    {
        *line = head::clean(line);
    }
    values
}

/// The signed link and its end. It opens the conversation to whoever holds it, so agents' mail, which is forwarded
/// lightly, has none.
fn link(desk: &Desk<'_>, outgoing: &Outgoing) -> (String, i64) {
    let until = desk.now.plus(desk.config.desk.link_valid_secs);
    let signed = || {
        let web = desk.config.web.as_ref()?;
        let signature = desk.keys.link(outgoing.number, until)?;
        Some(format!("{}/t/{}/{signature}", web.base_url, outgoing.number))
    };
    let is_passed_on = outgoing.template == Template::Forward;
    if outgoing.template.is_internal() || is_passed_on || outgoing.number == 0 {
        return (String::new(), 0);
    }
    signed().map_or_else(Default::default, |link| (link, until.0))
}

fn page(desk: &Desk<'_>, number: i64) -> String {
    match &desk.config.web {
        Some(web) if number != 0 => format!("{}/t/{number}", web.base_url),
        _ => String::new(),
    }
}

/// The agent's own zone, or the queue's for everybody else.
fn zone_name(desk: &Desk<'_>, outgoing: &Outgoing, queue: &Queue) -> String {
    let agent = outgoing.template.is_internal().then(|| desk.config.agent(&outgoing.to.address)).flatten();
    zone_text(agent.map_or(&queue.time_zone, |agent| &agent.time_zone))
}

fn zone_text(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// The same for every agent, so that the body stays the same: whose mail it is and about what, the Message-ID tells.
fn note_address(outgoing: &Outgoing, queue: &Queue) -> Option<Address> {
    let offered = outgoing.number != 0 && outgoing.purpose == Purpose::Agent;
    if offered { queue.note_address() } else { None }
}

/// `address` with a token behind a plus, where the local part stays within 64 bytes (RFC 5321 4.5.3.1.1).
pub(super) fn tagged(address: &Address, token: &str) -> Option<Address> {
    address.with_tag(token).filter(|tagged| tagged.local().len() <= 64)
}
