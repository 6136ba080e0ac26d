//! What a mail is: bytes read into a [`Mail`], which the desk can decide upon. Pure, and total: any bytes give a mail
//! and a list of [`Oddity`].
//!
//! Knows no ticket, queue, agent or database. This folder is the only user of mail-parser.

pub mod ids;
mod words;
mod header;
mod name;
mod structure;
pub mod token;
mod secret;
mod parts;
mod html;
pub mod text;
mod body;
pub mod automatic;
pub mod bounce;
pub mod language;
pub mod forward;
mod signature;
pub mod parse;
pub mod proof;
pub mod spliced;
pub mod thanks;
mod report;

use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::language::Language;
use ids::MessageId;

pub use parse::{attachment_bytes, read, read_and_open};
pub use report::report;

/// Bounds on what is read of one mail (promise 9). Reaching one is recorded as an [`Oddity`].
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Headers read; the rest are passed over.
    pub headers_max: usize,
    /// MIME parts read.
    pub parts_max: usize,
    /// Message-IDs kept of In-Reply-To and of References (the first and the newest).
    pub references_max: usize,
    /// Addresses kept of each address header.
    pub addresses_max: usize,
    /// Bytes kept of the text that people read.
    pub text_max_bytes: usize,
    /// Bytes of HTML turned into text.
    pub html_max_bytes: usize,
    /// Characters kept of a subject.
    pub subject_max_chars: usize,
}

/// The bounds in service.
pub const LIMITS: Limits = Limits {
    headers_max: 1000,
    parts_max: 1000,
    references_max: 100,
    addresses_max: 100,
    text_max_bytes: 512 * 1024,
    html_max_bytes: 1024 * 1024,
    subject_max_chars: 250,
};

/// Something about a mail that is not as the standards want it, or that reached a bound.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Oddity {
    /// A short fixed word for programs, such as `no-from` or `parts-bound`.
    pub code: &'static str,
    /// What was found, for people; never holds the mail's text.
    pub detail: String,
}

impl Oddity {
    /// An oddity with its detail.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The envelope sender as the final server wrote it into `Return-Path` (RFC 5321 4.4).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub enum ReturnPath {
    /// No such header.
    Absent,
    /// `<>`: the mail is a report or an automatic answer and must get none.
    Null,
    /// An address.
    Address(Address),
}

/// Which part of a text a [`Span`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Written for this mail.
    Fresh,
    /// An older mail quoted, with the line that introduces it; also the header block and text of a forwarded history.
    Quote,
    /// A signature (`-- `), a client's footer ("Sent from my phone").
    Signature,
}

/// A stretch of text of one kind. A mail's spans, joined, are its whole text: folded, never cut.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// The text, with its line ends as `\n`.
    pub text: String,
}

/// An attachment or an inline part other than the body that is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Attachment {
    /// Position among the mail's parts, for [`attachment_bytes`].
    pub part: usize,
    /// A safe file name: no path, no control or direction-changing character, no reserved name, never empty, at most 200 bytes.
    pub name: String,
    /// The media type, lower-case (`application/pdf`); `application/octet-stream` when it could not be read.
    pub content_type: String,
    /// Bytes after decoding.
    pub size: usize,
    /// `Content-ID` without brackets, empty when absent.
    pub content_id: String,
    /// Shown inside the HTML body rather than offered beside it.
    pub inline: bool,
    /// A token that was made for an agent stands in it: it is, or holds, mail of the desk's own to agents.
    pub holds_token: bool,
}

impl Attachment {
    /// Whether nobody outside may have it when an agent's mail brings it: mail of the desk's own to agents, and what
    /// programs attach by themselves (signatures, certificates, public keys, business cards), which holds the agent's own
    /// address, or does not fit the mail that the desk makes of it.
    pub fn is_agents_own(&self) -> bool {
        const KINDS: [&str; 7] = [
            "application/pkcs7-signature",
            "application/x-pkcs7-signature",
            "application/pgp-signature",
            "application/pgp-keys",
            "text/vcard",
            "text/x-vcard",
            "text/directory",
        ];
        self.holds_token || KINDS.contains(&self.content_type.as_str())
    }
}

/// A mail, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Bytes of the raw mail.
    pub size: usize,
    /// SHA-256 over what makes this mail the same mail when it is delivered twice: Message-ID and body; without a
    /// Message-ID, From, To, Date, Subject and body. Trace headers do not count.
    pub content_key: [u8; 32],
    /// `Message-ID`, cleaned.
    pub message_id: Option<MessageId>,
    /// `In-Reply-To`.
    pub in_reply_to: Vec<MessageId>,
    /// `References`, oldest first.
    pub references: Vec<MessageId>,
    /// Who wrote it by its own claim: the first `From`, else `Sender`; `None` when neither holds an address.
    pub from: Option<Person>,
    /// There was more than one address in `From`, or more than one `From` header.
    pub from_many: bool,
    /// The first field there is more than one of, where RFC 5322 3.6 allows one: a signature covers the lower ones
    /// only, whoever passes the mail on can add another on top, and we read that.
    pub doubled: Option<&'static str>,
    /// `Reply-To`.
    pub reply_to: Vec<Person>,
    /// `To`.
    pub to: Vec<Person>,
    /// `Cc`.
    pub cc: Vec<Person>,
    /// Where servers say it was delivered: `Delivered-To`, `X-Original-To`, `Envelope-To`, `X-Envelope-To`.
    pub delivered_to: Vec<Address>,
    /// `Return-Path`.
    pub return_path: ReturnPath,
    /// The subject, decoded, on one line, without control characters, at most `subject_max_chars` long.
    pub subject: String,
    /// `Date`, when it is a real date.
    pub date: Option<Timestamp>,
    /// The text as a person reads it (HTML turned into text where there is no plain part), in spans.
    pub body: Vec<Span>,
    /// The HTML body as it came, not sanitised, where there is one within bounds.
    pub html: Option<String>,
    /// Attachments, in order.
    pub attachments: Vec<Attachment>,
    /// Why it must not get an automatic answer (RFC 3834), or `None` for a human's mail.
    pub automatic: Option<automatic::Automatic>,
    /// The delivery report it is, if it is one.
    pub bounce: Option<bounce::Bounce>,
    /// `Authentication-Results` values, unfolded, topmost first, at most 10.
    pub authentication_results: Vec<String>,
    /// Its DKIM signatures, topmost first.
    pub signatures: Vec<signature::Signature>,
    /// The language of the text where it is long enough to tell, else of `Content-Language` or `Accept-Language`.
    pub language: Option<Language>,
    /// A Postdesk says in its head that it made it.
    pub of_a_desk: bool,
    /// The first mail that is attached to it, where one is.
    pub attached: Option<forward::Forwarded>,
    /// What was odd about it.
    pub oddities: Vec<Oddity>,
}

impl Mail {
    /// The whole text: all spans joined.
    pub fn text(&self) -> String {
        self.body.iter().map(|span| span.text.as_str()).collect()
    }

    /// What was written for this mail: the fresh spans joined and trimmed.
    pub fn fresh(&self) -> String {
        text::fresh(&self.body)
    }

    /// What is shown unfolded: the fresh text; of a mail that holds nothing fresh and is no answer, such as a forwarded
    /// one, all of it. Commands are looked for in [`Mail::fresh`] only, for what is forwarded is a stranger's.
    pub fn visible(&self) -> String {
        let fresh = self.fresh();
        if !fresh.is_empty() || (is_answer(&self.subject) && !text::begins_as_forward(&self.body)) {
            return fresh;
        }
        self.text().trim().to_owned()
    }

    /// The mail that it forwards, attached or inline.
    pub fn forwarded(&self) -> Option<forward::Forwarded> {
        self.attached.clone().or_else(|| forward::inline(&self.text()))
    }

    /// Whether its subject begins as those of forwarded mail do.
    pub fn has_forward_subject(&self) -> bool {
        forward::has_prefix(&self.subject)
    }

    /// Whether it says that it forwards another mail. An answer that quotes or encloses one does not.
    pub fn is_forward(&self) -> bool {
        let holds_one = self.attached.is_some() || forward::says_so(&self.subject, &self.text());
        holds_one && !is_answer(&self.subject)
    }

    /// Every Message-ID this mail points at, nearest first: In-Reply-To, then References from the newest back.
    pub fn points_at(&self) -> impl Iterator<Item = &MessageId> {
        self.in_reply_to.iter().chain(self.references.iter().rev())
    }
}

/// Whether a subject begins as answers do, in the words of the common clients.
fn is_answer(subject: &str) -> bool {
    let prefix = subject.split([':', '：']).next().unwrap_or("").trim().to_lowercase();
    prefix.len() < subject.len()
        && ["re", "aw", "sv", "res", "resp", "vs", "antw", "odp", "r", "回复", "回覆", "答复"]
            .contains(&prefix.as_str())
}

#[cfg(test)]
mod tests;
