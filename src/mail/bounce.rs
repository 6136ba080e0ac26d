//! Delivery reports: RFC 3464 and the free-form ones, read into recipients with a status each.
//!
//! Knows what mail systems write. A person who quotes a report, an out-of-office note with the null sender, a read
//! receipt and a report of success are no bounces.

mod addresses;
mod status;
mod phrases;
mod report;
mod freeform;
mod about;

use super::Limits;
use super::header::Headers;
use super::ids::MessageId;
use super::parts::{self, Parts};
use crate::address::Address;

/// What a delivery report says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BounceKind {
    /// Will not be delivered (status 5.x.x, or said so in words).
    Hard,
    /// Was not delivered for a reason that may pass (status 4.x.x with action failed; mailbox full).
    Soft,
    /// Still being tried by the relay (action delayed).
    Delayed,
}

/// One recipient of a delivery report.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FailedRecipient {
    /// Final-Recipient or Original-Recipient, or the address the words name.
    pub address: Address,
    /// The enhanced status code (RFC 3463), such as `5.1.1`; from the SMTP reply or the words where no field gives it.
    pub status: Option<String>,
    /// What the remote server said, on one line, at most 300 characters.
    pub diagnostic: String,
    /// What happened to this recipient.
    pub kind: BounceKind,
}

/// A delivery report about mail that was not delivered (reports of success are not bounces).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Bounce {
    /// The worst of the recipients' kinds.
    pub kind: BounceKind,
    /// The recipients; may be empty for a report in words that names none.
    pub recipients: Vec<FailedRecipient>,
    /// Message-IDs of the mail it is about: from the attached mail or headers, from quoted headers in the text, from
    /// References and In-Reply-To of the report.
    pub about: Vec<MessageId>,
}

/// Reads a mail as a delivery report. `text` is its whole text.
pub(super) fn read(parts: &Parts<'_>, headers: &Headers, text: &str, limits: &Limits) -> Option<Bounce> {
    if is_other_report(parts, headers, limits) {
        return None;
    }
    let reports = status_parts(parts, limits).or_else(|| wrapped_status(parts, headers, limits));
    let (recipients, original) = match reports {
        Some(reports) if reports.iter().all(|report| report.only_success) => return None,
        Some(reports) => {
            let original = reports.iter().flat_map(|report| report.original.0.clone()).collect();
            let mut recipients: Vec<FailedRecipient> =
                reports.into_iter().flat_map(|report| report.recipients).collect();
            if recipients.is_empty() {
                recipients = freeform::recipients(headers, text);
            }
            (recipients, Headers(original))
        }
        None if freeform::is_one(headers, text) => (freeform::recipients(headers, text), Headers::default()),
        None => return None,
    };
    let kind = worst(&recipients).unwrap_or_else(|| freeform::kind(headers, text));
    Some(Bounce { kind, about: about::ids(parts, headers, &original, text, limits), recipients })
}

fn worst(recipients: &[FailedRecipient]) -> Option<BounceKind> {
    let rank = |kind: &BounceKind| match kind {
        BounceKind::Hard => 2,
        BounceKind::Soft => 1,
        BounceKind::Delayed => 0,
    };
    recipients.iter().map(|recipient| recipient.kind).max_by_key(rank)
}

/// A gateway may wrap a report into a mail of its own; it is looked into when the wrapping comes from a mail system.
fn wrapped_status(parts: &Parts<'_>, headers: &Headers, limits: &Limits) -> Option<Vec<report::Report>> {
    if !super::automatic::is_mail_system(headers) {
        return None;
    }
    let inner = parts.all().iter().take(limits.parts_max).filter_map(|part| part.message());
    let found: Vec<report::Report> = inner
        .flat_map(|message| message.parts.iter().take(limits.parts_max))
        .filter(|part| parts::media_type(part) == "message/delivery-status")
        .map(|part| report::read(&super::words::characters(part.contents(), None)))
        .collect();
    (!found.is_empty()).then_some(found)
}

/// Read receipts (RFC 8098) and abuse reports (RFC 5965) are reports of other things.
fn is_other_report(parts: &Parts<'_>, headers: &Headers, limits: &Limits) -> bool {
    if is_rejection(parts, limits) {
        return false;
    }
    let root = headers.get("content-type").unwrap_or("").to_ascii_lowercase();
    if root.contains("disposition-notification") || root.contains("feedback-report") {
        return true;
    }
    parts.all().iter().take(limits.parts_max).any(|part| {
        matches!(
            parts::media_type(part).as_str(),
            "message/disposition-notification" | "message/feedback-report"
        )
    })
}

/// Some delivery agents refuse mail by a disposition report: deleted by a machine, without a person (RFC 8098 3.2.6).
fn is_rejection(parts: &Parts<'_>, limits: &Limits) -> bool {
    parts.all().iter().take(limits.parts_max).any(|part| {
        parts::media_type(part) == "message/disposition-notification" && {
            let fields = super::words::characters(&parts.bytes(part), None).to_lowercase();
            fields.contains("automatic-action/mdn-sent-automatically; deleted")
        }
    })
}

/// The status parts of the outermost mail; those of a mail that somebody attached do not count.
fn status_parts(parts: &Parts<'_>, limits: &Limits) -> Option<Vec<report::Report>> {
    let found: Vec<report::Report> = parts
        .all()
        .iter()
        .take(limits.parts_max)
        .filter(|part| {
            matches!(
                parts::media_type(part).as_str(),
                "message/delivery-status" | "message/global-delivery-status"
            )
        })
        .map(|part| report::read(&super::words::characters(&parts.bytes(part), None)))
        .collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests;
