//! Delivery reports: RFC 3464 and the free-form ones, read into recipients with a status each.

use super::ids::MessageId;
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
