//! Lists for the command line and for agents' requests: tickets, mails, outgoing mail. Read-only.

use super::StoreError;
use super::facts::{LIVE, ROW_COLUMNS, row};
use super::read::Reader;
use crate::clock::Timestamp;
use crate::desk::decision::Row;
use crate::desk::ticket::Status;
use rusqlite::OptionalExtension;
use rusqlite::types::Value;

/// Which tickets are listed.
#[derive(Debug, Clone, Default)]
pub struct TicketFilter {
    /// Only this status; otherwise live ones (new, open, pending) unless `all`.
    pub status: Option<String>,
    /// Closed and resolved ones too.
    pub all: bool,
    /// Only this queue.
    pub queue: Option<String>,
    /// Only this assignee's address.
    pub assignee: Option<String>,
    /// Only this requester's address.
    pub requester: Option<String>,
    /// At most so many, those that changed last first.
    pub limit: i64,
}

/// One message as agents see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MessageRow {
    /// Row.
    pub id: i64,
    /// When, UTC.
    pub at: Timestamp,
    /// Whether it is a note.
    pub internal: bool,
    /// The author's role.
    pub role: String,
    /// Name and address.
    pub author: String,
    /// What was written.
    pub text: String,
    /// What is folded away.
    pub folded: String,
    /// Names of attachments.
    pub attachments: Vec<String>,
    /// The mail it came in.
    pub mail_id: Option<i64>,
}

/// One line of a ticket's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EventRow {
    /// When, UTC.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub what: String,
}

/// A ticket with all that agents may see.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TicketRow {
    /// The line of the list.
    pub row: Row,
    /// Requester's address.
    pub requester_address: String,
    /// Priority word.
    pub priority: String,
    /// Opened, UTC.
    pub opened_at: Timestamp,
    /// Participants and watchers: kind and address.
    pub people: Vec<(String, String)>,
    /// Labels.
    pub labels: Vec<String>,
    /// Messages, oldest first.
    pub messages: Vec<MessageRow>,
    /// History, oldest first.
    pub events: Vec<EventRow>,
    /// Outgoing mail.
    pub outgoing: Vec<OutgoingRow>,
}

/// One mail of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MailRow {
    /// Its id.
    pub id: i64,
    /// Mailbox name.
    pub mailbox: String,
    /// UID.
    pub uid: i64,
    /// From.
    pub from: String,
    /// Subject.
    pub subject: String,
    /// Bytes.
    pub size: i64,
    /// Disposition word.
    pub disposition: String,
    /// Why.
    pub reason: String,
    /// Codes of what was odd.
    pub oddities: String,
    /// Ticket number.
    pub number: Option<i64>,
    /// Taken, UTC.
    pub received_at: Timestamp,
    /// Whether the server has been told.
    pub settled: bool,
}

/// One outgoing mail.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OutgoingRow {
    /// Its id.
    pub id: i64,
    /// State word.
    pub state: String,
    /// Template name.
    pub template: String,
    /// Recipient.
    pub recipient: String,
    /// Ticket number.
    pub number: Option<i64>,
    /// Attempts made.
    pub attempts: i64,
    /// Not before, UTC.
    pub next_at: Timestamp,
    /// Made, UTC.
    pub created_at: Timestamp,
    /// What the relay said last.
    pub said: String,
}

impl Reader {
    /// Tickets, those that changed last first.
    pub fn tickets(&self, filter: &TicketFilter) -> Result<Vec<Row>, StoreError> {
        // Only what is asked for is written out, so that the index serves that holds it; live tickets have one of their own.
        let is_live = match filter.status.as_deref() {
            None => !filter.all,
            Some(word) => Status::from_word(word).is_some_and(Status::is_live),
        };
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        let wanted = [
            ("status", filter.status.clone()),
            ("queue", filter.queue.clone()),
            ("assignee", lower(&filter.assignee)),
            ("requester", lower(&filter.requester)),
        ];
        let mut conditions = vec![if is_live { LIVE.to_owned() } else { "1".to_owned() }];
        let mut values = Vec::new();
        for (column, value) in wanted {
            let Some(value) = value else { continue };
            conditions.push(format!("{column} = ?"));
            values.push(Value::from(value));
        }
        values.push(Value::from(filter.limit));
        let conditions = conditions.join(" AND ");
        let sql =
            format!("SELECT {ROW_COLUMNS} FROM ticket WHERE {conditions} ORDER BY changed_at DESC LIMIT ?");
        let mut statement = self.db().prepare_cached(&sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut list = Vec::new();
        while let Some(r) = rows.next()? {
            list.push(row(r)?);
        }
        Ok(list)
    }

    /// Ticket `number` with its messages, notes, history and outgoing mail.
    pub fn ticket(&self, number: i64) -> Result<Option<TicketRow>, StoreError> {
        let sql = format!("SELECT {ROW_COLUMNS}, priority, opened_at, id FROM ticket WHERE number = ?1");
        let mut statement = self.db().prepare_cached(&sql)?;
        let mut rows = statement.query([number])?;
        let Some(r) = rows.next()? else { return Ok(None) };
        let id: i64 = r.get(10)?;
        Ok(Some(TicketRow {
            row: row(r)?,
            requester_address: r.get(5)?,
            priority: r.get(8)?,
            opened_at: Timestamp(r.get(9)?),
            people: self.pairs("SELECT kind, address FROM participant WHERE ticket_id = ?1", id)?,
            labels: self
                .pairs("SELECT label, '' FROM label WHERE ticket_id = ?1", id)?
                .into_iter()
                .map(|(label, _)| label)
                .collect(),
            messages: self.messages(id)?,
            events: self.events(id)?,
            outgoing: self.outgoing_where("outbox.ticket_id = ?1", id, i64::MAX)?,
        }))
    }

    fn pairs(&self, sql: &str, id: i64) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement = self.db().prepare_cached(sql)?;
        let rows = statement.query_map([id], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn messages(&self, ticket: i64) -> Result<Vec<MessageRow>, StoreError> {
        let sql = "SELECT id, at, internal, role, author_name, author, text, folded, mail_id FROM message WHERE ticket_id = ?1 ORDER BY id";
        let mut statement = self.db().prepare_cached(sql)?;
        let mut rows = statement.query([ticket])?;
        let mut messages = Vec::new();
        while let Some(r) = rows.next()? {
            let (name, address): (String, String) = (r.get(4)?, r.get(5)?);
            let id = r.get(0)?;
            messages.push(MessageRow {
                id,
                at: Timestamp(r.get(1)?),
                internal: r.get(2)?,
                role: r.get(3)?,
                author: format!("{name} <{address}>").trim_start().to_owned(),
                text: r.get(6)?,
                folded: r.get(7)?,
                attachments: self.attachments(id)?.into_iter().map(|a| a.name).collect(),
                mail_id: r.get(8)?,
            });
        }
        Ok(messages)
    }

    fn events(&self, ticket: i64) -> Result<Vec<EventRow>, StoreError> {
        let mut statement =
            self.db().prepare_cached("SELECT at, actor, what FROM event WHERE ticket_id = ?1 ORDER BY id")?;
        let rows = statement.query_map([ticket], |r| {
            Ok(EventRow { at: Timestamp(r.get(0)?), actor: r.get(1)?, what: r.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest mails of the ledger, or only those of one disposition.
    pub fn mails(&self, disposition: Option<&str>, limit: i64) -> Result<Vec<MailRow>, StoreError> {
        let sql = mails_sql(disposition);
        let mut statement = self.db().prepare_cached(&sql)?;
        let rows = statement.query_map((disposition, limit), mail_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Mail `id` of the ledger.
    pub fn mail(&self, id: i64) -> Result<Option<MailRow>, StoreError> {
        let sql = format!("{MAIL_COLUMNS} WHERE mail.id = ?1");
        Ok(self.db().prepare_cached(&sql)?.query_row([id], mail_row).optional()?)
    }

    /// Outgoing mail in `state`, or all that is not simply sent.
    pub fn outgoing(&self, state: Option<&str>, limit: i64) -> Result<Vec<OutgoingRow>, StoreError> {
        self.outgoing_where(outgoing_condition(state), state.unwrap_or_default(), limit)
    }

    fn outgoing_where(
        &self,
        condition: &str,
        value: impl rusqlite::ToSql,
        limit: i64,
    ) -> Result<Vec<OutgoingRow>, StoreError> {
        let sql = outgoing_sql(condition);
        let mut statement = self.db().prepare_cached(&sql)?;
        let rows = statement.query_map((value, limit), |r| {
            Ok(OutgoingRow {
                id: r.get(0)?,
                state: r.get(1)?,
                template: r.get(2)?,
                recipient: r.get(3)?,
                number: r.get(4)?,
                attempts: r.get(5)?,
                next_at: Timestamp(r.get(6)?),
                created_at: Timestamp(r.get(7)?),
                said: r.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many live tickets each assignee has; the unassigned ones under the empty address.
    pub fn live_by_assignee(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT assignee, count(*) FROM ticket WHERE status IN ('new', 'open', 'pending') GROUP BY assignee";
        let mut statement = self.db().prepare(sql)?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Mails set aside have an index of their own; it is small, and nothing else is.
fn mails_sql(disposition: Option<&str>) -> String {
    let condition = match disposition {
        None => "?1 IS NULL",
        Some("quarantined" | "held" | "refused") => {
            "disposition = ?1 AND disposition IN ('quarantined', 'held', 'refused')"
        }
        Some(_) => "disposition = ?1",
    };
    format!("{MAIL_COLUMNS} WHERE {condition} ORDER BY mail.id DESC LIMIT ?2")
}

/// Which outgoing mails are meant, `?1` being the state: so that those that are not done with or went wrong are found by
/// the indexes of them, not by a walk through all that was ever sent.
fn outgoing_condition(state: Option<&str>) -> &'static str {
    match state {
        Some("queued" | "deferred") => {
            "outbox.id IN (SELECT id FROM outbox INDEXED BY outbox_due WHERE state IN ('queued', 'deferred') AND state = ?1)"
        }
        Some("sending") => "state = 'sending' AND ?1 = 'sending'",
        Some("uncertain" | "failed" | "bounced") => {
            "state IN ('deferred', 'uncertain', 'failed', 'bounced') AND state = ?1"
        }
        Some(_) => "state = ?1",
        None => {
            "outbox.id IN (SELECT id FROM outbox INDEXED BY outbox_due WHERE state IN ('queued', 'deferred')
                           UNION ALL SELECT id FROM outbox WHERE state = 'sending'
                           UNION ALL SELECT id FROM outbox INDEXED BY outbox_trouble
                                     WHERE state IN ('deferred', 'uncertain', 'failed', 'bounced') AND state <> 'deferred')
             AND ?1 = ''"
        }
    }
}

fn outgoing_sql(condition: &str) -> String {
    format!(
        "SELECT outbox.id, state, template, recipient, ticket.number, attempts, next_at, created_at, said
         FROM outbox LEFT JOIN ticket ON ticket.id = outbox.ticket_id WHERE {condition} ORDER BY outbox.id DESC LIMIT ?2"
    )
}

const MAIL_COLUMNS: &str = "SELECT mail.id, mailbox, uid, from_address, mail.subject, size, disposition, reason, oddities, ticket.number,
                                   received_at, settled_at IS NOT NULL
                            FROM mail LEFT JOIN ticket ON ticket.id = mail.ticket_id";

fn mail_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<MailRow> {
    Ok(MailRow {
        id: r.get(0)?,
        mailbox: r.get(1)?,
        uid: r.get(2)?,
        from: r.get(3)?,
        subject: r.get(4)?,
        size: r.get(5)?,
        disposition: r.get(6)?,
        reason: r.get(7)?,
        oddities: r.get(8)?,
        number: r.get(9)?,
        received_at: Timestamp(r.get(10)?),
        settled: r.get(11)?,
    })
}

#[cfg(test)]
mod tests;
