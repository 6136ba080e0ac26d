//! Counts of what there is now, for monitoring. Each question is answered by an index that holds only what is asked for, or
//! by a page of a table: none grows with the tickets that are closed or the mail that was dealt with.

use super::facts::hour_of;
use super::{StoreError, outbox};
use crate::clock::Timestamp;
use rusqlite::Connection;

/// What there is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Mails set aside, by disposition.
    pub aside: Vec<(String, i64)>,
    /// Rows of the outbox that are not done with, or went wrong, by state.
    pub outbox: Vec<(String, i64)>,
    /// When the row that has waited longest was or will be due.
    pub next_due: Option<Timestamp>,
    /// Tickets that are new, open or pending.
    pub live: i64,
    /// Those of them that nobody has.
    pub unassigned: i64,
    /// Budgets of which the admins were told this hour that they are used up.
    pub budgets_used_up: i64,
    /// Automatic answers that were given this hour.
    pub answers: i64,
    /// Bytes of the database, without its log.
    pub bytes: i64,
}

const ASIDE: &str = "SELECT disposition, count(*) FROM mail WHERE disposition IN ('quarantined', 'held', 'refused') GROUP BY disposition";
const WAITING: &str =
    "SELECT count(*) FROM outbox INDEXED BY outbox_due WHERE state IN ('queued', 'deferred')";
const SENDING: &str = "SELECT count(*) FROM outbox WHERE state = 'sending'";
const TROUBLE: &str = "SELECT state, count(*) FROM outbox WHERE state IN ('deferred', 'uncertain', 'failed', 'bounced') GROUP BY state";
const LIVE: &str = "SELECT count(*) FROM ticket WHERE status IN ('new', 'open', 'pending')";
const UNASSIGNED: &str =
    "SELECT count(*) FROM ticket WHERE assignee = '' AND status IN ('new', 'open', 'pending')";
const USED_UP: &str =
    "SELECT count(*) FROM budget WHERE hour = ?1 AND scope = 'word' AND key LIKE 'budget %'";
const ANSWERS: &str = "SELECT coalesce(sum(count), 0) FROM budget WHERE hour = ?1 AND scope = 'answers'";

/// The questions whose plans a test looks at.
#[cfg(test)]
const ALL: [&str; 9] =
    [ASIDE, WAITING, SENDING, TROUBLE, outbox::NEXT_DUE, LIVE, UNASSIGNED, USED_UP, ANSWERS];

/// What there is now.
pub fn read(db: &Connection, now: Timestamp) -> Result<Gauges, StoreError> {
    let one = |sql: &str| one(db, sql);
    let hourly = |sql: &str| db.prepare_cached(sql)?.query_row([hour_of(now)], |r| r.get::<_, i64>(0));
    Ok(Gauges {
        aside: with(grouped(db, ASIDE)?, &["quarantined", "held", "refused"]),
        outbox: unsettled(db)?,
        next_due: outbox::next_due(db)?,
        live: one(LIVE)?,
        unassigned: one(UNASSIGNED)?,
        budgets_used_up: hourly(USED_UP)?,
        answers: hourly(ANSWERS)?,
        bytes: one("PRAGMA page_count")?.saturating_mul(one("PRAGMA page_size")?),
    })
}

fn one(db: &Connection, sql: &str) -> rusqlite::Result<i64> {
    db.prepare_cached(sql)?.query_row([], |r| r.get(0))
}

/// How many rows of the outbox are not done with, or went wrong, by state.
pub fn unsettled(db: &Connection) -> Result<Vec<(String, i64)>, StoreError> {
    let trouble = with(grouped(db, TROUBLE)?, &["deferred", "uncertain", "failed", "bounced"]);
    let deferred = trouble.iter().find(|(state, _)| state == "deferred").map_or(0, |(_, count)| *count);
    let mut states = vec![
        ("queued".to_owned(), one(db, WAITING)?.saturating_sub(deferred)),
        ("sending".to_owned(), one(db, SENDING)?),
    ];
    states.extend(trouble);
    Ok(states)
}

fn grouped(db: &Connection, sql: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Each of `words` once: what there is none of is zero, and not missing.
fn with(found: Vec<(String, i64)>, words: &[&str]) -> Vec<(String, i64)> {
    let count = |word: &str| found.iter().find(|(known, _)| known == word).map_or(0, |(_, count)| *count);
    words.iter().map(|word| ((*word).to_owned(), count(word))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::SCHEMA;

    #[test]
    fn no_question_walks_through_a_table() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        for sql in ALL {
            let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = plan.parameter_count();
            let rows = plan
                .query_map(rusqlite::params_from_iter(vec![0; parameters]), |r| r.get::<_, String>(3))
                .unwrap();
            let steps: Vec<String> = rows.map(Result::unwrap).collect();
            let partial = ["mail_aside", "outbox_due", "outbox_sending", "outbox_trouble", "ticket_live"];
            let is_small = |step: &String| {
                step.starts_with("SEARCH") || partial.iter().any(|index| step.contains(index))
            };
            assert!(!steps.is_empty() && steps.iter().all(is_small), "{sql}: {steps:?}");
        }
    }

    #[test]
    fn of_an_empty_desk_all_is_zero_and_nothing_is_missing() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        let gauges = read(&db, Timestamp(1_795_000_000)).unwrap();
        assert_eq!(gauges.outbox.len(), 6);
        assert_eq!(gauges.aside.len(), 3);
        assert!(gauges.outbox.iter().chain(&gauges.aside).all(|(_, count)| *count == 0));
        assert_eq!((gauges.live, gauges.unassigned, gauges.next_due), (0, 0, None));
    }
}
