//! Every promise that a query can check, checked. Nothing is looked up at random places of the file row by row: tables
//! are read from end to end, beside others in the order of an index, so that the time grows with the file and no faster.

mod rows;
mod seen;
#[cfg(test)]
mod tests;

use super::{StoreError, outbox, schema};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Most ids that are named of the rows that break a promise.
const NAMED_MAX: usize = 5;

/// What should be so, and the query for the ids of rows that say otherwise.
type Question = (&'static str, &'static str);

/// Questions that an index answers in its own order. Those that a row answers for itself, or with those of its mail,
/// are in [`rows`].
const QUESTIONS: &[Question] = &[
    (
        "2: no content was filed twice",
        // The index alone tells which came twice; only those are looked at. Of sent mail, the copy to the desk itself may
        // have been ignored before the mail was filed.
        "SELECT (SELECT min(id) FROM mail WHERE content_key = twice)
         FROM (SELECT content_key AS twice FROM mail GROUP BY content_key HAVING count(*) > 1)
         WHERE 1 < (SELECT count(*) FROM mail WHERE content_key = twice AND disposition NOT IN ('refused', 'duplicate', 'quarantined')
                    AND NOT (disposition = 'ignored' AND EXISTS (SELECT 1 FROM mail AS sent WHERE sent.content_key = twice
                             AND sent.disposition = 'agent' AND sent.mailbox LIKE '%/sent')))",
    ),
    (
        "5: no mail was acknowledged twice",
        "SELECT min(id) FROM outbox INDEXED BY outbox_mail WHERE mail_id IS NOT NULL AND template = 'acknowledgement'
         GROUP BY mail_id HAVING count(*) > 1",
    ),
    ("foreign keys hold", "SELECT \"table\" || ':' || rowid FROM pragma_foreign_key_check"),
];

/// One step: what one thread does at a time.
enum Task {
    /// SQLite's own check of every page: each in use once or free, each row well-formed.
    Pages,
    /// SQLite's own check of one table and its indexes: each row in each index, in order, and nothing else.
    Table(String),
    /// What rows say of themselves and of their mails.
    Rows,
    Question(&'static Question),
    Outgoing,
}

impl Task {
    fn run(&self, db: &Connection) -> Result<Vec<Breach>, StoreError> {
        Ok(match self {
            Self::Pages => sound(db, "SELECT quick_check FROM pragma_quick_check WHERE ?1 = ''", "")?,
            Self::Table(name) => sound(db, "SELECT integrity_check FROM pragma_integrity_check(?1)", name)?,
            Self::Rows => rows::check(db)?,
            Self::Question((promise, sql)) => question(db, promise, sql)?.into_iter().collect(),
            Self::Outgoing => outgoing(db)?.into_iter().collect(),
        })
    }
}

/// Runs every check, and SQLite's own of the file. Calls `step` with the number of steps done and their count. A second
/// thread with a connection of its own takes every other step.
pub fn verify(db: &Connection, step: impl FnMut(usize, usize) + Send) -> Result<Vec<Breach>, StoreError> {
    let tasks = tasks(db)?;
    let work = Work { tasks: &tasks, next: AtomicUsize::new(0), done: Mutex::new((0, step)) };
    let file = db.path().filter(|path| !path.is_empty()).map(PathBuf::from);
    let found = std::thread::scope(|scope| {
        let work = &work;
        let beside = file.map(|file| scope.spawn(move || work.some(&schema::open_reader(&file)?)));
        let mut found = work.some(db);
        if let Some(beside) = beside {
            let theirs = beside.join().unwrap_or_else(|_| Err(StoreError::Panic("verify".to_owned())));
            found = found.and_then(|mut ours| {
                ours.extend(theirs?);
                Ok(ours)
            });
        }
        found
    });
    let mut found = found?;
    found.sort_by_key(|(task, _)| *task);
    let mut breaches: Vec<Breach> = Vec::new();
    for breach in found.into_iter().flat_map(|(_, breaches)| breaches) {
        // A damaged page is met by the walk through the pages and by that through its table.
        if !breaches.contains(&breach) {
            breaches.push(breach);
        }
    }
    Ok(breaches)
}

/// All steps, the longest first, so that both threads are done at about the same time.
fn tasks(db: &Connection) -> Result<Vec<Task>, StoreError> {
    let sql = "SELECT name FROM sqlite_schema AS this WHERE type = 'table' AND rootpage > 0
               ORDER BY (SELECT count(*) FROM sqlite_schema AS other WHERE other.type = 'index' AND other.tbl_name = this.name) DESC, name";
    let mut statement = db.prepare(sql)?;
    let tables: Vec<String> = statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
    let mut tasks = vec![Task::Pages, Task::Rows];
    tasks.extend(tables.into_iter().map(Task::Table));
    tasks.extend(QUESTIONS.iter().map(Task::Question));
    tasks.push(Task::Outgoing);
    Ok(tasks)
}

/// Steps, given out one by one.
struct Work<'a, F> {
    tasks: &'a [Task],
    next: AtomicUsize,
    done: Mutex<(usize, F)>,
}

impl<F: FnMut(usize, usize) + Send> Work<'_, F> {
    /// Takes steps until there are none; what each found, with its place.
    fn some(&self, db: &Connection) -> Result<Vec<(usize, Vec<Breach>)>, StoreError> {
        let mut found = Vec::new();
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(place) else { return Ok(found) };
            let breaches = match task.run(db) {
                // The other steps say where.
                Err(error) if error.is_damage() => vec![unsound(error.to_string())],
                Err(error) => {
                    // The other thread need not go on.
                    self.next.store(self.tasks.len(), Ordering::Relaxed);
                    return Err(error);
                }
                Ok(breaches) => breaches,
            };
            found.push((place, breaches));
            let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            done.0 += 1;
            let count = done.0;
            (done.1)(count, self.tasks.len());
        }
    }
}

/// Counts rows that break a promise, and names the first.
#[derive(Default)]
struct Tally {
    rows: i64,
    first: Vec<String>,
}

impl Tally {
    fn add(&mut self, id: impl FnOnce() -> String) {
        self.rows = self.rows.saturating_add(1);
        if self.first.len() < NAMED_MAX {
            self.first.push(id());
        }
    }

    fn breach(self, promise: &'static str) -> Option<Breach> {
        (self.rows > 0).then(|| Breach { promise, rows: self.rows, first: self.first.join(", ") })
    }
}

fn question(db: &Connection, promise: &'static str, sql: &str) -> Result<Option<Breach>, StoreError> {
    let mut statement = db.prepare(&format!("WITH bad (id) AS ({sql}) SELECT cast(id AS TEXT) FROM bad"))?;
    let mut rows = statement.query([])?;
    let mut tally = Tally::default();
    while let Some(row) = rows.next()? {
        let id: Option<String> = row.get(0)?;
        tally.add(|| id.unwrap_or_default());
    }
    Ok(tally.breach(promise))
}

/// What may still go out can be put together, from its own bytes and from the mail that files are taken from.
fn outgoing(db: &Connection) -> Result<Option<Breach>, StoreError> {
    let sql = "SELECT id, size FROM outbox WHERE body_id IS NOT NULL AND state <> 'sent' ORDER BY id";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut tally = Tally::default();
    while let Some(row) = rows.next()? {
        let (id, size): (i64, i64) = (row.get(0)?, row.get(1)?);
        let bytes = match outbox::bytes(db, id) {
            Err(error) if error.is_of_the_disk() => return Err(error),
            found => found.ok(),
        };
        if bytes.and_then(|bytes| i64::try_from(bytes.len()).ok()) != Some(size) {
            tally.add(|| id.to_string());
        }
    }
    Ok(tally.breach("5: outgoing mail can be put together as it was made"))
}

/// What SQLite says of the file, or of one table. What it has said before it could read no further stands.
fn sound(db: &Connection, sql: &str, of: &str) -> Result<Vec<Breach>, StoreError> {
    let mut statement = db.prepare(sql)?;
    let mut breaches = Vec::new();
    for said in statement.query_map([of], |r| r.get(0))? {
        match said.map_err(StoreError::from) {
            Ok(said) if said == "ok" => {}
            Ok(said) => breaches.push(unsound(said)),
            Err(error) if error.is_damage() && !breaches.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(breaches)
}

fn unsound(first: String) -> Breach {
    Breach { promise: "the file is sound", rows: 1, first }
}
