//! Which mail a report is about: Message-IDs out of what the report attaches, quotes and refers to.

use super::super::header::Headers;
use super::super::ids::MessageId;
use super::super::parts::{self, Parts};
use super::super::{Limits, header, words};
use mail_parser::{HeaderName, MessagePart};

/// Ids kept.
const IDS_MAX: usize = 20;

/// The ids, surest first.
pub(super) fn ids(
    parts: &Parts<'_>,
    headers: &Headers,
    status: &Headers,
    text: &str,
    limits: &Limits,
) -> Vec<MessageId> {
    let mut found: Vec<MessageId> = Vec::new();
    let mut add = |ids: Vec<MessageId>| {
        for id in ids {
            if found.len() < IDS_MAX && !found.contains(&id) {
                found.push(id);
            }
        }
    };
    for part in parts.all().iter().take(limits.parts_max) {
        add(attached(parts, part));
    }
    for name in ["original-message-id", "x-original-message-id"] {
        add(status.ids(name));
        add(headers.ids(name));
    }
    add(quoted(text));
    add(headers.ids("in-reply-to"));
    // The last is the mail itself; before it stand, in Exchange's reports, all that it answered.
    add(headers.ids("references").into_iter().rev().collect());
    found
}

fn attached(parts: &Parts<'_>, part: &MessagePart<'_>) -> Vec<MessageId> {
    if let Some(nested) = part.message() {
        let root = nested.parts.first().map_or(&[][..], |root| root.headers.as_slice());
        return root
            .iter()
            .filter(|field| field.name == HeaderName::MessageId)
            .filter_map(|field| field.value.as_text())
            .flat_map(header::ids)
            .collect();
    }
    match parts::media_type(part).as_str() {
        "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers" | "message/rfc822" => {
            Headers::of_text(&words::characters(&parts.bytes(part), None)).ids("message-id")
        }
        _ => Vec::new(),
    }
}

/// `Message-ID:` lines in the text, where the report quotes the mail.
fn quoted(text: &str) -> Vec<MessageId> {
    let mut lines = text.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.trim_start_matches(['>', '|', ' ', '\t']);
        let Some(value) = words::strip_prefix_ignore_case(line, "message-id:") else { continue };
        let value = if value.trim().is_empty() { lines.peek().copied().unwrap_or("") } else { value };
        found.extend(header::ids(value));
        if found.len() >= IDS_MAX {
            break;
        }
    }
    found
}
