//! Answers to what agents ask for by mail: lists, one ticket's conversation, a full-text search, figures. Plain reads,
//! bounded; they see the queues that the agent works in and the tickets that the agent has.

use super::StoreError;
use super::facts::{LIVE, Question, ROW_COLUMNS, row};
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::config::{Agent, Config};
use crate::desk::command::Listing;
use crate::desk::decision::{Role, Row};
use crate::desk::facts::{Ask, FOUND_MAX, Facts, Figures, LISTED_MAX, Said};
use crate::desk::ticket::Status;
use rusqlite::Connection;
use rusqlite::types::Value;

/// Most messages looked at for one search.
const HITS_MAX: i64 = 1000;
/// With more hits than this, the newest come first and not those that fit best: to weigh them, all would have to be read,
/// and mail waits meanwhile.
const WEIGHED_MAX: i64 = 10_000;
/// A shorter word is looked for as it is: half of all words begin with one of a few letters.
const PREFIX_MIN_BYTES: usize = 3;
/// Most words of one search.
const WORDS_MAX: usize = 16;
/// Most messages shown of one ticket: the newest.
const SAID_MAX: i64 = 100;
/// Untouched for so long, a ticket whose turn is ours is late, in seconds: two days.
pub const OVERDUE_SECS: i64 = 2 * 86400;
/// What counts as lately in the figures, in seconds: seven days.
const LATELY_SECS: i64 = 7 * 86400;

/// Our turn. Says twice that they are live, for SQLite uses the index of live tickets only where the same words stand.
const OURS: &str = "status IN ('new', 'open', 'pending') AND status IN ('new', 'open')";

/// Looks up everything that `q`'s mail asks for. Tickets it names must be in `facts` already.
pub fn answer(db: &Connection, q: Question<'_>, facts: &mut Facts) -> Result<(), StoreError> {
    let Some(agent) = q.mail.from.as_ref().and_then(|from| q.config.agent(&from.address)) else {
        return Ok(());
    };
    let scope = Scope::of(q.config, agent);
    for ask in &q.keys.asked {
        let rows = match ask {
            Ask::Ticket(_) => continue,
            Ask::Conversation => {
                for number in facts.tickets.keys().copied().collect::<Vec<_>>() {
                    facts.conversations.insert(number, said(db, number)?);
                }
                continue;
            }
            Ask::Show(number) => {
                let Some(number) = facts.ticket(*number).map(|ticket| ticket.number) else { continue };
                facts.conversations.insert(number, said(db, number)?);
                rows(
                    db,
                    &format!("SELECT {ROW_COLUMNS} FROM ticket WHERE number = ?"),
                    &[Value::from(number)],
                )?
            }
            Ask::List(listing) => list(db, &scope, listing, q.now)?,
            Ask::Search(words) => search(db, &scope, words)?,
            Ask::Report => {
                facts.figures = figures(db, &scope, q.now)?;
                let mut oldest = waiting(db, &scope)?;
                oldest.truncate(5);
                oldest
            }
        };
        facts.found.push((ask.clone(), rows));
    }
    Ok(())
}

/// What an agent gets to see: SQL over `ticket`, and its values.
struct Scope {
    condition: String,
    values: Vec<Value>,
    agent: String,
}

impl Scope {
    fn of(config: &Config, agent: &Agent) -> Self {
        let me = agent.person.address.key().to_owned();
        let in_queue = |queue: &&crate::config::Queue| {
            config.agents_of(queue).any(|other| other.person.address == agent.person.address)
        };
        let mut values: Vec<Value> =
            config.queues.iter().filter(in_queue).map(|queue| Value::from(queue.name.clone())).collect();
        let marks = vec!["?"; values.len()].join(", ");
        values.extend([Value::from(me.clone()), Value::from(me.clone())]);
        let condition = format!(
            "(queue IN ({marks}) OR assignee = ? OR EXISTS (SELECT 1 FROM participant WHERE ticket_id = ticket.id AND kind = 'watcher' AND address = ?))"
        );
        Self { condition, values, agent: me }
    }

    fn with(&self, more: impl IntoIterator<Item = Value>) -> Vec<Value> {
        self.values.iter().cloned().chain(more).collect()
    }
}

fn rows(db: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        found.push(row(r)?);
    }
    Ok(found)
}

fn list(db: &Connection, scope: &Scope, listing: &Listing, now: Timestamp) -> Result<Vec<Row>, StoreError> {
    let seen = &scope.condition;
    let select = |condition: &str, order: &str, values: Vec<Value>| {
        rows(
            db,
            &format!(
                "SELECT {ROW_COLUMNS} FROM ticket WHERE {seen} AND {condition} ORDER BY {order} LIMIT {LISTED_MAX}"
            ),
            &values,
        )
    };
    match listing {
        Listing::Open => select(LIVE, "changed_at", scope.with([])),
        Listing::Mine => select(
            &format!("{LIVE} AND assignee = ?"),
            "changed_at",
            scope.with([scope.agent.clone().into()]),
        ),
        Listing::Overdue => {
            let before = now.plus(-OVERDUE_SECS).0;
            select(&format!("{OURS} AND changed_at <= ?"), "changed_at", scope.with([before.into()]))
        }
        Listing::Matching(words) => {
            let word = words.trim().to_lowercase();
            if let Some(status) = status_of(&word) {
                let values = scope.with([status.word().to_owned().into()]);
                // Of what waits the oldest is due; of what is done the newest is looked for.
                return if status.is_live() {
                    select(&format!("{LIVE} AND status = ?"), "changed_at", values)
                } else {
                    select("status = ?", "changed_at DESC", values)
                };
            }
            let matching = format!(
                "{LIVE} AND (queue = ? OR requester = ? OR assignee = ? OR EXISTS (SELECT 1 FROM label WHERE ticket_id = ticket.id AND label = ?))"
            );
            let found = select(&matching, "changed_at", scope.with(vec![Value::from(word); 4]))?;
            if found.is_empty() { search(db, scope, words) } else { Ok(found) }
        }
    }
}

/// A status by its word in any of the three languages.
fn status_of(word: &str) -> Option<Status> {
    const WORDS: [(&[&str], Status); 5] = [
        (&["new", "nuevo", "nuevos", "novo", "novos"], Status::New),
        (&["open", "abierto", "aberto"], Status::Open),
        (&["pending", "pendiente", "pendientes", "pendente", "pendentes"], Status::Pending),
        (&["resolved", "resuelto", "resueltos", "resolvido", "resolvidos"], Status::Resolved),
        (&["closed", "cerrado", "cerrados", "fechado", "fechados"], Status::Closed),
    ];
    WORDS.iter().find(|(words, _)| words.contains(&word)).map(|(_, status)| *status)
}

/// A user's words as an FTS5 query: each word a quoted prefix, or as it is where it is very short, all of them wanted.
/// Nothing else of FTS5's grammar gets through, for only letters and digits do.
pub fn fts_query(words: &str) -> Option<String> {
    let words: Vec<String> = words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .map(
            |word| if word.len() < PREFIX_MIN_BYTES { format!("\"{word}\"") } else { format!("\"{word}\"*") },
        )
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Tickets in whose messages all the words stand, those that fit best first: a word in the subject weighs more. Of words
/// that stand nearly everywhere, the newest.
fn search(db: &Connection, scope: &Scope, words: &str) -> Result<Vec<Row>, StoreError> {
    let Some(query) = fts_query(words) else { return Ok(Vec::new()) };
    let count = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ?1 LIMIT ?2)";
    let hits: i64 = db.prepare_cached(count)?.query_row((&query, WEIGHED_MAX + 1), |r| r.get(0))?;
    let hit = if hits > WEIGHED_MAX {
        format!(
            "SELECT rowid AS message_id, -rowid AS score FROM search WHERE search MATCH ? ORDER BY rowid DESC LIMIT {HITS_MAX}"
        )
    } else {
        format!(
            "SELECT rowid AS message_id, bm25(search, 4.0, 2.0, 1.0) AS score FROM search WHERE search MATCH ? ORDER BY score LIMIT {HITS_MAX}"
        )
    };
    let sql = format!(
        "WITH hit AS ({hit}),
              best AS (SELECT ticket_id, min(score) AS score FROM hit JOIN message ON message.id = hit.message_id GROUP BY ticket_id)
         SELECT {ROW_COLUMNS} FROM best JOIN ticket ON ticket.id = best.ticket_id WHERE {} ORDER BY best.score, changed_at DESC LIMIT {FOUND_MAX}",
        scope.condition
    );
    let values: Vec<Value> =
        std::iter::once(Value::from(query)).chain(scope.values.iter().cloned()).collect();
    rows(db, &sql, &values)
}

/// Tickets of an agent's queues whose turn is ours and that this agent or nobody has, oldest first.
fn waiting(db: &Connection, scope: &Scope) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT {ROW_COLUMNS} FROM ticket WHERE {} AND {OURS} AND assignee IN ('', ?) ORDER BY changed_at LIMIT {LISTED_MAX}",
        scope.condition
    );
    rows(db, &sql, &scope.with([scope.agent.clone().into()]))
}

/// What waits for an agent, for the morning digest, oldest first.
pub fn waiting_for(db: &Connection, config: &Config, agent: &Agent) -> Result<Vec<Row>, StoreError> {
    waiting(db, &Scope::of(config, agent))
}

/// The local day of an agent's last digest, or nothing, and until when the agent is away.
pub fn digest_state(db: &Connection, agent: &Address) -> Result<(String, Option<Timestamp>), StoreError> {
    use rusqlite::OptionalExtension;
    let sql = "SELECT digest_day, away_until FROM agent WHERE address = ?1";
    let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get::<_, Option<i64>>(1)?.map(Timestamp)));
    Ok(db.prepare_cached(sql)?.query_row([agent.key()], read).optional()?.unwrap_or_default())
}

fn figures(db: &Connection, scope: &Scope, now: Timestamp) -> Result<Figures, StoreError> {
    let (since, seen) = (now.plus(-LATELY_SECS), &scope.condition);
    let mut figures = Figures {
        by_agent: live_by(db, scope, "assignee", "AND assignee <> ''")?,
        opened_lately: lately(db, scope, "opened_at", since)?,
        closed_lately: lately(db, scope, "closed_at", since)?,
        ..Figures::default()
    };
    for (status, count) in live_by(db, scope, "status", "")? {
        match status.as_str() {
            "new" => figures.new = count,
            "open" => figures.open = count,
            _ => figures.pending = count,
        }
    }
    let sql = format!("SELECT count(*) FROM ticket WHERE {seen} AND {LIVE} AND assignee = ''");
    figures.unassigned =
        db.prepare_cached(&sql)?.query_row(rusqlite::params_from_iter(&scope.values), |r| r.get(0))?;
    Ok(figures)
}

/// How many live tickets there are for each value of `column`, most first.
fn live_by(
    db: &Connection,
    scope: &Scope,
    column: &str,
    and: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = format!(
        "SELECT {column}, count(*) FROM ticket INDEXED BY ticket_live WHERE {} AND {LIVE} {and} GROUP BY {column} ORDER BY count(*) DESC, {column} LIMIT 50",
        scope.condition
    );
    let mut statement = db.prepare_cached(&sql)?;
    let counts = statement
        .query_map(rusqlite::params_from_iter(&scope.values), |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(counts)
}

/// How many tickets have a later time in `column` than `since`. Such a ticket has changed since, so that only those are
/// looked at; a day is allowed for clocks that were set back.
fn lately(db: &Connection, scope: &Scope, column: &str, since: Timestamp) -> Result<i64, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM ticket INDEXED BY ticket_changed WHERE {} AND changed_at > ? AND {column} > ?",
        scope.condition
    );
    let values = scope.with([since.plus(-86400).0.into(), since.0.into()]);
    Ok(db.prepare_cached(&sql)?.query_row(rusqlite::params_from_iter(values), |r| r.get(0))?)
}

fn said(db: &Connection, number: i64) -> Result<Vec<Said>, StoreError> {
    newest(db, number, SAID_MAX)
}

/// The newest messages of a ticket, at most `limit`, oldest first.
pub fn newest(db: &Connection, number: i64, limit: i64) -> Result<Vec<Said>, StoreError> {
    let sql = "SELECT id, at, internal, role, author, author_name, text FROM message
               WHERE ticket_id = (SELECT id FROM ticket WHERE number = ?1) ORDER BY id DESC LIMIT ?2";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((number, limit))?;
    let mut said = Vec::new();
    while let Some(r) = rows.next()? {
        let (role, author, name): (String, String, String) = (r.get(3)?, r.get(4)?, r.get(5)?);
        said.push(Said {
            at: Timestamp(r.get(1)?),
            internal: r.get(2)?,
            role: Role::from_word(&role).ok_or(StoreError::Unknown { what: "role", found: role })?,
            author: Address::parse(&author).map(|address| Person::new(&name, address)),
            text: r.get(6)?,
            attachments: attachments(db, r.get(0)?)?,
        });
    }
    said.reverse();
    Ok(said)
}

fn attachments(db: &Connection, message: i64) -> Result<Vec<String>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT name FROM attachment WHERE message_id = ?1 ORDER BY id LIMIT 100")?;
    let names = statement.query_map([message], |r| r.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::{Scope, WEIGHED_MAX, fts_query, search};
    use crate::store::schema::SCHEMA;
    use rusqlite::Connection;

    /// A message of ticket `ticket` that can be searched.
    fn says(db: &Connection, ticket: i64, subject: &str, text: &str) {
        let sql = "INSERT INTO message (ticket_id, at, internal, role, author, author_name, text, folded) VALUES (?1, 1, 0, 'requester', '', '', '', '')";
        db.prepare_cached(sql).unwrap().execute([ticket]).unwrap();
        let sql =
            "INSERT INTO search (rowid, subject, people, text) VALUES (last_insert_rowid(), ?1, '', ?2)";
        db.prepare_cached(sql).unwrap().execute([subject, text]).unwrap();
    }

    #[test]
    fn what_fits_best_comes_first_and_of_what_stands_everywhere_the_newest() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        for id in 1..=4 {
            let sql = "INSERT INTO ticket (id, number, queue, subject, status, priority, requester, requester_name, language, assignee, opened_at, changed_at)
                       VALUES (?1, 100 + ?1, 'help', '', 'open', 'normal', 'r@client.example', '', 'en', '', 1, 1)";
            db.execute(sql, [id]).unwrap();
        }
        let scope = Scope { condition: "queue = 'help'".into(), values: Vec::new(), agent: String::new() };
        let found = |words: &str| -> Vec<i64> {
            search(&db, &scope, words).unwrap().iter().map(|row| row.number).collect()
        };
        says(&db, 1, "invoice", "about the invoice");
        says(&db, 2, "other", "somewhere far down the text an invoice of last year is named");
        assert_eq!(found("invoice"), [101, 102]);
        for _ in 0..=WEIGHED_MAX {
            says(&db, 3, "other", "invoice");
        }
        says(&db, 4, "other", "an invoice");
        says(&db, 2, "other", "or an invoicer");
        assert_eq!(found("invoice"), [102, 104, 103]);
        // A short word is that word, and not what begins with it.
        assert_eq!(found("or"), [102]);
        assert_eq!(found("o"), [0; 0]);
    }

    #[test]
    fn nothing_of_the_query_language_gets_through() {
        assert_eq!(fts_query("invoice October"), Some("\"invoice\"* \"October\"*".into()));
        assert_eq!(
            fts_query("a\" OR b* NEAR(c, 2) -subject:d"),
            Some("\"a\" \"OR\" \"b\" \"NEAR\"* \"c\" \"2\" \"subject\"* \"d\"".into())
        );
        assert_eq!(fts_query("\" * - ()"), None);
        assert_eq!(fts_query(&"x ".repeat(100)).unwrap().matches('x').count(), 16);
    }
}
