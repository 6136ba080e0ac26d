//! Questions that people ask of the store: the status page's and the command line's. Read-only connections.

use super::StoreError;
use crate::clock::Timestamp;
use crate::desk::decision::Role;
use crate::desk::ticket::Status;
use crate::language::Language;

/// What anybody who knows a ticket's number may see: nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Card {
    /// Ticket number.
    pub number: i64,
    /// Where it stands.
    pub status: Status,
    /// Queue name.
    pub queue: String,
    /// Opened, UTC.
    pub opened_at: Timestamp,
    /// Last change, UTC.
    pub changed_at: Timestamp,
    /// The number of the ticket it was merged into.
    pub merged_into: Option<i64>,
}

/// One attachment of a public message.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AttachmentRow {
    /// For the download link.
    pub id: i64,
    /// Safe file name.
    pub name: String,
    /// Media type as the mail claimed it.
    pub content_type: String,
    /// Bytes.
    pub size: i64,
}

/// One public message.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PublicMessage {
    /// When it came, UTC.
    pub at: Timestamp,
    /// In what capacity the author wrote.
    pub role: Role,
    /// Display name; for agents without their address, for others name or address.
    pub author: String,
    /// What was written.
    pub text: String,
    /// Quotes and signature.
    pub folded: String,
    /// Attachments.
    pub attachments: Vec<AttachmentRow>,
}

/// What the signed link shows: public messages, never notes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Conversation {
    /// The card.
    pub card: Card,
    /// Subject.
    pub subject: String,
    /// Language of the requester.
    pub language: Language,
    /// Oldest first, at most 500.
    pub messages: Vec<PublicMessage>,
}

/// A file to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Safe file name.
    pub name: String,
    /// Media type as the mail claimed it.
    pub content_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A read-only connection.
pub struct Reader {}

impl Reader {
    /// The card of ticket `number`.
    pub fn card(&self, _number: i64) -> Result<Option<Card>, StoreError> {
        Ok(None)
    }

    /// The public conversation of ticket `number`.
    pub fn conversation(&self, _number: i64) -> Result<Option<Conversation>, StoreError> {
        Ok(None)
    }

    /// Attachment `id`, when it belongs to a public message of ticket `number`.
    pub fn download(&self, _number: i64, _id: i64) -> Result<Option<Download>, StoreError> {
        Ok(None)
    }
}

/// A few read-only connections, lent out.
#[derive(Clone)]
pub struct Readers {}

impl Readers {
    /// Runs `question` on a connection that is free, on a thread where it may block.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        question(&Reader {})
    }
}
