//! A consistent copy of the database while the daemon runs.

use super::StoreError;
use super::read::Reader;
use super::schema::make_private;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// Pages copied at a time, so that writers wait no longer than that takes.
const PAGES_AT_ONCE: i32 = 2000;

/// How long to wait when the database is locked.
const LOCK_WAIT: Duration = Duration::from_millis(50);

/// Copies the database to `target`, which must not exist. Calls `step` with the pages done and all pages. In WAL mode
/// the copy is of one moment: a reader's view does not move while it reads.
pub fn backup(reader: &Reader, target: &Path, mut step: impl FnMut(i32, i32)) -> Result<(), StoreError> {
    make_private(target).map_err(|error| cannot(target, &error))?;
    reader.db().execute_batch("BEGIN")?;
    // The first read fixes the moment.
    let _: i64 = reader.db().query_row("SELECT count(*) FROM setting", [], |r| r.get(0))?;
    let result = copy(reader.db(), target, &mut step);
    reader.db().execute_batch("COMMIT")?;
    if result.is_err() {
        // Half a copy would be taken for a whole one.
        let _ = std::fs::remove_file(target);
    }
    result
}

fn cannot(target: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Missing(match error.kind() {
        ErrorKind::AlreadyExists => format!("{} exists already; name a file that does not", target.display()),
        _ => format!("cannot make {}: {error}", target.display()),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Dice, Timestamp};
    use crate::store::Store;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn nobody_else_can_read_the_database_or_its_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (file, target) = (dir.path().join("desk.db"), dir.path().join("copy.db"));
        let _store = Store::open(&file, &Clock::by_hand(Timestamp(0)), &Dice::from_seed(1)).unwrap();
        backup(&Reader::open(&file).unwrap(), &target, |_, _| {}).unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", entry.file_name());
        }
        let again = backup(&Reader::open(&file).unwrap(), &target, |_, _| {}).unwrap_err().to_string();
        assert!(again.ends_with("exists already; name a file that does not"), "{again}");
        let nowhere = backup(&Reader::open(&file).unwrap(), &dir.path().join("no/copy.db"), |_, _| {});
        assert!(nowhere.unwrap_err().to_string().starts_with("cannot make "));
    }
}
