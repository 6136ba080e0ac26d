//! One ticket as the rules see it.

use super::StoreError;
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::desk::facts::TicketFacts;
use crate::desk::ticket::{Priority, Status};
use crate::language::Language;
use crate::mail::ids::MessageId;
use rusqlite::{Connection, OptionalExtension};

/// Most merges followed from one ticket to the next.
const MERGES_MAX: usize = 20;

/// Message-IDs of a ticket that go into References: the first, and this many of the newest.
const MESSAGE_IDS_NEWEST: i64 = 20;

/// Row id and number of the ticket that `number` leads to.
pub(in crate::store) fn follow_merges(
    db: &Connection,
    number: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = "SELECT id, number, merged_into FROM ticket WHERE number = ?1";
    let read =
        |r: &rusqlite::Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, Option<i64>>(2)?));
    let mut found = db.prepare_cached(sql)?.query_row([number], read).optional()?;
    for _ in 0..MERGES_MAX {
        match found {
            Some((_, _, Some(next))) => {
                let sql = "SELECT id, number, merged_into FROM ticket WHERE id = ?1";
                found = db.prepare_cached(sql)?.query_row([next], read).optional()?;
            }
            Some((id, number, None)) => return Ok(Some((id, number))),
            None => return Ok(None),
        }
    }
    Ok(found.map(|(id, number, _)| (id, number)))
}

/// The facts of the ticket that `number` leads to.
pub fn ticket_led_to(
    db: &Connection,
    number: i64,
    now: Timestamp,
) -> Result<Option<TicketFacts>, StoreError> {
    follow_merges(db, number)?.map_or(Ok(None), |(id, _)| ticket(db, id, now))
}

/// A ticket's facts by its number, merges not followed.
pub fn ticket_by_number(
    db: &Connection,
    number: i64,
    now: Timestamp,
) -> Result<Option<TicketFacts>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id FROM ticket WHERE number = ?1")?;
    let mut rows = statement.query([number])?;
    match rows.next()? {
        Some(row) => ticket(db, row.get(0)?, now),
        None => Ok(None),
    }
}

/// A ticket's facts by row id.
pub fn ticket(db: &Connection, id: i64, now: Timestamp) -> Result<Option<TicketFacts>, StoreError> {
    let sql = "SELECT number, queue, subject, status, priority, requester, requester_name, language, assignee, opened_at, closed_at,
                      (SELECT number FROM ticket AS old WHERE old.id = ticket.continues)
               FROM ticket WHERE id = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let words: (String, String, String) = (row.get(3)?, row.get(4)?, row.get(7)?);
    let assignee: String = row.get(8)?;
    let mut ticket = TicketFacts {
        number: row.get(0)?,
        queue: row.get(1)?,
        subject: row.get(2)?,
        status: status(&words.0)?,
        priority: Priority::from_word(&words.1)
            .ok_or(StoreError::Unknown { what: "priority", found: words.1 })?,
        requester: person(&row.get::<_, String>(5)?, &row.get::<_, String>(6)?),
        language: language(&words.2)?,
        assignee: Address::parse(&assignee),
        participants: Vec::new(),
        writers: Vec::new(),
        watchers: Vec::new(),
        left: Vec::new(),
        opened_at: Timestamp(row.get(9)?),
        closed_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        continues: row.get(11)?,
        message_ids: message_ids(db, id)?,
        waiting: waiting(db, id, now)?,
    };
    add_participants(db, id, &mut ticket)?;
    Ok(Some(ticket))
}

pub(in crate::store) fn status(word: &str) -> Result<Status, StoreError> {
    Status::from_word(word).ok_or_else(|| StoreError::Unknown { what: "status", found: word.to_owned() })
}

pub(in crate::store) fn language(word: &str) -> Result<Language, StoreError> {
    Language::from_tag(word).ok_or_else(|| StoreError::Unknown { what: "language", found: word.to_owned() })
}

fn person(address: &str, name: &str) -> Option<Person> {
    Address::parse(address).map(|address| Person::new(name, address))
}

fn add_participants(db: &Connection, id: i64, ticket: &mut TicketFacts) -> Result<(), StoreError> {
    let mut statement =
        db.prepare_cached("SELECT kind, address, name FROM participant WHERE ticket_id = ?1")?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let Some(person) = person(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?) else { continue };
        match row.get::<_, String>(0)?.as_str() {
            "participant" => ticket.participants.push(person),
            "watcher" => ticket.watchers.push(person.address),
            "left" => ticket.left.push(person.address),
            _ => ticket.writers.push(person.address),
        }
    }
    Ok(())
}

/// Message-IDs of what people outside wrote into a ticket: the first and the newest, oldest first.
fn message_ids(db: &Connection, id: i64) -> Result<Vec<MessageId>, StoreError> {
    let read = |order: &str, limit: i64| -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT mail.message_id FROM message JOIN mail ON mail.id = message.mail_id
             WHERE message.ticket_id = ?1 AND role <> 'agent' AND mail.message_id <> ''
               AND mail.disposition IN ('opened', 'follow-up') ORDER BY message.id {order} LIMIT ?2"
        );
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map((id, limit), |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let mut all = brought_in(db, id)?;
    all.extend(read("ASC", 1)?);
    let newest = read("DESC", MESSAGE_IDS_NEWEST)?;
    all.extend(newest.into_iter().rev());
    let mut ids = Vec::new();
    for found in all.iter().filter_map(|text| MessageId::parse(text)) {
        if !ids.contains(&found) {
            ids.push(found);
        }
    }
    Ok(ids)
}

/// Message-IDs of mail that an agent brought into a ticket on somebody's behalf. The agent's own mail that did so stays
/// unnamed: what is sent to people outside would show its id.
fn brought_in(db: &Connection, id: i64) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT message_id FROM reference WHERE ticket_id = ?1
               AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.ticket_id = ?1 AND mail.message_id = reference.message_id) LIMIT 20";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([id], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn waiting(db: &Connection, id: i64, now: Timestamp) -> Result<Vec<Address>, StoreError> {
    let sql = "SELECT DISTINCT author FROM outbox WHERE ticket_id = ?1 AND state = 'queued' AND template = 'reply' AND attempts = 0 AND next_at > ?2";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((id, now.0), |r| r.get::<_, String>(0))?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.iter().filter_map(|text| Address::parse(text)).collect())
}
