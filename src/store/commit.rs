//! THE write: a mail's raw bytes, the decision about it, its consequences and the new position, in one transaction.

use super::StoreError;
use super::apply::{self, Cause};
use super::facts::next_id;
use super::pack::{Packed, pack_passing};
use crate::address::Address;
use crate::clock::Timestamp;
use crate::desk::decision::{Decision, Disposition, Event};
use crate::mail::ids::MessageId;
use crate::mail::spliced::Spliced;
use crate::mail::{Attachment, Mail, Oddity};
use rusqlite::{Connection, OptionalExtension};

/// Where a mail came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The mailbox's configured name, or `deliver`.
    pub mailbox: String,
    /// UIDVALIDITY; 0 for mail piped in.
    pub uidvalidity: u32,
    /// UID; for mail piped in it does not matter: the ledger's own count is used.
    pub uid: u32,
    /// Queue name.
    pub queue: String,
}

/// What the ledger keeps of a mail, whatever was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// See [`Mail::content_key`].
    pub content_key: [u8; 32],
    /// Message-ID, if any.
    pub message_id: Option<MessageId>,
    /// From, if any.
    pub from: Option<Address>,
    /// Subject.
    pub subject: String,
    /// Bytes.
    pub size: u64,
    /// What was odd.
    pub oddities: Vec<Oddity>,
    /// Attachments, to be listed with the message.
    pub attachments: Vec<Attachment>,
}

impl Envelope {
    /// Of a mail that was read.
    pub fn of(mail: &Mail) -> Self {
        Self {
            content_key: mail.content_key,
            message_id: mail.message_id.clone(),
            from: mail.from.as_ref().map(|person| person.address.clone()),
            subject: mail.subject.clone(),
            size: u64::try_from(mail.size).unwrap_or(u64::MAX),
            oddities: mail.oddities.clone(),
            attachments: mail.attachments.clone(),
        }
    }

    /// Of a mail that was not read: too large, or reading it failed. `content_key` must differ from any real one.
    pub fn unread(content_key: [u8; 32], size: u64) -> Self {
        Self {
            content_key,
            message_id: None,
            from: None,
            subject: String::new(),
            size,
            oddities: Vec::new(),
            attachments: Vec::new(),
        }
    }
}

/// An outgoing mail as bytes, ready for the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its Message-ID.
    pub message_id: MessageId,
    /// Envelope sender; empty for the null sender.
    pub envelope_from: String,
    /// The recipient.
    pub recipient: Address,
    /// Template name.
    pub template: &'static str,
    /// Queue name.
    pub queue: String,
    /// The agent whose words it carries, who may take it back; else empty.
    pub author: String,
    /// Ticket number; 0 for none.
    pub number: i64,
    /// Header bytes, with the empty line.
    pub head: Vec<u8>,
    /// The body; what is taken in it is taken from the mail that is being filed.
    pub body: Spliced,
    /// Not before.
    pub not_before: Timestamp,
}

/// What was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The mail's id in the ledger.
    pub mail_id: i64,
    /// Held mails that this one releases, to be decided anew.
    pub released: Vec<i64>,
}

/// A mail that was refused for its size, by where it lies.
pub fn refused(db: &Connection, origin: &Origin) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM mail WHERE mailbox = ?1 AND uidvalidity = ?2 AND uid = ?3 AND uidvalidity > 0 AND disposition = 'refused'";
    let place = (&origin.mailbox, origin.uidvalidity, origin.uid);
    Ok(db.prepare_cached(sql)?.query_row(place, |r| r.get(0)).optional()?)
}

/// Files a new mail, or one that was refused for its size and is now within the limit. `raw` is `None` only for refused mail and duplicates, whose bytes are elsewhere.
pub fn file(
    db: &Connection,
    origin: &Origin,
    envelope: &Envelope,
    raw: Option<&Packed>,
    decided: (&Decision, &[Ready]),
    now: Timestamp,
) -> Result<Filed, StoreError> {
    let (decision, _) = decided;
    let raw_id = raw.map(|packed| keep_raw(db, packed)).transpose()?;
    apply::open_tickets(db, &decision.events, now)?;
    let ticket_id = decision.number.map(|number| apply::ticket_id(db, number)).transpose()?;
    if let Some(refused) = refused(db, origin)? {
        let sql = "UPDATE mail SET raw_id = ?2, size = ?3, received_at = ?4, queue = ?5, settled_at = NULL WHERE id = ?1";
        let size = i64::try_from(envelope.size).unwrap_or(i64::MAX);
        // The bytes come first: a mail of any other disposition must have them.
        db.prepare_cached(sql)?.execute((refused, raw_id, size, now.0, &origin.queue))?;
        return rewrite(db, (refused, ticket_id), envelope, decided, now);
    }
    let uid = if origin.uidvalidity == 0 { next_id(db, "mail")? } else { i64::from(origin.uid) };
    let sql = "INSERT INTO mail (mailbox, uidvalidity, uid, queue, content_key, message_id, from_address, subject, size, raw_id, disposition,
                                 reason, oddities, ticket_id, received_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    db.prepare_cached(sql)?.execute(rusqlite::params![
        origin.mailbox,
        origin.uidvalidity,
        uid,
        origin.queue,
        envelope.content_key,
        envelope.message_id.as_ref().map_or("", MessageId::as_str),
        envelope.from.as_ref().map_or("", Address::key),
        envelope.subject,
        i64::try_from(envelope.size).unwrap_or(i64::MAX),
        raw_id,
        decision.disposition.word(),
        decision.reason,
        codes(&envelope.oddities),
        ticket_id,
        now.0,
    ])?;
    finish(db, db.last_insert_rowid(), envelope, decided, now)
}

/// Files the new decision about a mail that is in the ledger already: one that was held, or set aside.
pub fn file_again(
    db: &Connection,
    mail_id: i64,
    envelope: &Envelope,
    decided: (&Decision, &[Ready]),
    now: Timestamp,
) -> Result<Filed, StoreError> {
    let (decision, _) = decided;
    apply::open_tickets(db, &decision.events, now)?;
    let ticket_id = decision.number.map(|number| apply::ticket_id(db, number)).transpose()?;
    rewrite(db, (mail_id, ticket_id), envelope, decided, now)
}

/// Puts a new decision into the row of a mail.
fn rewrite(
    db: &Connection,
    row: (i64, Option<i64>),
    envelope: &Envelope,
    decided: (&Decision, &[Ready]),
    now: Timestamp,
) -> Result<Filed, StoreError> {
    let ((mail_id, ticket_id), (decision, _)) = (row, decided);
    let sql = "UPDATE mail SET disposition = ?2, reason = ?3, ticket_id = ?4, content_key = ?5, message_id = ?6, from_address = ?7, subject = ?8,
                               oddities = ?9 WHERE id = ?1";
    db.prepare_cached(sql)?.execute(rusqlite::params![
        mail_id,
        decision.disposition.word(),
        decision.reason,
        ticket_id,
        envelope.content_key,
        envelope.message_id.as_ref().map_or("", MessageId::as_str),
        envelope.from.as_ref().map_or("", Address::key),
        envelope.subject,
        codes(&envelope.oddities),
    ])?;
    finish(db, mail_id, envelope, decided, now)
}

/// Carries out a decision that no mail caused: the command line's, the clock's, the status page's.
pub fn file_without_mail(
    db: &Connection,
    actor: &str,
    decided: (&Decision, &[Ready]),
    now: Timestamp,
) -> Result<(), StoreError> {
    let (decision, ready) = decided;
    apply::open_tickets(db, &decision.events, now)?;
    apply::events(
        db,
        &decision.events,
        &Cause { mail_id: None, attachments: &[], is_agents: true, actor, now },
    )?;
    enqueue(db, None, ready, now)
}

fn finish(
    db: &Connection,
    mail_id: i64,
    envelope: &Envelope,
    decided: (&Decision, &[Ready]),
    now: Timestamp,
) -> Result<Filed, StoreError> {
    let (decision, ready) = decided;
    let actor = envelope.from.as_ref().map_or("postdesk", Address::key);
    apply::events(
        db,
        &decision.events,
        &Cause {
            mail_id: Some(mail_id),
            attachments: &envelope.attachments,
            is_agents: decision.disposition == Disposition::Agent,
            actor,
            now,
        },
    )?;
    if let (Some(number), Some(id)) = (decision.number, &envelope.message_id)
        && matches!(decision.disposition, Disposition::Opened | Disposition::FollowUp)
    {
        apply::reference(db, number, id)?;
    }
    enqueue(db, Some(mail_id), ready, now)?;
    let released = decision
        .events
        .iter()
        .filter_map(|event| if let Event::Release(id) = event { Some(*id) } else { None })
        .collect();
    Ok(Filed { mail_id, released })
}

fn codes(oddities: &[Oddity]) -> String {
    let mut codes: Vec<&str> = oddities.iter().map(|oddity| oddity.code).collect();
    codes.dedup();
    codes.join(" ")
}

fn keep_raw(db: &Connection, packed: &Packed) -> Result<i64, StoreError> {
    let sql = "INSERT INTO raw (size, packing, bytes) VALUES (?1, ?2, ?3)";
    db.prepare_cached(sql)?.execute((
        i64::try_from(packed.size).unwrap_or(i64::MAX),
        packed.packing,
        &packed.bytes,
    ))?;
    Ok(db.last_insert_rowid())
}

/// Outbox rows. Recipients of the same body share it.
fn enqueue(db: &Connection, mail_id: Option<i64>, ready: &[Ready], now: Timestamp) -> Result<(), StoreError> {
    let mut last_body: Option<(&Spliced, i64)> = None;
    for mail in ready {
        let body_id = match last_body {
            Some((body, id)) if *body == mail.body => id,
            _ => keep_body(db, mail_id, &mail.body)?,
        };
        last_body = Some((&mail.body, body_id));
        let ticket_id = if mail.number == 0 { None } else { Some(apply::ticket_id(db, mail.number)?) };
        let sql = "INSERT INTO outbox (ticket_id, mail_id, template, queue, author, envelope_from, recipient, message_id, head, body_id, size,
                                       state, handed_over, attempts, created_at, next_at, said)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'queued', 0, 0, ?12, ?13, '')";
        db.prepare_cached(sql)?.execute(rusqlite::params![
            ticket_id,
            mail_id,
            mail.template,
            mail.queue,
            mail.author,
            mail.envelope_from,
            mail.recipient.as_str(),
            mail.message_id.as_str(),
            mail.head,
            body_id,
            i64::try_from(mail.head.len() + mail.body.size()).unwrap_or(i64::MAX),
            now.0,
            mail.not_before.0,
        ])?;
    }
    Ok(())
}

fn keep_body(db: &Connection, mail_id: Option<i64>, body: &Spliced) -> Result<i64, StoreError> {
    let (packed, taken) = (pack_passing(body.own()), body.spelt());
    let sql = "INSERT INTO outgoing_body (size, packing, bytes, raw_id, taken)
               VALUES (?1, ?2, ?3, (SELECT raw_id FROM mail WHERE id = ?4), ?5)";
    db.prepare_cached(sql)?.execute((
        i64::try_from(packed.size).unwrap_or(i64::MAX),
        packed.packing,
        packed.bytes,
        mail_id.filter(|_| !taken.is_empty()),
        &taken,
    ))?;
    Ok(db.last_insert_rowid())
}
