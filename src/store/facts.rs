//! Reading what the rules need to know before they decide about one mail. Plain reads; run inside the transaction of
//! the write that follows, so that nothing changes between.

mod people;
mod reported;
mod ticket;

use super::StoreError;
use crate::clock::{Dice, Timestamp};
use crate::config::{Config, Queue};
use crate::desk::facts::{Ask, Facts};
use crate::desk::thread::MailKeys;
use crate::desk::ticket::number_space;
use crate::mail::Mail;
use crate::mail::ids::MessageId;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

pub(super) use people::{LIVE, ROW_COLUMNS, budget_columns, hour_of, row};
pub use people::{notified, told};
pub use reported::outgoing;
pub(super) use ticket::{follow_merges, language, status};
pub use ticket::{ticket_by_number, ticket_led_to};

/// What the reading is about.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The mail.
    pub mail: &'a Mail,
    /// Its keys.
    pub keys: &'a MailKeys,
    /// The configuration.
    pub config: &'a Config,
    /// The mailbox's queue.
    pub queue: &'a Queue,
    /// Now.
    pub now: Timestamp,
    /// When a mail is decided anew, its id in the ledger.
    pub again: Option<i64>,
    /// It lies in the account's folder of sent mail.
    pub is_sent: bool,
}

/// Reads the facts.
pub fn read(db: &Connection, q: Question<'_>, dice: &Dice) -> Result<Facts, StoreError> {
    let mut facts = Facts { mail_id: q.again.map_or_else(|| next_id(db, "mail"), Ok)?, ..Facts::default() };
    match duplicate_of(db, &q.mail.content_key, facts.mail_id)? {
        Some((id, true)) if q.is_sent => facts.ignored_before = Some(id),
        found => facts.duplicate_of = found.map(|(id, _)| id),
    }
    if facts.duplicate_of.is_some() {
        return Ok(facts);
    }
    facts.is_our_mail = is_our_mail(db, q)?;
    let asked = q.keys.asked.iter().filter_map(|ask| match ask {
        Ask::Ticket(number) | Ask::Show(number) => Some(*number),
        _ => None,
    });
    for number in q.keys.numbers().chain(asked) {
        add_ticket(db, &mut facts, number, q.now)?;
    }
    for id in &q.keys.ids {
        if let Some(number) = number_of_id(db, id)? {
            add_ticket(db, &mut facts, number, q.now)?;
            if let Some(ticket) = facts.ticket(number) {
                let known = (id.clone(), ticket.number);
                facts.known_ids.push(known);
            }
        }
    }
    if q.mail.bounce.is_some() {
        reported::read_reported(db, q, &mut facts)?;
    }
    reported::read_held(db, q, &mut facts)?;
    people::read_people(db, q, &mut facts)?;
    facts.fresh_number = fresh_number(db, dice)?;
    Ok(facts)
}

/// The id that the next row of `table` will get: only the writing transaction may ask.
pub(super) fn next_id(db: &Connection, table: &str) -> Result<i64, StoreError> {
    let last = db
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?
        .query_row([table], |r| r.get::<_, i64>(0));
    Ok(last.optional()?.unwrap_or(0) + 1)
}

/// The mail that was filed with the same content, and whether it was ignored; one that was not comes first.
fn duplicate_of(
    db: &Connection,
    content_key: &[u8; 32],
    own: i64,
) -> Result<Option<(i64, bool)>, StoreError> {
    let sql = "SELECT id, disposition = 'ignored' FROM mail WHERE content_key = ?1 AND id <> ?2
               AND disposition NOT IN ('refused', 'duplicate', 'quarantined') ORDER BY 2, id LIMIT 1";
    let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?));
    Ok(db.prepare_cached(sql)?.query_row((content_key, own), read).optional()?)
}

fn is_our_mail(db: &Connection, q: Question<'_>) -> Result<bool, StoreError> {
    let Some(id) = &q.mail.message_id else { return Ok(false) };
    if id.right() != q.config.desk.domain.to_ascii_lowercase() {
        return Ok(false);
    }
    Ok(db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE message_id = ?1)")?
        .query_row([id.as_str()], |r| r.get(0))?)
}

/// The key of a Message-ID in the `reference` table.
pub(super) fn id_hash(id: &MessageId) -> [u8; 16] {
    let mut hash = [0u8; 16];
    for (to, from) in hash.iter_mut().zip(Sha256::digest(id.as_str().as_bytes())) {
        *to = from;
    }
    hash
}

fn number_of_id(db: &Connection, id: &MessageId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT ticket.number FROM reference JOIN ticket ON ticket.id = reference.ticket_id WHERE id_hash = ?1";
    Ok(db.prepare_cached(sql)?.query_row([id_hash(id)], |r| r.get(0)).optional()?)
}

fn add_ticket(db: &Connection, facts: &mut Facts, number: i64, now: Timestamp) -> Result<(), StoreError> {
    if facts.leads_to.contains_key(&number) {
        return Ok(());
    }
    let Some((id, end)) = follow_merges(db, number)? else { return Ok(()) };
    facts.leads_to.insert(number, end);
    facts.leads_to.insert(end, end);
    if !facts.tickets.contains_key(&end)
        && let Some(ticket) = ticket::ticket(db, id, now)?
    {
        facts.tickets.insert(end, ticket);
    }
    Ok(())
}

/// A free ticket number at random. The space is widened long before it fills, so few draws are needed.
pub(super) fn fresh_number(db: &Connection, dice: &Dice) -> Result<i64, StoreError> {
    let taken = next_id(db, "ticket")? - 1;
    let (first, count) = number_space(u64::try_from(taken).unwrap_or(0));
    let mut statement = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM ticket WHERE number = ?1)")?;
    loop {
        let number = i64::try_from(first + dice.below(count)).unwrap_or(i64::MAX);
        if !statement.query_row([number], |r| r.get::<_, bool>(0))? {
            return Ok(number);
        }
    }
}
