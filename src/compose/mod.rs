//! Outgoing mail and templates into bytes, a Message-ID and headers. Pure; the only user of tera.
//!
//! `templates` holds all words that leave the desk, `scene` what they can show, `head` and `mime` make the bytes. Knows
//! no database and no connection: what comes out is stored, and the same bytes are sent at every attempt.

mod builtin;
mod filters;
mod head;
pub mod html;
mod leave;
mod mime;
mod sample;
mod scene;
mod templates;
pub mod words;
#[cfg(test)]
mod tests;

use crate::address::Address;
use crate::clock::Timestamp;
use crate::config::{Config, Queue};
use crate::desk::decision::{Outgoing, Template};
use crate::language::Language;
use crate::mail::ids::MessageId;
use crate::mail::spliced::Spliced;
use crate::mail::token::{Keys, Purpose, Token};
use head::Head;
use scene::Scene;

pub use mime::{File, Part};
pub use templates::{Listed, RENDERED_MAX_BYTES, Rendered, Shown, TemplateFault, Templates};

/// References kept in a mail beside the ticket's own: the first and the newest of this many.
pub const REFERENCES_MAX: usize = 21;

/// What composing needs beside the outgoing mail.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Names, addresses, the form of the tag.
    pub config: &'a Config,
    /// The words.
    pub templates: &'a Templates,
    /// For tokens and links.
    pub keys: &'a Keys,
    /// The time that stands in `Date`.
    pub now: Timestamp,
}

/// A mail as it goes over the wire: `head` followed by `body`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// Its own id, which carries the token.
    pub message_id: MessageId,
    /// Envelope sender; empty for the null sender.
    pub envelope_from: String,
    /// The one recipient.
    pub recipient: Address,
    /// Header fields and the empty line behind them. ASCII.
    pub head: Vec<u8>,
    /// The content: the same bytes for all recipients to whom the template shows the same. Files may be taken from the
    /// mail that they came with.
    pub body: Spliced,
}

impl Composed {
    /// Head and body as they go over the wire; `raw` is the mail that files were taken from, empty where none were.
    /// `None` when it is not that mail.
    pub fn bytes(&self, raw: &[u8]) -> Option<Vec<u8>> {
        Some([self.head.as_slice(), &self.body.whole(raw)?].concat())
    }
}

/// Why a mail could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The queue is not in the configuration.
    #[error("there is no queue {0:?}")]
    NoQueue(String),
    /// There is no key to sign with.
    #[error("there is no signing key: `postdesk key rotate` makes one")]
    NoKey,
    /// `desk.domain` gives no Message-ID.
    #[error("the domain {0:?} makes no Message-ID")]
    Domain(String),
    /// A template failed, although it had passed the check.
    #[error("{0}")]
    Template(#[from] TemplateFault),
}

/// Makes the bytes of one mail. `nonce` makes its Message-ID one of a kind: draw it at random.
pub fn compose(
    desk: &Desk<'_>,
    outgoing: &Outgoing,
    nonce: u64,
    files: &[Part],
) -> Result<Composed, ComposeError> {
    let queue =
        desk.config.queue(&outgoing.queue).ok_or_else(|| ComposeError::NoQueue(outgoing.queue.clone()))?;
    let recipient = &outgoing.to.address;
    let token = desk
        .keys
        .token(outgoing.token_number, outgoing.purpose, recipient, nonce)
        .ok_or(ComposeError::NoKey)?;
    let domain = &desk.config.desk.domain;
    let message_id = token.message_id(domain).ok_or_else(|| ComposeError::Domain(domain.clone()))?;
    let scene = Scene::of(desk, outgoing, queue);
    let rendered = desk.templates.render(outgoing.template, outgoing.language, &scene)?;
    let content = mime::content(&rendered.text, &rendered.html, files);

    let mut head = Head::default();
    people(&mut head, outgoing, queue, &token);
    head.text("Subject", &place_tag(&rendered.subject, &scene.tag));
    head.fixed("Date", &date(desk.now));
    head.ids("Message-ID", [&message_id]);
    thread(&mut head, outgoing, domain);
    marks(&mut head, outgoing);
    leave::fields(&mut head, desk, outgoing, queue, nonce);
    head.fixed("Content-Language", outgoing.language.code());
    head.fixed("MIME-Version", "1.0");
    head.made(&content.fields);
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(b"\r\n");
    let envelope_from = envelope_from(desk, outgoing, queue, nonce);
    Ok(Composed { message_id, envelope_from, recipient: recipient.clone(), head: bytes, body: content.body })
}

/// From, To and Reply-To.
fn people(head: &mut Head, outgoing: &Outgoing, queue: &Queue, token: &Token) {
    head.person("From", &from_name(outgoing, queue), &queue.address);
    let to_name = if scene::may_repeat(outgoing) { outgoing.to.name.as_str() } else { "" };
    head.person("To", to_name, &outgoing.to.address);
    let tagged = queue.plus_addresses.then(|| scene::tagged(&queue.address, &token.text())).flatten();
    head.person("Reply-To", &queue.title, tagged.as_ref().unwrap_or(&queue.address));
}

/// `Ana García (Soporte)` for what she wrote as the desk, `María vía Soporte` for what was written to it.
fn from_name(outgoing: &Outgoing, queue: &Queue) -> String {
    let (name, title) = (head::clean(&outgoing.from_name), &queue.title);
    if name.is_empty() {
        return title.clone();
    }
    match (outgoing.template, outgoing.language) {
        (Template::Reply | Template::Forward, _) => format!("{name} ({title})"),
        (_, Language::Es) => format!("{name} vía {title}"),
        (_, Language::En | Language::Pt) => format!("{name} via {title}"),
    }
}

/// A subject with the tag in it once, behind `Re:`. The same words at the same place over a ticket's life: Gmail puts
/// mails into one conversation only while the subject behind the prefixes stays as it was.
fn place_tag(subject: &str, tag: &str) -> String {
    if tag.is_empty() {
        return subject.to_owned();
    }
    let without = head::clean(&subject.replace(tag, " "));
    let prefix = ["Re:", "Fwd:"]
        .into_iter()
        .find(|prefix| without.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)));
    match prefix.and_then(|prefix| without.split_at_checked(prefix.len())) {
        Some((prefix, rest)) => head::clean(&format!("{prefix} {tag} {rest}")),
        None => head::clean(&format!("{tag} {without}")),
    }
}

/// In-Reply-To and References. First comes an id that no mail has and all mail of the ticket names, so that a client
/// keeps it in one thread even when a mail is missing (RFC 5322 3.6.4 lets References name what was never seen).
/// Agents have one of their own: their threads hold mail that no requester gets.
fn thread(head: &mut Head, outgoing: &Outgoing, domain: &str) {
    let side = if outgoing.template.is_internal() { ".agents" } else { "" };
    let ours = match outgoing.number {
        0 => None,
        number => MessageId::parse(&format!("ticket.{number}{side}@{domain}")),
    };
    let references: Vec<&MessageId> = ours.iter().chain(bounded(&outgoing.references)).collect();
    head.ids("In-Reply-To", outgoing.in_reply_to.as_ref().or(ours.as_ref()));
    head.ids("References", references);
}

/// The first and the newest, each once.
fn bounded(references: &[MessageId]) -> impl Iterator<Item = &MessageId> {
    let mut distinct: Vec<&MessageId> = Vec::new();
    for id in references {
        if !distinct.contains(&id) {
            distinct.push(id);
        }
    }
    let skipped = distinct.len().saturating_sub(REFERENCES_MAX);
    distinct.into_iter().enumerate().filter(move |(i, _)| *i == 0 || *i > skipped).map(|(_, id)| id)
}

/// What tells other programs that nobody typed this mail (RFC 3834 5), and us that it is ours. An agent's reply is a
/// person's mail and gets none but the last.
///
/// Not `X-Auto-Response-Suppress: All`, which keeps Exchange from reporting failed delivery. `Precedence` for answers
/// only: vacation programs older than RFC 3834 know nothing else, while mail to agents need not look like bulk.
fn marks(head: &mut Head, outgoing: &Outgoing) {
    if outgoing.template.is_automatic() {
        let answers = outgoing.in_reply_to.is_some() && is_answer(outgoing.template);
        head.fixed("Auto-Submitted", if answers { "auto-replied" } else { "auto-generated" });
        head.fixed("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply");
        if answers {
            head.fixed("Precedence", "bulk");
        }
    }
    if outgoing.number != 0 {
        head.fixed("X-Postdesk-Ticket", &outgoing.number.to_string());
    }
}

/// Whether a template answers the recipient's own mail.
fn is_answer(template: Template) -> bool {
    match template {
        Template::Acknowledgement
        | Template::Explanation
        | Template::Help
        | Template::Confirmation
        | Template::Answer => true,
        Template::Reply
        | Template::Copy
        | Template::Forward
        | Template::Notification
        | Template::Colleague
        | Template::Link
        | Template::Undelivered
        | Template::Admin
        | Template::Digest => false,
    }
}

/// Where delivery reports go: with plus addresses to one that names the mail by itself, since many reports quote
/// nothing of it.
fn envelope_from(desk: &Desk<'_>, outgoing: &Outgoing, queue: &Queue, nonce: u64) -> String {
    let tagged = || {
        let token = desk.keys.token(outgoing.number, Purpose::Bounce, &outgoing.to.address, nonce)?;
        scene::tagged(&queue.address, &token.text())
    };
    let tagged = if queue.plus_addresses { tagged() } else { None };
    tagged.as_ref().unwrap_or(&queue.address).to_string()
}

/// RFC 5322 3.3, in UTC.
fn date(now: Timestamp) -> String {
    let zoned = jiff::Timestamp::from_second(now.0).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_default()
}
