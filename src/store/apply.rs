//! Events of a decision into rows, one function an event.

use super::StoreError;
use super::facts::{budget_columns, follow_merges, hour_of, id_hash};
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::desk::decision::{Event, NewMessage, NewTicket};
use crate::desk::ticket::{Priority, Status};
use crate::mail::Attachment;
use crate::mail::bounce::BounceKind;
use crate::mail::ids::MessageId;
use rusqlite::{Connection, OptionalExtension, params};

/// What caused the events.
pub(super) struct Cause<'a> {
    pub(super) mail_id: Option<i64>,
    pub(super) attachments: &'a [Attachment],
    /// It is an agent's mail: what only agents may have of it is offered with a note and not with a reply.
    pub(super) is_agents: bool,
    pub(super) actor: &'a str,
    pub(super) now: Timestamp,
}

/// The row of ticket `number`.
pub(super) fn ticket_id(db: &Connection, number: i64) -> Result<i64, StoreError> {
    let found = db
        .prepare_cached("SELECT id FROM ticket WHERE number = ?1")?
        .query_row([number], |r| r.get(0))
        .optional()?;
    found.ok_or_else(|| StoreError::Missing(format!("there is no ticket {number}")))
}

/// Opens the tickets among the events: before the mail's own row, which points at them.
pub(super) fn open_tickets(db: &Connection, events: &[Event], now: Timestamp) -> Result<(), StoreError> {
    for event in events {
        if let Event::Open(number, new) = event {
            open(db, *number, new, now)?;
        }
    }
    Ok(())
}

fn open(db: &Connection, number: i64, new: &NewTicket, now: Timestamp) -> Result<(), StoreError> {
    let continues = match new.continues {
        Some(old) => follow_merges(db, old)?.map(|(id, _)| id),
        None => None,
    };
    let sql = "INSERT INTO ticket (number, queue, subject, status, priority, requester, requester_name, language, assignee, opened_at,
                                   changed_at, continues)
               VALUES (?1, ?2, ?3, 'new', ?4, ?5, ?6, ?7, '', ?8, ?8, ?9)";
    db.prepare_cached(sql)?.execute(params![
        number,
        new.queue,
        new.subject,
        Priority::Normal.word(),
        new.requester.as_ref().map_or("", |p| p.address.key()),
        new.requester.as_ref().map_or("", |p| &p.name),
        new.language.code(),
        now.0,
        continues,
    ])?;
    Ok(())
}

/// Carries out the events, in order.
pub(super) fn events(db: &Connection, events: &[Event], cause: &Cause<'_>) -> Result<(), StoreError> {
    events.iter().try_for_each(|event| one(db, event, cause))
}

/// A total match: a new event cannot be forgotten here.
fn one(db: &Connection, event: &Event, cause: &Cause<'_>) -> Result<(), StoreError> {
    match event {
        Event::Open(number, new) => opened(db, *number, new, cause),
        Event::Message(number, message) => add_message(db, *number, message, cause),
        Event::Status(number, status) => set_status(db, *number, *status, cause),
        Event::Assign(number, agent) => assign(db, *number, agent.as_ref(), cause),
        Event::Join(number, person) => {
            remove_person(db, *number, "left", &person.address)?;
            join(db, *number, "participant", person, cause)
        }
        Event::Writer(number, address) => {
            add_person(db, *number, "writer", &Person::new("", address.clone()))
        }
        Event::Reference(number, id) => reference(db, *number, id),
        Event::Leave(number, address) => {
            add_person(db, *number, "left", &Person::new("", address.clone()))?;
            leave(db, *number, "participant", address, cause)
        }
        Event::Watch(number, address) => {
            join(db, *number, "watcher", &Person::new("", address.clone()), cause)
        }
        Event::Unwatch(number, address) => leave(db, *number, "watcher", address, cause),
        Event::Priority(number, priority) => {
            db.prepare_cached("UPDATE ticket SET priority = ?2 WHERE number = ?1")?
                .execute((number, priority.word()))?;
            log(db, *number, &format!("priority: {}", priority.word()), cause)
        }
        Event::Queue(number, queue) => {
            db.prepare_cached("UPDATE ticket SET queue = ?2 WHERE number = ?1")?.execute((number, queue))?;
            log(db, *number, &format!("moved to queue {queue}"), cause)
        }
        Event::Label(number, label) => {
            db.prepare_cached("INSERT INTO label (ticket_id, label) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute((ticket_id(db, *number)?, label))?;
            log(db, *number, &format!("label {label} put on"), cause)
        }
        Event::Unlabel(number, label) => {
            db.prepare_cached("DELETE FROM label WHERE ticket_id = ?1 AND label = ?2")?
                .execute((ticket_id(db, *number)?, label))?;
            log(db, *number, &format!("label {label} taken off"), cause)
        }
        Event::Subject(number, subject) => {
            db.prepare_cached("UPDATE ticket SET subject = ?2 WHERE number = ?1")?
                .execute((number, subject))?;
            log(db, *number, "subject changed", cause)
        }
        Event::Requester(number, person) => {
            db.prepare_cached("UPDATE ticket SET requester = ?2, requester_name = ?3 WHERE number = ?1")?
                .execute((number, person.address.key(), &person.name))?;
            log(db, *number, &format!("requester: {}", person.address), cause)
        }
        Event::Wake(number, at) => {
            db.prepare_cached("UPDATE ticket SET wake_at = ?2 WHERE number = ?1")?
                .execute((number, at.map(|t| t.0)))?;
            at.map_or(Ok(()), |at| log(db, *number, &format!("put off until {at}"), cause))
        }
        Event::Merge(number, into) => merge(db, *number, *into, cause),
        Event::Bounced { outbox, number, kind, said } => bounced(db, (*outbox, *number), *kind, said, cause),
        Event::Pause(address, until) => pause(db, address, *until, cause),
        Event::Draft(number, author, text) => {
            db.prepare_cached("INSERT INTO draft (ticket_id, author, at, text) VALUES (?1, ?2, ?3, ?4)")?
                .execute((ticket_id(db, *number)?, author.address.key(), cause.now.0, text))?;
            log(db, *number, "an agent's mail was not understood; its text is kept as a draft", cause)
        }
        Event::Undo(number, author) => undo(db, *number, author, cause),
        Event::Release(_) => Ok(()),
        Event::Digest(address, day) => set_digest_day(db, address, *day),
        Event::Away(address, until) => set_away(db, address, *until),
        Event::Spend(keys) => keys.iter().try_for_each(|key| count(db, budget_columns(key), cause.now)),
        Event::Told(about) => count(db, ("word", about.clone()), cause.now),
        Event::Remark(number, words) => log(db, *number, words, cause),
    }
}

/// Adds a line to a ticket's history and moves its last change.
fn log(db: &Connection, number: i64, what: &str, cause: &Cause<'_>) -> Result<(), StoreError> {
    let id = ticket_id(db, number)?;
    let sql = "INSERT INTO event (ticket_id, at, actor, what) VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(sql)?.execute((id, cause.now.0, cause.actor, what))?;
    db.prepare_cached("UPDATE ticket SET changed_at = max(changed_at, ?2) WHERE id = ?1")?
        .execute((id, cause.now.0))?;
    Ok(())
}

fn opened(db: &Connection, number: i64, new: &NewTicket, cause: &Cause<'_>) -> Result<(), StoreError> {
    log(db, number, "opened", cause)?;
    if let Some(old) = new.continues {
        log(db, number, &format!("continues ticket {old}"), cause)?;
        log(db, old, &format!("continued in ticket {number}"), cause)?;
    }
    let mentions: Vec<String> = new.mentions.iter().map(ToString::to_string).collect();
    if !mentions.is_empty() {
        log(
            db,
            number,
            &format!("mentions {}, without the right to write there", mentions.join(", ")),
            cause,
        )?;
    }
    Ok(())
}

fn add_message(
    db: &Connection,
    number: i64,
    message: &NewMessage,
    cause: &Cause<'_>,
) -> Result<(), StoreError> {
    let id = ticket_id(db, number)?;
    let (author, name) = message.author.as_ref().map_or(("", ""), |p| (p.address.key(), p.name.as_str()));
    let sql =
        "INSERT INTO message (ticket_id, mail_id, at, internal, role, author, author_name, text, folded)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    db.prepare_cached(sql)?.execute(params![
        id,
        cause.mail_id.filter(|_| message.is_the_mail),
        cause.now.0,
        message.internal,
        message.role.word(),
        author,
        name,
        message.text,
        message.folded,
    ])?;
    let message_id = db.last_insert_rowid();
    if message.is_the_mail {
        let is_kept_inside =
            |file: &&Attachment| file.is_agents_own() && cause.is_agents && !message.internal;
        add_attachments(db, message_id, cause.attachments.iter().filter(|file| !is_kept_inside(file)))?;
    }
    db.prepare_cached("UPDATE ticket SET changed_at = max(changed_at, ?2) WHERE id = ?1")?
        .execute((id, cause.now.0))?;
    Ok(())
}

fn add_attachments<'a>(
    db: &Connection,
    message_id: i64,
    attachments: impl Iterator<Item = &'a Attachment>,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO attachment (message_id, part, name, content_type, size) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = db.prepare_cached(sql)?;
    for file in attachments {
        let (part, size) = (i64::try_from(file.part).unwrap_or(0), i64::try_from(file.size).unwrap_or(0));
        statement.execute((message_id, part, &file.name, &file.content_type, size))?;
    }
    Ok(())
}

fn set_status(db: &Connection, number: i64, status: Status, cause: &Cause<'_>) -> Result<(), StoreError> {
    let closed_at = (status == Status::Closed).then_some(cause.now.0);
    let sql = "UPDATE ticket SET status = ?2, closed_at = ?3, wake_at = CASE WHEN ?2 = 'pending' THEN wake_at END WHERE number = ?1";
    db.prepare_cached(sql)?.execute((number, status.word(), closed_at))?;
    log(db, number, &format!("status: {status}"), cause)
}

fn assign(
    db: &Connection,
    number: i64,
    agent: Option<&Address>,
    cause: &Cause<'_>,
) -> Result<(), StoreError> {
    let sql = "UPDATE ticket SET assignee = ?2 WHERE number = ?1";
    db.prepare_cached(sql)?.execute((number, agent.map_or("", Address::key)))?;
    let Some(agent) = agent else { return log(db, number, "assigned to nobody", cause) };
    let sql = "INSERT INTO agent (address, digest_day, last_ticket) VALUES (?1, '', ?2) ON CONFLICT (address) DO UPDATE SET last_ticket = ?2";
    db.prepare_cached(sql)?.execute((agent.key(), cause.now.0))?;
    log(db, number, &format!("assigned to {agent}"), cause)
}

/// Mail that names `id` belongs to the ticket; the first ticket that knows an id keeps it.
pub(super) fn reference(db: &Connection, number: i64, id: &MessageId) -> Result<(), StoreError> {
    let sql = "INSERT INTO reference (id_hash, ticket_id, message_id) VALUES (?1, ?2, ?3) ON CONFLICT (id_hash) DO NOTHING";
    db.prepare_cached(sql)?.execute((id_hash(id), ticket_id(db, number)?, id.as_str()))?;
    Ok(())
}

fn set_digest_day(db: &Connection, agent: &Address, day: jiff::civil::Date) -> Result<(), StoreError> {
    let sql = "INSERT INTO agent (address, digest_day, last_ticket) VALUES (?1, ?2, 0) ON CONFLICT (address) DO UPDATE SET digest_day = ?2";
    db.prepare_cached(sql)?.execute((agent.key(), day.to_string()))?;
    Ok(())
}

fn set_away(db: &Connection, agent: &Address, until: Option<Timestamp>) -> Result<(), StoreError> {
    let sql = "INSERT INTO agent (address, away_until, digest_day, last_ticket) VALUES (?1, ?2, '', 0)
               ON CONFLICT (address) DO UPDATE SET away_until = ?2";
    db.prepare_cached(sql)?.execute((agent.key(), until.map(|t| t.0)))?;
    Ok(())
}

fn add_person(db: &Connection, number: i64, kind: &str, person: &Person) -> Result<(), StoreError> {
    let sql = "INSERT INTO participant (ticket_id, kind, address, name) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    db.prepare_cached(sql)?.execute((ticket_id(db, number)?, kind, person.address.key(), &person.name))?;
    Ok(())
}

fn remove_person(db: &Connection, number: i64, kind: &str, address: &Address) -> Result<(), StoreError> {
    let sql = "DELETE FROM participant WHERE ticket_id = ?1 AND kind = ?2 AND address = ?3";
    db.prepare_cached(sql)?.execute((ticket_id(db, number)?, kind, address.key()))?;
    Ok(())
}

fn join(
    db: &Connection,
    number: i64,
    kind: &str,
    person: &Person,
    cause: &Cause<'_>,
) -> Result<(), StoreError> {
    add_person(db, number, kind, person)?;
    log(db, number, &format!("{kind} {} added", person.address), cause)
}

fn leave(
    db: &Connection,
    number: i64,
    kind: &str,
    address: &Address,
    cause: &Cause<'_>,
) -> Result<(), StoreError> {
    remove_person(db, number, kind, address)?;
    log(db, number, &format!("{kind} {address} removed"), cause)
}

/// The merged ticket closes and leads on; its people come along.
fn merge(db: &Connection, number: i64, into: i64, cause: &Cause<'_>) -> Result<(), StoreError> {
    let (from, target) = (ticket_id(db, number)?, ticket_id(db, into)?);
    let sql =
        "UPDATE ticket SET merged_into = ?2, status = 'closed', closed_at = ?3, wake_at = NULL WHERE id = ?1";
    db.prepare_cached(sql)?.execute((from, target, cause.now.0))?;
    let sql = "INSERT INTO participant (ticket_id, kind, address, name)
               SELECT ?2, 'participant', requester, requester_name FROM ticket
               WHERE id = ?1 AND requester <> '' AND requester <> (SELECT requester FROM ticket WHERE id = ?2)
               UNION SELECT ?2, kind, address, name FROM participant
               WHERE ticket_id = ?1 AND address <> (SELECT requester FROM ticket WHERE id = ?2)
               ON CONFLICT DO NOTHING";
    db.prepare_cached(sql)?.execute((from, target))?;
    log(db, number, &format!("merged into {into}"), cause)?;
    log(db, into, &format!("ticket {number} merged into this one"), cause)
}

fn bounced(
    db: &Connection,
    row: (i64, Option<i64>),
    kind: BounceKind,
    said: &str,
    cause: &Cause<'_>,
) -> Result<(), StoreError> {
    let (outbox, number) = row;
    if kind != BounceKind::Delayed {
        let sql = "UPDATE outbox SET state = 'bounced', said = ?2, settled_at = coalesce(settled_at, ?3) WHERE id = ?1";
        db.prepare_cached(sql)?.execute((outbox, said, cause.now.0))?;
    }
    let word = match kind {
        BounceKind::Hard => "came back",
        BounceKind::Soft => "came back for now",
        BounceKind::Delayed => "is delayed",
    };
    number.map_or(Ok(()), |number| log(db, number, &format!("mail {word}: {said}"), cause))
}

fn pause(db: &Connection, address: &Address, until: Timestamp, cause: &Cause<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO paused (address, until, reason) VALUES (?1, ?2, ?3) ON CONFLICT (address) DO UPDATE SET until = ?2, reason = ?3";
    db.prepare_cached(sql)?.execute((address.key(), until.0, format!("mail came back at {}", cause.now)))?;
    Ok(())
}

/// Takes back replies that wait: they are dropped, and the messages become notes.
fn undo(db: &Connection, number: i64, author: &Address, cause: &Cause<'_>) -> Result<(), StoreError> {
    let id = ticket_id(db, number)?;
    let waiting = "ticket_id = ?1 AND author = ?2 AND state = 'queued' AND template = 'reply' AND attempts = 0 AND next_at > ?3";
    let sql = format!(
        "UPDATE message SET internal = 1 WHERE mail_id IN (SELECT mail_id FROM outbox WHERE {waiting})"
    );
    db.prepare_cached(&sql)?.execute((id, author.key(), cause.now.0))?;
    let sql = format!(
        "UPDATE outbox SET state = 'dropped', settled_at = ?3, said = 'taken back by its author' WHERE {waiting}"
    );
    db.prepare_cached(&sql)?.execute((id, author.key(), cause.now.0))?;
    log(db, number, "a reply was taken back before it was sent", cause)
}

fn count(db: &Connection, budget: (&str, String), now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO budget (scope, key, hour, count) VALUES (?1, ?2, ?3, 1) ON CONFLICT (hour, scope, key) DO UPDATE SET count = count + 1";
    db.prepare_cached(sql)?.execute((budget.0, budget.1, hour_of(now)))?;
    Ok(())
}
