//! Delivery status notifications (RFC 3464), read field by field.

use super::super::header::{Field, Headers};
use super::super::words::strip_prefix_ignore_case;
use super::{BounceKind, FailedRecipient, status};
use crate::address::Address;

/// Recipients kept of one report.
const RECIPIENTS_MAX: usize = 100;

/// What a status part says.
pub(super) struct Report {
    /// Recipients to whom something happened; those who got the mail are left out.
    pub(super) recipients: Vec<FailedRecipient>,
    /// It speaks of success only, or of nothing that failed.
    pub(super) only_success: bool,
    /// Fields such as `Original-Message-ID` that name the mail.
    pub(super) original: Headers,
}

/// Reads the text of a `message/delivery-status` part.
pub(super) fn read(text: &str) -> Report {
    let groups = groups(text);
    let recipients: Vec<FailedRecipient> = groups.iter().filter_map(recipient).take(RECIPIENTS_MAX).collect();
    let only_success = recipients.is_empty() && groups.iter().any(is_success);
    let original = groups.into_iter().next().unwrap_or_default();
    Report { recipients, only_success, original }
}

/// Groups of fields. They should be parted by blank lines; where a system writes none, a second recipient begins one.
fn groups(text: &str) -> Vec<Headers> {
    let mut groups = Vec::new();
    let mut current = Headers::default();
    for line in text.lines().take(20_000) {
        if line.trim().is_empty() {
            flush(&mut current, &mut groups);
        } else if line.starts_with([' ', '\t']) && !current.0.is_empty() {
            if let Some(last) = current.0.last_mut() {
                last.value.push(' ');
                last.value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_ascii_lowercase();
            if name == "final-recipient" && current.has("final-recipient") {
                flush(&mut current, &mut groups);
            }
            current.0.push(Field { name, value: value.trim().to_owned() });
        }
    }
    flush(&mut current, &mut groups);
    groups
}

fn flush(current: &mut Headers, groups: &mut Vec<Headers>) {
    if !current.0.is_empty() {
        groups.push(std::mem::take(current));
    }
}

fn is_success(group: &Headers) -> bool {
    let action = action(group);
    matches!(action.as_str(), "delivered" | "relayed" | "expanded")
        || action.is_empty() && group.get("status").is_some_and(|status| status.trim().starts_with('2'))
}

fn action(group: &Headers) -> String {
    let value = group.get("action").unwrap_or("");
    value.split([' ', '(', ';']).next().unwrap_or("").to_ascii_lowercase()
}

/// One recipient to whom the mail did not come; `None` for the fields about the mail, and for success.
fn recipient(group: &Headers) -> Option<FailedRecipient> {
    let named =
        group.has("final-recipient") || group.has("original-recipient") || group.has("x-actual-recipient");
    if !named || is_success(group) {
        return None;
    }
    // The address that was written to is the one the desk knows; a relay may have changed it since.
    let address = ["original-recipient", "final-recipient", "x-actual-recipient"]
        .iter()
        .filter_map(|name| group.get(name))
        .find_map(typed_address)?;
    let diagnostic = group.get("diagnostic-code").map(without_type).unwrap_or_default();
    let declared = group.get("status").and_then(status::enhanced);
    let status = match declared {
        // "5.0.0" says nothing; the remote server's own words may.
        Some(code) if code.ends_with(".0.0") => {
            // Exim always writes "5.0.0".
            status::of_words(&diagnostic).filter(|c| c.get(..1) == code.get(..1)).or(Some(code))
        }
        Some(code) => Some(code),
        None => status::of_words(&diagnostic),
    };
    let kind = match action(group).as_str() {
        "delayed" => BounceKind::Delayed,
        "failed" => status::kind(status.as_deref(), &diagnostic),
        _ => status::kind(status.as_deref(), &diagnostic),
    };
    Some(FailedRecipient { address, status, diagnostic: status::one_line(&diagnostic), kind })
}

/// `rfc822; ann@x.example` (RFC 3464 2.1.2).
pub(super) fn typed_address(value: &str) -> Option<Address> {
    let value = value.split_once(';').map_or(value, |(_, address)| address).trim();
    let value = value.split('(').next().unwrap_or(value).trim().trim_matches(['"', '\'', ' ']);
    let value = strip_prefix_ignore_case(value, "mailto:").unwrap_or(value);
    Address::parse(value).or_else(|| super::addresses::in_line(value).into_iter().next())
}

fn without_type(value: &str) -> String {
    match value.split_once(';') {
        Some((kind, rest)) if kind.len() < 20 && !kind.contains(' ') => rest.trim().to_owned(),
        _ => value.to_owned(),
    }
}
