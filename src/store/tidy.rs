//! What is due, and what is past keeping.

use super::facts::hour_of;
use super::{StoreError, schema};
use crate::clock::Timestamp;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// Budgets are kept this long for looking back, in seconds.
const BUDGETS_KEPT_SECS: i64 = 7 * 86400;

/// How long folding waits for others to finish: a stop must not hang on them.
const FOLD_WAIT: Duration = Duration::from_secs(1);

/// Brings what stands in the `-wal` file into the file itself, so that after a stop the file alone is whole, whoever
/// copies it. Where others are reading, the rest stays in the `-wal`, which loses nothing.
pub fn fold(path: &Path) -> Result<(), StoreError> {
    let db = schema::open_existing(path)?;
    db.busy_timeout(FOLD_WAIT)?;
    Ok(db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?)
}

/// Tickets whose wake time has come, at most `limit`.
pub fn due(db: &Connection, now: Timestamp, limit: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT number FROM ticket WHERE wake_at <= ?1 ORDER BY wake_at LIMIT ?2";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((now.0, limit), |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes out old budgets, pauses that are over, and keys that were retired before `keys_before`.
pub fn forget(db: &Connection, keys_before: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    let hour = hour_of(now.plus(-BUDGETS_KEPT_SECS));
    db.prepare_cached("DELETE FROM budget WHERE hour < ?1")?.execute([hour])?;
    db.prepare_cached("DELETE FROM paused WHERE until <= ?1")?.execute([now.0])?;
    db.prepare_cached("DELETE FROM signing_key WHERE retired_at <= ?1")?.execute([keys_before.0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_gone_is_not_made_anew_at_the_stop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.db");
        assert!(fold(&path).is_err());
        assert!(!path.exists());
    }
}
