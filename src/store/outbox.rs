//! The life of outgoing mail: claimed, handed over, settled.
//!
//! queued -> sending -> sent | deferred (-> sending again) | uncertain | failed; a report makes sent bounced; an agent
//! or admin makes it dropped. A row is `sending` from before the relay is spoken to, and `handed_over` from just before
//! the end of the data: after a crash the first is safe to send again, the second is uncertain.

use super::StoreError;
use super::pack::unpack;
use crate::address::Address;
use crate::clock::Timestamp;
use crate::mail::spliced::Spliced;
use rusqlite::{Connection, OptionalExtension};

/// A row that has been claimed for sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Row.
    pub id: i64,
    /// Envelope sender; empty for the null sender.
    pub envelope_from: String,
    /// Recipient.
    pub recipient: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When the first attempt was made.
    pub tried_at: Timestamp,
    /// Ticket number, if any.
    pub number: Option<i64>,
    /// Template name.
    pub template: String,
    /// Queue name.
    pub queue: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The relay took it.
    Sent,
    /// To be tried again at this time.
    Deferred(Timestamp),
    /// The connection died between the end of the data and the relay's word.
    Uncertain,
    /// Refused for good, or given up.
    Failed,
}

impl Settled {
    /// The word in the `state` column.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred(_) => "deferred",
            Self::Uncertain => "uncertain",
            Self::Failed => "failed",
        }
    }
}

/// Claims the row that has been due longest, if `waiting` rows at least are due, and records the attempt, before
/// anything is sent.
pub fn claim(db: &Connection, now: Timestamp, waiting: usize) -> Result<Option<Claimed>, StoreError> {
    let sql = "SELECT id FROM outbox WHERE state IN ('queued', 'deferred') AND next_at <= ?1 ORDER BY next_at, id LIMIT ?2";
    let ids: Vec<i64> = db
        .prepare_cached(sql)?
        .query_map((now.0, i64::try_from(waiting).unwrap_or(i64::MAX)), |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    let Some(id) = ids.first().filter(|_| ids.len() >= waiting) else { return Ok(None) };
    let sql = "UPDATE outbox SET state = 'sending', handed_over = 0, attempts = attempts + 1, tried_at = coalesce(tried_at, ?2) WHERE id = ?1";
    db.prepare_cached(sql)?.execute((id, now.0))?;
    read(db, *id)
}

/// Reads a row; `None` when its body has been taken out.
pub fn read(db: &Connection, id: i64) -> Result<Option<Claimed>, StoreError> {
    let sql = "SELECT envelope_from, recipient, attempts, tried_at, (SELECT number FROM ticket WHERE ticket.id = ticket_id), template, queue
               FROM outbox WHERE id = ?1 AND body_id IS NOT NULL";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Claimed {
        id,
        envelope_from: row.get(0)?,
        recipient: row.get(1)?,
        attempt: row.get(2)?,
        tried_at: Timestamp(row.get::<_, Option<i64>>(3)?.unwrap_or(0)),
        number: row.get(4)?,
        template: row.get(5)?,
        queue: row.get(6)?,
    }))
}

/// The bytes of row `id` as they are sent, head and body.
pub fn bytes(db: &Connection, id: i64) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT head, body.bytes, body.packing, body.size, body.taken, raw.bytes, raw.packing, raw.size
               FROM outbox JOIN outgoing_body AS body ON body.id = body_id LEFT JOIN raw ON raw.id = body.raw_id
               WHERE outbox.id = ?1";
    let missing = || StoreError::Missing(format!("the body of outgoing mail {id} is not kept any more"));
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let row = rows.next()?.ok_or_else(missing)?;
    let unpacked = |first: usize| -> Result<Vec<u8>, StoreError> {
        unpack(row.get(first)?, &row.get::<_, String>(first + 1)?, row.get(first + 2)?)
    };
    let (mut bytes, taken): (Vec<u8>, String) = (row.get(0)?, row.get(4)?);
    let body = unpacked(1)?;
    if taken.is_empty() {
        bytes.extend(body);
    } else {
        let body = Spliced::parse(body, &taken).and_then(|body| body.whole(&unpacked(5).ok()?));
        bytes.extend(body.ok_or_else(missing)?);
    }
    Ok(bytes)
}

/// Records that the end of the data is about to be sent.
pub fn hand_over(db: &Connection, id: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE outbox SET handed_over = 1 WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Records how an attempt ended.
pub fn settle(
    db: &Connection,
    id: i64,
    settled: &Settled,
    said: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (next_at, settled_at) = match settled {
        Settled::Deferred(at) => (Some(at.0), None),
        Settled::Sent | Settled::Uncertain | Settled::Failed => (None, Some(now.0)),
    };
    // A report can overtake the relay's own word: what has bounced stays bounced.
    let sql = "UPDATE outbox SET state = ?2, next_at = coalesce(?3, next_at), settled_at = ?4, said = ?5, handed_over = 0
               WHERE id = ?1 AND state = 'sending'";
    db.prepare_cached(sql)?.execute((id, settled.word(), next_at, settled_at, said))?;
    Ok(())
}

/// After a stop: what was being sent when it came. Rows not handed over are queued again; the others are uncertain,
/// and returned.
pub fn recover(db: &Connection, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let sql = "UPDATE outbox SET state = 'uncertain', settled_at = ?1, said = 'Postdesk stopped between the end of the data and the answer'
               WHERE state = 'sending' AND handed_over = 1 RETURNING id";
    let uncertain = db.prepare(sql)?.query_map([now.0], |r| r.get(0))?.collect::<Result<_, _>>()?;
    db.execute("UPDATE outbox SET state = 'queued' WHERE state = 'sending'", [])?;
    Ok(uncertain)
}

/// Whether attempt `attempt` at a row is still under way, and if so whether the end of the data may have left, and when
/// the first attempt was made.
pub fn in_hand(db: &Connection, id: i64, attempt: u32) -> Result<Option<(bool, Timestamp)>, StoreError> {
    let sql = "SELECT handed_over, coalesce(tried_at, 0) FROM outbox WHERE id = ?1 AND attempts = ?2 AND state = 'sending'";
    let found = db.prepare_cached(sql)?.query_row((id, attempt), |r| Ok((r.get(0)?, Timestamp(r.get(1)?))));
    Ok(found.optional()?)
}

/// When the next row falls due.
pub(super) const NEXT_DUE: &str = "SELECT min(next_at) FROM outbox WHERE state IN ('queued', 'deferred')";

/// When the next row falls due, if any waits.
pub fn next_due(db: &Connection) -> Result<Option<Timestamp>, StoreError> {
    Ok(db
        .prepare_cached(NEXT_DUE)?
        .query_row([], |r| r.get::<_, Option<i64>>(0))
        .optional()?
        .flatten()
        .map(Timestamp))
}

/// Puts a row that is deferred, uncertain, failed, dropped or bounced back into the queue, at an admin's word.
pub fn retry(db: &Connection, id: i64, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET state = 'queued', next_at = ?2, tried_at = NULL, settled_at = NULL, said = 'to be tried again, by hand'
               WHERE id = ?1 AND state IN ('deferred', 'uncertain', 'failed', 'dropped', 'bounced') AND body_id IS NOT NULL";
    changed(db.execute(sql, (id, now.0))?, || {
        format!("outbox {id} is not there, is being sent, was sent, or its body is gone")
    })
}

/// Takes a row that waits out of the queue, at an admin's word.
pub fn drop(db: &Connection, id: i64, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET state = 'dropped', settled_at = ?2, said = 'dropped by hand'
               WHERE id = ?1 AND state IN ('queued', 'deferred', 'uncertain')";
    changed(db.execute(sql, (id, now.0))?, || format!("outbox {id} does not wait"))
}

fn changed(rows: usize, why: impl FnOnce() -> String) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Missing(why())) }
}

/// Takes out heads and bodies of mail whose rows were all settled before `before`, at most `limit` bodies. Returns how
/// many.
pub fn forget_bodies(db: &Connection, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let sql = "SELECT DISTINCT body_id FROM outbox WHERE body_id IS NOT NULL AND settled_at < ?1 AND state IN ('sent', 'dropped', 'bounced') LIMIT ?2";
    let bodies: Vec<i64> =
        db.prepare_cached(sql)?.query_map((before.0, limit), |r| r.get(0))?.collect::<Result<_, _>>()?;
    let mut gone = 0;
    for body in bodies {
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox WHERE body_id = ?1 AND (settled_at IS NULL OR settled_at >= ?2 OR state IN ('uncertain', 'failed')))";
        if db.prepare_cached(sql)?.query_row((body, before.0), |r| r.get::<_, bool>(0))? {
            continue;
        }
        db.prepare_cached("UPDATE outbox SET body_id = NULL, head = X'' WHERE body_id = ?1")?
            .execute([body])?;
        db.prepare_cached("DELETE FROM outgoing_body WHERE id = ?1")?.execute([body])?;
        gone += 1;
    }
    Ok(gone)
}

/// Whether mail to `address` is paused at `now`.
pub fn is_paused(db: &Connection, address: &Address, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM paused WHERE address = ?1 AND until > ?2)";
    Ok(db.prepare_cached(sql)?.query_row((address.key(), now.0), |r| r.get(0))?)
}
