//! Bytes into a [`Mail`]. Total: any bytes give a mail and what was odd about it.
//!
//! Knows how the headers and the parts make a mail; what the text, the headers and the reports mean is read by the
//! neighbouring modules.

use super::forward::Forwarded;
use super::header::{self, Headers};
use super::ids::MessageId;
use super::parts::Parts;
use super::signature::Signature;
use super::{Attachment, Limits, Mail, Oddity, ReturnPath, automatic, body, bounce, language, text};
use crate::address::{Address, Person};
use memchr::memchr_iter;
use sha2::{Digest, Sha256};

/// `Authentication-Results` fields kept; only the topmost counts.
const RESULTS_MAX: usize = 10;
/// Characters kept of one of them.
const RESULT_MAX_CHARS: usize = 4000;
/// The field by which mail of a desk's own can be told.
const DESK_MARK: &str = "x-postdesk-ticket";
/// Bytes hashed at once.
const PIECE_BYTES: usize = 4096;
/// Bytes of an attached mail that is looked into.
const ATTACHED_MAX_BYTES: usize = 10 * 1024 * 1024;

/// Reads `raw`. Total: any bytes give a mail.
pub fn read(raw: &[u8], limits: &Limits) -> Mail {
    read_parts(&Parts::of(raw), raw.len(), limits)
}

/// As [`read`], with what `open` makes of each attachment, in order, from its decoded bytes and the place in `raw`
/// where they seem to begin in their transfer encoding. Taking a mail with large attachments apart is dear: this does it
/// once for both.
pub fn read_and_open<T>(
    raw: &[u8],
    limits: &Limits,
    mut open: impl FnMut(&Attachment, &[u8], usize) -> T,
) -> (Mail, Vec<T>) {
    let parts = Parts::of(raw);
    let mail = read_parts(&parts, raw.len(), limits);
    let opened = mail.attachments.iter().map(|attachment| match parts.all().get(attachment.part) {
        Some(part) => open(attachment, &parts.bytes(part), parts.place_in(raw, part)),
        None => open(attachment, &[], raw.len()),
    });
    let opened = opened.collect();
    (mail, opened)
}

fn read_parts(parts: &Parts<'_>, size: usize, limits: &Limits) -> Mail {
    let headers = parts.headers(limits.headers_max);
    let mut oddities = Vec::new();
    note_bounds(parts, limits, &mut oddities);
    let from = sender(&headers, limits, &mut oddities);
    let body = body::read(parts, limits);
    oddities.extend(body.oddities);
    let attachments = parts.attachments(&body.used, limits.parts_max, body.html.as_deref());
    let message_id = headers.ids("message-id").into_iter().next();
    let whole: String = body.spans.iter().map(|span| span.text.as_str()).collect();
    let fresh = text::fresh(&body.spans);
    let bounce = bounce::read(parts, &headers, &whole, limits);
    Mail {
        size,
        content_key: content_key(message_id.as_ref(), &headers, parts.raw_body()),
        in_reply_to: bounded(headers.ids("in-reply-to"), limits.references_max, "in-reply-to", &mut oddities),
        references: bounded(headers.ids("references"), limits.references_max, "references", &mut oddities),
        from: from.person,
        from_many: from.many,
        doubled: doubled(&headers, &mut oddities),
        reply_to: people(&headers, "reply-to", limits, &mut oddities),
        to: people(&headers, "to", limits, &mut oddities),
        cc: people(&headers, "cc", limits, &mut oddities),
        delivered_to: delivered_to(&headers, limits),
        return_path: return_path(&headers),
        subject: subject(&headers, limits, &mut oddities),
        date: date(&headers, &mut oddities),
        automatic: automatic::detect(&headers, bounce.is_some()),
        language: language::detect(&fresh, &headers),
        authentication_results: headers
            .all("authentication-results")
            .take(RESULTS_MAX)
            .map(|value| value.chars().take(RESULT_MAX_CHARS).collect())
            .collect(),
        signatures: headers.all("dkim-signature").map(Signature::read).collect(),
        of_a_desk: headers.get(DESK_MARK).is_some(),
        attached: if bounce.is_none() { attached(parts, &attachments, limits) } else { None },
        body: body.spans,
        html: body.html,
        message_id,
        attachments,
        bounce,
        oddities,
    }
}

/// The decoded bytes of attachment `part` (see [`super::Attachment::part`]) of `raw`; `None` when there is no such part.
pub fn attachment_bytes(raw: &[u8], limits: &Limits, part: usize) -> Option<Vec<u8>> {
    let parts = Parts::of(raw);
    let found = parts.all().get(part).filter(|_| part < limits.parts_max)?;
    Some(parts.bytes(found).into_owned())
}

/// The first attached mail. What is attached to that one in turn is not looked at.
fn attached(parts: &Parts<'_>, attachments: &[Attachment], limits: &Limits) -> Option<Forwarded> {
    let is_mail =
        |a: &&Attachment| a.content_type == "message/rfc822" || a.name.to_lowercase().ends_with(".eml");
    let found = attachments.iter().find(is_mail)?;
    let raw = parts.bytes(parts.all().get(found.part)?);
    if raw.len() > ATTACHED_MAX_BYTES {
        return None;
    }
    let inner = Parts::of(&raw);
    let headers = inner.headers(limits.headers_max);
    let writer = |name| headers.people(name, 1).into_iter().next();
    let body = body::read(&inner, limits);
    Some(Forwarded {
        from: writer("reply-to").or_else(|| writer("from"))?,
        subject: subject(&headers, limits, &mut Vec::new()),
        text: body.spans.iter().map(|span| span.text.as_str()).collect::<String>().trim().to_owned(),
        message_id: headers.ids("message-id").into_iter().next(),
    })
}

fn note_bounds(parts: &Parts<'_>, limits: &Limits, oddities: &mut Vec<Oddity>) {
    let headers = parts.root().map_or(0, |root| root.headers.len());
    if parts.headless() {
        oddities.push(Oddity::new(
            "no-headers",
            "the mail does not begin with headers; all of it is taken as text",
        ));
    }
    if headers > limits.headers_max {
        oddities
            .push(Oddity::new("headers-bound", format!("{headers} headers, {} read", limits.headers_max)));
    }
    if parts.all().len() > limits.parts_max {
        oddities.push(Oddity::new(
            "parts-bound",
            format!("{} parts, {} read", parts.all().len(), limits.parts_max),
        ));
    }
    oddities.extend(parts.cut.map(|(code, detail)| Oddity::new(code, detail)));
}

/// What says to whom, about what and in answer to what a mail was written; From has its own rule.
const ONCE: [&str; 7] = ["subject", "to", "cc", "date", "message-id", "in-reply-to", "references"];

fn doubled(headers: &Headers, oddities: &mut Vec<Oddity>) -> Option<&'static str> {
    let name = ONCE.into_iter().find(|name| headers.all(name).count() > 1)?;
    oddities.push(Oddity::new("field-many", format!("there is more than one {name} field")));
    Some(name)
}

/// Who a mail says it is from.
struct Sender {
    person: Option<Person>,
    many: bool,
}

/// The first From counts: readers show that one. More than one From field, or more than one address in it, is
/// recorded, so that no power comes of it (RFC 5322 3.6.2 allows one field only).
fn sender(headers: &Headers, limits: &Limits, oddities: &mut Vec<Oddity>) -> Sender {
    let fields = headers.all("from").count();
    let mut people = headers.people("from", limits.addresses_max);
    let mut many = fields > 1 || people.len() > 1;
    if many {
        oddities
            .push(Oddity::new("from-many", format!("{fields} From fields with {} addresses", people.len())));
    }
    if people.is_empty() {
        // Some clients put the whole field, address included, into an encoded word.
        people = headers.get("from").map(header::one_line).map_or(Vec::new(), |value| header::people(&value));
        many = many || !people.is_empty();
    }
    if people.is_empty() {
        oddities.push(Oddity::new("no-from", "From holds no address"));
        people = headers.people("sender", 1);
    }
    Sender { person: people.into_iter().next(), many }
}

fn people(headers: &Headers, name: &'static str, limits: &Limits, oddities: &mut Vec<Oddity>) -> Vec<Person> {
    let mut people = headers.people(name, limits.addresses_max.saturating_add(1));
    if people.len() > limits.addresses_max {
        people.truncate(limits.addresses_max);
        oddities.push(Oddity::new(
            "addresses-bound",
            format!("{name} holds more than {} addresses", limits.addresses_max),
        ));
    }
    people
}

/// The first id, which is the thread's root, and the newest ones.
fn bounded(mut ids: Vec<MessageId>, max: usize, name: &str, oddities: &mut Vec<Oddity>) -> Vec<MessageId> {
    if ids.len() > max {
        oddities.push(Oddity::new("references-bound", format!("{name} holds {} ids, {max} kept", ids.len())));
        let newest = ids.split_off(ids.len() - max.saturating_sub(1));
        ids.truncate(max.min(1));
        ids.extend(newest);
    }
    ids
}

fn delivered_to(headers: &Headers, limits: &Limits) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    for name in ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"] {
        for person in headers.people(name, limits.addresses_max) {
            if found.len() < limits.addresses_max && !found.contains(&person.address) {
                found.push(person.address);
            }
        }
    }
    found
}

fn return_path(headers: &Headers) -> ReturnPath {
    let Some(value) = headers.get("return-path") else { return ReturnPath::Absent };
    match header::people(value).into_iter().next() {
        Some(person) => ReturnPath::Address(person.address),
        None if matches!(value.trim().trim_matches(['<', '>', ' ']), "" | "MAILER-DAEMON") => {
            ReturnPath::Null
        }
        None => ReturnPath::Absent,
    }
}

fn subject(headers: &Headers, limits: &Limits, oddities: &mut Vec<Oddity>) -> String {
    let subject = headers.text("subject");
    if subject.chars().nth(limits.subject_max_chars).is_none() {
        return subject;
    }
    oddities.push(Oddity::new(
        "subject-bound",
        format!("the subject is longer than {}", limits.subject_max_chars),
    ));
    subject.chars().take(limits.subject_max_chars).collect()
}

fn date(headers: &Headers, oddities: &mut Vec<Oddity>) -> Option<crate::clock::Timestamp> {
    let value = headers.get("date")?;
    let date = header::date(value);
    if date.is_none() {
        oddities.push(Oddity::new("no-date", "Date holds no real date"));
    }
    date
}

/// Equal for the same mail delivered twice: trace headers differ, line ends may, and servers add blank lines.
fn content_key(id: Option<&MessageId>, headers: &Headers, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    match id {
        Some(id) => hash.update(id.as_str()),
        None => {
            for name in ["from", "to", "date", "subject"] {
                hash.update(headers.get(name).unwrap_or(""));
                hash.update([0]);
            }
        }
    }
    hash.update([0]);
    // Carriage returns do not count. Put together into longer pieces: hashing lines one by one takes twice as long.
    let (body, mut start, mut piece) = (body.trim_ascii_end(), 0, Vec::with_capacity(2 * PIECE_BYTES));
    for end in memchr_iter(b'\r', body).chain([body.len()]) {
        piece.extend_from_slice(body.get(start..end).unwrap_or_default());
        start = end + 1;
        if piece.len() >= PIECE_BYTES {
            hash.update(&piece);
            piece.clear();
        }
    }
    hash.update(&piece);
    hash.finalize().into()
}
