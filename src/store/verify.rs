//! Every promise that a query can check, checked.

use super::{StoreError, outbox};
use rusqlite::Connection;

/// A promise that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Breach {
    /// What should be so.
    pub promise: &'static str,
    /// How many rows say otherwise.
    pub rows: i64,
    /// The first of them, as ids.
    pub first: String,
}

/// What should be so, and the query for the ids of rows that say otherwise.
const CHECKS: &[(&str, &str)] = &[
    (
        "1: every mail that was taken has its raw bytes",
        "SELECT id FROM mail WHERE raw_id IS NULL AND disposition NOT IN ('refused', 'duplicate')",
    ),
    (
        "1: no server was told before the commit",
        "SELECT id FROM mail WHERE settled_at IS NOT NULL AND settled_at < received_at",
    ),
    (
        "2: no content was filed twice",
        // Of sent mail, the copy to the desk itself may have been ignored before the mail was filed.
        "SELECT min(id) FROM mail WHERE disposition NOT IN ('refused', 'duplicate', 'quarantined')
         AND NOT (disposition = 'ignored' AND EXISTS (SELECT 1 FROM mail AS sent WHERE sent.content_key = mail.content_key
                  AND sent.disposition = 'agent' AND sent.mailbox LIKE '%/sent'))
         GROUP BY content_key HAVING count(*) > 1",
    ),
    (
        "2: no mail became two messages",
        "SELECT mail_id FROM message WHERE mail_id IS NOT NULL GROUP BY mail_id HAVING count(*) > 1",
    ),
    (
        "3: mail that opened or joined has a ticket",
        "SELECT id FROM mail WHERE disposition IN ('opened', 'follow-up') AND ticket_id IS NULL",
    ),
    (
        "3: mail that opened or joined is a message",
        "SELECT id FROM mail WHERE disposition IN ('opened', 'follow-up') AND NOT EXISTS (SELECT 1 FROM message WHERE mail_id = mail.id)",
    ),
    ("3: every mail says why", "SELECT id FROM mail WHERE reason = ''"),
    (
        "3: mail set aside changed nothing",
        "SELECT mail.id FROM mail JOIN message ON mail_id = mail.id WHERE disposition IN ('held', 'ignored', 'refused', 'duplicate', 'quarantined', 'bounce')",
    ),
    (
        "5: outgoing mail has its bytes until it is settled",
        "SELECT id FROM outbox WHERE body_id IS NULL AND settled_at IS NULL",
    ),
    (
        "5: every attempt was recorded",
        "SELECT id FROM outbox WHERE state IN ('sent', 'uncertain', 'failed') AND attempts = 0",
    ),
    (
        "5: settled is settled",
        "SELECT id FROM outbox WHERE (state IN ('sent', 'uncertain', 'failed', 'bounced', 'dropped')) <> (settled_at IS NOT NULL)",
    ),
    (
        "5: no mail was acknowledged twice",
        "SELECT min(id) FROM outbox WHERE template = 'acknowledgement' GROUP BY mail_id HAVING count(*) > 1",
    ),
    (
        "6: no automatic answer to mail that opened nothing",
        "SELECT outbox.id FROM outbox JOIN mail ON mail.id = mail_id WHERE template = 'acknowledgement' AND disposition NOT IN ('opened', 'agent')",
    ),
    // An acknowledgement repeats no message; one that an agent asks for is caused by the note that opens the ticket.
    (
        "8: no note went outside",
        "SELECT outbox.id FROM outbox JOIN message ON message.mail_id = outbox.mail_id WHERE internal = 1 AND template IN ('reply', 'copy', 'acknowledgement') AND state <> 'dropped'
           AND NOT (template = 'acknowledgement' AND message.id = (SELECT min(id) FROM message AS first WHERE first.ticket_id = message.ticket_id))",
    ),
    (
        "every ticket has a message",
        "SELECT id FROM ticket WHERE NOT EXISTS (SELECT 1 FROM message WHERE ticket_id = ticket.id)",
    ),
    (
        "closed tickets know since when",
        "SELECT id FROM ticket WHERE (status = 'closed') <> (closed_at IS NOT NULL)",
    ),
    (
        "every message can be searched",
        "SELECT id FROM message WHERE NOT EXISTS (SELECT 1 FROM search WHERE search.rowid = message.id)",
    ),
    ("merges lead somewhere", "SELECT id FROM ticket WHERE merged_into = id"),
];

/// Runs every check, and SQLite's own of the file. Calls `step` with the number of checks done and their count.
pub fn verify(db: &Connection, mut step: impl FnMut(usize, usize)) -> Result<Vec<Breach>, StoreError> {
    let all = CHECKS.len() + 3;
    let mut breaches = Vec::new();
    for (done, (promise, sql)) in CHECKS.iter().enumerate() {
        step(done, all);
        breaches.extend(check(db, promise, sql)?);
    }
    step(CHECKS.len(), all);
    breaches.extend(check(
        db,
        "foreign keys hold",
        "SELECT \"table\" || ':' || rowid FROM pragma_foreign_key_check",
    )?);
    step(CHECKS.len() + 1, all);
    breaches.extend(outgoing(db)?);
    step(CHECKS.len() + 2, all);
    breaches.extend(integrity(db)?);
    step(all, all);
    Ok(breaches)
}

fn check(db: &Connection, promise: &'static str, sql: &str) -> Result<Option<Breach>, StoreError> {
    let rows: i64 = db.query_row(&format!("SELECT count(*) FROM ({sql})"), [], |r| r.get(0))?;
    if rows == 0 {
        return Ok(None);
    }
    let list = format!(
        "SELECT group_concat(id, ', ') FROM (SELECT cast(id AS TEXT) AS id FROM (WITH bad (id) AS ({sql}) SELECT id FROM bad) LIMIT 5)"
    );
    let first: Option<String> = db.query_row(&list, [], |r| r.get(0))?;
    Ok(Some(Breach { promise, rows, first: first.unwrap_or_default() }))
}

/// What may still go out can be put together, from its own bytes and from the mail that files are taken from.
fn outgoing(db: &Connection) -> Result<Option<Breach>, StoreError> {
    let sql = "SELECT id, size FROM outbox WHERE body_id IS NOT NULL AND state <> 'sent' ORDER BY id";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut bad: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, size): (i64, i64) = (row.get(0)?, row.get(1)?);
        let bytes = match outbox::bytes(db, id) {
            Err(error) if error.is_of_the_disk() => return Err(error),
            found => found.ok(),
        };
        if bytes.and_then(|bytes| i64::try_from(bytes.len()).ok()) != Some(size) {
            bad.push(id);
        }
    }
    let first: Vec<String> = bad.iter().take(5).map(ToString::to_string).collect();
    let rows = i64::try_from(bad.len()).unwrap_or(i64::MAX);
    let promise = "5: outgoing mail can be put together as it was made";
    Ok((rows > 0).then(|| Breach { promise, rows, first: first.join(", ") }))
}

fn integrity(db: &Connection) -> Result<Option<Breach>, StoreError> {
    let said: String =
        db.query_row("SELECT group_concat(integrity_check, '; ') FROM pragma_integrity_check", [], |r| {
            r.get(0)
        })?;
    Ok((said != "ok").then_some(Breach { promise: "the file is sound", rows: 1, first: said }))
}
