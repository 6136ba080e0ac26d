//! The people whom a decision may reach: what they were sent lately, what they asked before, how much they have to do.

use super::ticket::status;
use super::{Question, StoreError};
use crate::address::Address;
use crate::clock::Timestamp;
use crate::config::Assign;
use crate::desk::decision::{BudgetKey, Row};
use crate::desk::facts::{Facts, Load};
use rusqlite::{Connection, OptionalExtension};

/// The columns that [`row`] reads, in its order.
pub(in crate::store) const ROW_COLUMNS: &str =
    "number, status, queue, subject, requester_name, requester, assignee, changed_at";

/// Tickets that are not done with. SQLite uses the indexes of them only where the same words stand.
pub(in crate::store) const LIVE: &str = "status IN ('new', 'open', 'pending')";

/// Earlier tickets of a sender are counted up to this.
const HISTORY_COUNT_MAX: i64 = 1000;

/// Budgets, paused addresses, the sender's history, and who is how busy.
pub(super) fn read_people(db: &Connection, q: Question<'_>, facts: &mut Facts) -> Result<(), StoreError> {
    let hour = hour_of(q.now);
    let mut keys: Vec<BudgetKey> = vec![BudgetKey::Answers, BudgetKey::Notifications];
    for number in facts.tickets.keys() {
        keys.extend([BudgetKey::Ticket(*number), BudgetKey::Notices(*number)]);
    }
    for address in reachable(q, facts) {
        if crate::store::outbox::is_paused(db, &address, q.now)? {
            facts.paused.push(address.clone());
        }
        keys.push(BudgetKey::Domain(address.domain().to_owned()));
        keys.push(BudgetKey::Sender(address));
    }
    for key in keys {
        if let Some(count) = spent(db, hour, &key)? {
            facts.spent.insert(key, count);
        }
    }
    facts.told = told(db, q.now)?;
    if let Some(writer) = q.mail.reply_to.first().or(q.mail.from.as_ref()) {
        (facts.history, facts.history_count) = history(db, &writer.address)?;
    }
    if matches!(q.queue.assign, Assign::RoundRobin | Assign::LeastBusy) {
        facts.loads = q
            .config
            .agents_of(q.queue)
            .map(|agent| load(db, &agent.person.address))
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// Everybody whom the decision may write to. Who is forgotten here has budgets without end: whom to answer is for the
/// rules to choose, so all of Reply-To counts.
fn reachable(q: Question<'_>, facts: &Facts) -> Vec<Address> {
    let tickets = || facts.tickets.values();
    let writers = || q.mail.from.iter().chain(&q.mail.reply_to).map(|person| &person.address);
    let members =
        tickets().flat_map(|t| t.requester.iter().chain(&t.participants)).map(|person| &person.address);
    let queues = tickets().filter_map(|t| q.config.queue(&t.queue)).chain([q.queue]);
    let named = tickets().flat_map(|t| t.assignee.iter().chain(&t.watchers)).chain(writers());
    let agents =
        queues.flat_map(|queue| q.config.agents_of(queue)).chain(named.filter_map(|a| q.config.agent(a)));
    let agents = agents.map(|agent| &agent.person.address);
    let mut people: Vec<Address> = writers().chain(members).chain(agents).cloned().collect();
    people.sort();
    people.dedup();
    people
}

/// The `hour` column of a budget.
pub(in crate::store) fn hour_of(now: Timestamp) -> i64 {
    now.0.div_euclid(3600)
}

/// The `scope` and `key` columns of a budget.
pub(in crate::store) fn budget_columns(key: &BudgetKey) -> (&'static str, String) {
    match key {
        BudgetKey::Sender(address) => ("sender", address.key().to_owned()),
        BudgetKey::Domain(domain) => ("domain", domain.clone()),
        BudgetKey::Ticket(number) => ("ticket", number.to_string()),
        BudgetKey::Answers => ("answers", String::new()),
        BudgetKey::Notifications => ("notifications", String::new()),
        BudgetKey::Notices(number) => ("notifications", number.to_string()),
    }
}

fn spent(db: &Connection, hour: i64, key: &BudgetKey) -> Result<Option<u32>, StoreError> {
    let (scope, key) = budget_columns(key);
    let sql = "SELECT count FROM budget WHERE hour = ?1 AND scope = ?2 AND key = ?3";
    Ok(db.prepare_cached(sql)?.query_row((hour, scope, key), |r| r.get(0)).optional()?)
}

/// How many rounds of notifications agents got in the hour of `now`.
pub fn notified(db: &Connection, now: Timestamp) -> Result<u32, StoreError> {
    Ok(spent(db, hour_of(now), &BudgetKey::Notifications)?.unwrap_or(0))
}

/// What an admin has been told in the hour of `now`.
pub fn told(db: &Connection, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let hour = hour_of(now);
    let mut statement = db.prepare_cached("SELECT key FROM budget WHERE hour = ?1 AND scope = 'word'")?;
    let rows = statement.query_map([hour], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn history(db: &Connection, address: &Address) -> Result<(Vec<Row>, i64), StoreError> {
    let sql = format!("SELECT {ROW_COLUMNS} FROM ticket WHERE requester = ?1 ORDER BY id DESC LIMIT 3");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([address.key()])?;
    let mut history = Vec::new();
    while let Some(r) = rows.next()? {
        history.push(row(r)?);
    }
    let sql = "SELECT count(*) FROM (SELECT 1 FROM ticket WHERE requester = ?1 LIMIT ?2)";
    let count = db.prepare_cached(sql)?.query_row((address.key(), HISTORY_COUNT_MAX), |r| r.get(0))?;
    Ok((history, count))
}

/// A table row from [`ROW_COLUMNS`].
pub(in crate::store) fn row(r: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    let (name, address): (String, String) = (r.get(4)?, r.get(5)?);
    Ok(Row {
        number: r.get(0)?,
        status: status(&r.get::<_, String>(1)?)?,
        queue: r.get(2)?,
        subject: r.get(3)?,
        requester: if name.is_empty() { address } else { name },
        assignee: r.get(6)?,
        changed_at: Timestamp(r.get(7)?),
    })
}

fn load(db: &Connection, agent: &Address) -> Result<Load, StoreError> {
    let sql = "SELECT count(*) FROM ticket WHERE assignee = ?1 AND status IN ('new', 'open', 'pending')";
    let live = db.prepare_cached(sql)?.query_row([agent.key()], |r| r.get(0))?;
    let sql = "SELECT last_ticket, away_until FROM agent WHERE address = ?1";
    let state = db
        .prepare_cached(sql)?
        .query_row([agent.key()], |r| Ok((r.get(0)?, r.get::<_, Option<i64>>(1)?)))
        .optional()?;
    let (last_ticket, away_until) = state.unwrap_or((0, None));
    Ok(Load {
        agent: agent.clone(),
        live,
        last_ticket: Timestamp(last_ticket),
        away_until: away_until.map(Timestamp),
    })
}
