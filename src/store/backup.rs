//! A consistent copy of the database while the daemon runs.

use super::StoreError;
use super::read::Reader;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::path::Path;
use std::time::Duration;

/// Pages copied at a time, so that writers wait no longer than that takes.
const PAGES_AT_ONCE: i32 = 2000;

/// How long to wait when the database is locked.
const LOCK_WAIT: Duration = Duration::from_millis(50);

/// Copies the database to `target`, which must not exist. Calls `step` with the pages done and all pages. In WAL mode
/// the copy is of one moment: a reader's view does not move while it reads.
pub fn backup(reader: &Reader, target: &Path, mut step: impl FnMut(i32, i32)) -> Result<(), StoreError> {
    if target.exists() {
        return Err(StoreError::Missing(format!(
            "{} exists already; name a file that does not",
            target.display()
        )));
    }
    reader.db().execute_batch("BEGIN")?;
    // The first read fixes the moment.
    let _: i64 = reader.db().query_row("SELECT count(*) FROM setting", [], |r| r.get(0))?;
    let result = copy(reader.db(), target, &mut step);
    reader.db().execute_batch("COMMIT")?;
    result
}

fn copy(from: &Connection, target: &Path, step: &mut impl FnMut(i32, i32)) -> Result<(), StoreError> {
    let mut to = Connection::open(target)?;
    let backup = Backup::new(from, &mut to)?;
    loop {
        let result = backup.step(PAGES_AT_ONCE)?;
        let progress = backup.progress();
        step(progress.pagecount - progress.remaining, progress.pagecount);
        match result {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => std::thread::sleep(LOCK_WAIT),
        }
    }
}
