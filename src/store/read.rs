//! Questions that people ask of the store: the status page's and the command line's. Read-only connections.

use super::facts::{language, status};
use super::pack::raw_of_mail;
use super::{StoreError, schema};
use crate::clock::Timestamp;
use crate::desk::decision::Role;
use crate::desk::ticket::Status;
use crate::language::Language;
use crate::mail::{LIMITS, attachment_bytes};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Most messages of a conversation that are shown.
const MESSAGES_SHOWN_MAX: i64 = 500;

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
pub struct Reader {
    /// For the store's other questions.
    pub(super) db: Connection,
}

impl Reader {
    /// Opens the file at `path` for questions.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: schema::open_reader(path)? })
    }

    /// The connection, for questions of other parts of the store.
    pub fn db(&self) -> &Connection {
        &self.db
    }

    /// The card of ticket `number`.
    pub fn card(&self, number: i64) -> Result<Option<Card>, StoreError> {
        let sql = "SELECT status, queue, opened_at, changed_at, (SELECT number FROM ticket AS other WHERE other.id = ticket.merged_into)
                   FROM ticket WHERE number = ?1";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([number])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(Card {
            number,
            status: status(&row.get::<_, String>(0)?)?,
            queue: row.get(1)?,
            opened_at: Timestamp(row.get(2)?),
            changed_at: Timestamp(row.get(3)?),
            merged_into: row.get(4)?,
        }))
    }

    /// The public conversation of ticket `number`.
    pub fn conversation(&self, number: i64) -> Result<Option<Conversation>, StoreError> {
        let Some(card) = self.card(number)? else { return Ok(None) };
        let sql = "SELECT id, subject, language FROM ticket WHERE number = ?1";
        let (id, subject, word): (i64, String, String) =
            self.db.prepare_cached(sql)?.query_row([number], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        Ok(Some(Conversation {
            card,
            subject,
            language: language(&word)?,
            messages: self.public_messages(id)?,
        }))
    }

    fn public_messages(&self, ticket: i64) -> Result<Vec<PublicMessage>, StoreError> {
        let sql = "SELECT id, at, role, author_name, author, text, folded FROM message
                   WHERE ticket_id = ?1 AND internal = 0 ORDER BY id LIMIT ?2";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query((ticket, MESSAGES_SHOWN_MAX))?;
        let mut messages = Vec::new();
        while let Some(row) = rows.next()? {
            let role = role(&row.get::<_, String>(2)?)?;
            let (name, address): (String, String) = (row.get(3)?, row.get(4)?);
            // An agent's address is nobody's business outside (promise 8).
            let author = if name.is_empty() && role != Role::Agent { address } else { name };
            messages.push(PublicMessage {
                at: Timestamp(row.get(1)?),
                role,
                author,
                text: row.get(5)?,
                folded: row.get(6)?,
                attachments: self.attachments(row.get(0)?)?,
            });
        }
        Ok(messages)
    }

    /// The attachments of message `id`.
    pub fn attachments(&self, id: i64) -> Result<Vec<AttachmentRow>, StoreError> {
        let sql = "SELECT id, name, content_type, size FROM attachment WHERE message_id = ?1 ORDER BY id";
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map([id], |r| {
            Ok(AttachmentRow { id: r.get(0)?, name: r.get(1)?, content_type: r.get(2)?, size: r.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Attachment `id`, when it belongs to a public message of ticket `number`.
    pub fn download(&self, number: i64, id: i64) -> Result<Option<Download>, StoreError> {
        let sql = "SELECT attachment.name, content_type, part, message.mail_id
                   FROM attachment JOIN message ON message.id = message_id JOIN ticket ON ticket.id = ticket_id
                   WHERE attachment.id = ?1 AND ticket.number = ?2 AND internal = 0 AND mail_id IS NOT NULL";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query((id, number))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (part, mail): (i64, i64) = (row.get(2)?, row.get(3)?);
        let Some(raw) = raw_of_mail(&self.db, mail)? else { return Ok(None) };
        let part = usize::try_from(part).unwrap_or(usize::MAX);
        let Some(bytes) = attachment_bytes(&raw, &LIMITS, part) else { return Ok(None) };
        Ok(Some(Download { name: row.get(0)?, content_type: row.get(1)?, bytes }))
    }
}

fn role(word: &str) -> Result<Role, StoreError> {
    Role::from_word(word).ok_or_else(|| StoreError::Unknown { what: "role", found: word.to_owned() })
}

/// A few read-only connections, lent out.
#[derive(Clone)]
pub struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Reader>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    /// Connections to the file at `path`, at most `most` at once; each is opened when it is first wanted.
    pub fn new(path: &Path, most: usize) -> Self {
        Self { path: Arc::new(path.to_owned()), idle: Arc::default(), places: Arc::new(Semaphore::new(most)) }
    }

    /// Runs `question` on a connection that is free, on a thread where it may block.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (path, idle) = (Arc::clone(&self.path), Arc::clone(&self.idle));
        let asked = tokio::task::spawn_blocking(move || {
            let _place = place;
            let reader = match lock(&idle).pop() {
                Some(reader) => reader,
                None => Reader::open(&path)?,
            };
            let answer = question(&reader);
            // A connection that met an error of the disk is not lent again.
            if !answer.as_ref().is_err_and(StoreError::is_of_the_disk) {
                lock(&idle).push(reader);
            }
            answer
        });
        asked.await.map_err(|error| StoreError::Panic(error.to_string()))?
    }
}

fn lock(idle: &Mutex<Vec<Reader>>) -> std::sync::MutexGuard<'_, Vec<Reader>> {
    idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
