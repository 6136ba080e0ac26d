//! The one connection that writes, owned by a thread. Jobs that wait together share a transaction, and so an fsync;
//! each runs in a savepoint of its own, so that one that fails or panics takes nothing of the others with it.

use super::log::Log;
use super::{StoreError, index, schema};
use crate::clock::{Clock, Dice};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Most jobs that share one transaction.
const GROUP_MAX: usize = 256;

/// Told, after the commit or its failure, how a group ended.
type Finish = Box<dyn FnOnce(Result<(), String>) + Send>;

/// Runs inside the transaction, if one could be begun; says why that may not go on.
type Job = Box<dyn FnOnce(Option<&Connection>) -> (Result<(), String>, Finish) + Send>;

/// A handle on the database for writing. Clones share the one writing thread, which ends with the last clone.
#[derive(Clone)]
pub struct Store {
    jobs: Sender<Job>,
    path: Arc<PathBuf>,
}

impl Store {
    /// Opens the file at `path`, making it if it is not there, and starts the writing thread.
    pub fn open(path: &Path, clock: &Clock, dice: &Dice) -> Result<Self, StoreError> {
        let db = schema::open_writer(path, clock, dice)?;
        let (jobs, queue) = channel();
        let log = Log::of(path)?;
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || work(&db, &queue, &log));
        thread.map_err(StoreError::Unpack)?;
        Ok(Self { jobs, path: Arc::new(path.to_owned()) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `job` in a transaction; returns when it is committed and on the disk. A job that fails or panics leaves no
    /// trace. Dropping the future does not stop the job.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(job).await.unwrap_or(Err(StoreError::Closed))
    }

    /// As [`Store::write`], blocking the thread: for the command line.
    pub fn write_now<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(job).blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Hands `job` in without waiting; the receiver gets its result after the commit.
    pub fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, StoreError>> {
        let (answer, receiver) = oneshot::channel();
        let run: Job = Box::new(move |db| {
            let result = db.map_or(Err(StoreError::Closed), |db| in_savepoint(db, job));
            let of_the_disk = result.as_ref().err().filter(|error| error.is_of_the_disk());
            // Whoever met the error hears of it in its own words, those who shared the transaction in these.
            let stays = of_the_disk.map_or(Ok(()), |error| Err(error.to_string()));
            let own = stays.is_err() && db.is_some();
            let finish: Finish = Box::new(move |committed| {
                let _ = answer.send(match committed {
                    Err(why) if !own => Err(StoreError::Commit(why)),
                    _ => result,
                });
            });
            (stays, finish)
        });
        // A closed channel drops the job, and with it `answer`: the receiver sees that.
        let _ = self.jobs.send(run);
        receiver
    }
}

/// Serves jobs until every [`Store`] is gone.
fn work(db: &Connection, queue: &Receiver<Job>, log: &Log) {
    while let Ok(first) = queue.recv() {
        let mut finishes = Vec::new();
        let outcome = group(db, first, queue, &mut finishes);
        if outcome.is_err() && !db.is_autocommit() {
            // A failed ROLLBACK leaves nothing more to be done here; the next BEGIN says so to its callers.
            let _ = db.execute_batch("ROLLBACK");
        }
        for finish in finishes {
            finish(outcome.clone());
        }
        log.look(db);
    }
}

/// One transaction: `first` and those who wait already, never waiting for company.
fn group(
    db: &Connection,
    first: Job,
    queue: &Receiver<Job>,
    finishes: &mut Vec<Finish>,
) -> Result<(), String> {
    if let Err(error) = db.execute_batch("BEGIN IMMEDIATE") {
        finishes.push(first(None).1);
        // Those who came meanwhile have waited for the same lock: one after the other they would wait for an hour.
        finishes.extend(queue.try_iter().take(GROUP_MAX).map(|job| job(None).1));
        return Err(error.to_string());
    }
    let mut next = Some(first);
    while let Some(job) = next {
        let (stays, finish) = job(Some(db));
        finishes.push(finish);
        if let Err(why) = stays {
            return Err(format!("another write of the same transaction failed: {why}"));
        }
        if db.is_autocommit() {
            return Err("the database ended the transaction by itself".to_owned());
        }
        next = if finishes.len() < GROUP_MAX { queue.try_recv().ok() } else { None };
    }
    index::bring_up(db).map_err(|error| error.to_string())?;
    db.execute_batch("COMMIT").map_err(|error| error.to_string())
}

/// Runs `job` in a savepoint: when it fails or panics, nothing of it stays, and what the transaction held before does.
pub fn in_savepoint<T>(
    db: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    db.execute_batch("SAVEPOINT job")?;
    let result = catch_unwind(AssertUnwindSafe(|| job(db)))
        .unwrap_or_else(|panic| Err(StoreError::Panic(words(panic.as_ref()))));
    let end = if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    match db.execute_batch(end) {
        Ok(()) => result,
        Err(error) => result.and(Err(error.into())),
    }
}

/// What a panic said.
pub(super) fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
