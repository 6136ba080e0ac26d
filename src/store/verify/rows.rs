//! Promises that a row keeps or breaks by itself, or with its mail and its message: each table is read once for all of
//! them.

use super::seen::{self, LATER_NOTE, MESSAGE, NOTE, Seen, TWICE};
use super::{Breach, StoreError, Tally};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use std::sync::Arc;

/// What should be so, and what a row says that breaks it. `marks(mail_id)` is what [`seen`] knows of a mail.
type Promise = (&'static str, String);

/// A table and what its rows promise.
struct Pass {
    table: &'static str,
    promises: Vec<Promise>,
}

impl Pass {
    /// The rows that break a promise, and which.
    fn sql(&self) -> String {
        let conditions: Vec<String> = self.promises.iter().map(|(_, bad)| format!("({bad})")).collect();
        let (each, any) = (conditions.join(", "), conditions.join(" OR "));
        format!("SELECT id, {each} FROM {} NOT INDEXED WHERE {any} ORDER BY id", self.table)
    }
}

/// What is asked, for a test that looks at the plans.
#[cfg(test)]
pub(super) fn questions(db: &Connection) -> Vec<String> {
    add_marks(db, &Arc::default()).unwrap();
    let passes = [mail(), outbox(), ticket()];
    passes.iter().map(Pass::sql).chain([seen::SQL.to_owned()]).collect()
}

/// Runs all of them in one view of the database: a mail taken meanwhile is seen whole or not at all.
pub(super) fn check(db: &Connection) -> Result<Vec<Breach>, StoreError> {
    let view = db.unchecked_transaction()?;
    let mut unsearchable = Tally::default();
    let seen = Arc::new(seen::read(&view, |id| unsearchable.add(|| id.to_string()))?);
    add_marks(&view, &seen)?;
    let mut breaches = Vec::new();
    for pass in [mail(), outbox(), ticket()] {
        breaches.extend(walk(&view, &pass)?);
    }
    breaches.extend(unsearchable.breach("every message can be searched"));
    view.remove_function("marks", 1)?;
    view.commit()?;
    Ok(breaches)
}

fn add_marks(db: &Connection, seen: &Arc<Seen>) -> Result<(), StoreError> {
    let seen = Arc::clone(seen);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    let marks = move |context: &rusqlite::functions::Context<'_>| {
        Ok(context.get::<Option<i64>>(0)?.map_or(0, |mail| seen.of(mail)))
    };
    Ok(db.create_scalar_function("marks", 1, flags, marks)?)
}

fn walk(db: &Connection, pass: &Pass) -> Result<Vec<Breach>, StoreError> {
    let sql = pass.sql();
    let mut tallies: Vec<Tally> = pass.promises.iter().map(|_| Tally::default()).collect();
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        for (column, tally) in (1..).zip(&mut tallies) {
            if row.get::<_, Option<bool>>(column)?.unwrap_or(false) {
                tally.add(|| id.to_string());
            }
        }
    }
    let found = pass.promises.iter().zip(tallies);
    Ok(found.filter_map(|((promise, _), tally)| tally.breach(promise)).collect())
}

fn mail() -> Pass {
    let promises = vec![
        (
            "1: every mail that was taken has its raw bytes",
            "raw_id IS NULL AND disposition NOT IN ('refused', 'duplicate')".to_owned(),
        ),
        ("1: no server was told before the commit", "settled_at < received_at".to_owned()),
        ("2: no mail became two messages", format!("marks(id) & {TWICE} <> 0")),
        (
            "3: mail that opened or joined has a ticket",
            "disposition IN ('opened', 'follow-up') AND ticket_id IS NULL".to_owned(),
        ),
        (
            "3: mail that opened or joined is a message",
            format!("disposition IN ('opened', 'follow-up') AND marks(id) & {MESSAGE} = 0"),
        ),
        ("3: every mail says why", "reason = ''".to_owned()),
        (
            "3: mail set aside changed nothing",
            format!(
                "disposition IN ('held', 'ignored', 'refused', 'duplicate', 'quarantined', 'bounce') AND marks(id) & {MESSAGE} <> 0"
            ),
        ),
    ];
    Pass { table: "mail", promises }
}

fn outbox() -> Pass {
    let promises = vec![
        (
            "5: outgoing mail has its bytes until it is settled",
            "body_id IS NULL AND settled_at IS NULL".to_owned(),
        ),
        (
            "5: every attempt was recorded",
            "state IN ('sent', 'uncertain', 'failed') AND attempts = 0".to_owned(),
        ),
        (
            "5: settled is settled",
            "(state IN ('sent', 'uncertain', 'failed', 'bounced', 'dropped')) <> (settled_at IS NOT NULL)"
                .to_owned(),
        ),
        (
            "6: no automatic answer to mail that opened nothing",
            // A mail causes its outgoing mails when it is taken, so that both tables are read in much the same order.
            "template = 'acknowledgement' AND EXISTS (SELECT 1 FROM mail WHERE mail.id = outbox.mail_id AND disposition NOT IN ('opened', 'agent'))"
                .to_owned(),
        ),
        // An acknowledgement repeats no message; one that an agent asks for is caused by the note that opens the ticket.
        (
            "8: no note went outside",
            format!(
                "state <> 'dropped' AND (template IN ('reply', 'copy') AND marks(mail_id) & {NOTE} <> 0
                   OR template = 'acknowledgement' AND marks(mail_id) & {LATER_NOTE} <> 0)"
            ),
        ),
    ];
    Pass { table: "outbox", promises }
}

fn ticket() -> Pass {
    let promises = vec![
        (
            "every ticket has a message",
            "NOT EXISTS (SELECT 1 FROM message WHERE message.ticket_id = ticket.id)".to_owned(),
        ),
        ("closed tickets know since when", "(status = 'closed') <> (closed_at IS NOT NULL)".to_owned()),
        ("merges lead somewhere", "merged_into = id".to_owned()),
    ];
    Pass { table: "ticket", promises }
}
