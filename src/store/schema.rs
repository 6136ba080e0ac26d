//! Making, opening and upgrading the file, and the settings every connection has.

use super::StoreError;
use crate::clock::{Clock, Dice};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// What a new database is made from.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// The version that [`SCHEMA`] makes.
pub const VERSION: i64 = 2;

/// Steps that bring an older database up: the version it had, and the SQL that makes the next.
const UPGRADES: &[(i64, &str)] = &[(
    1,
    "ALTER TABLE outgoing_body ADD COLUMN raw_id INTEGER REFERENCES raw (id);
     ALTER TABLE outgoing_body ADD COLUMN taken TEXT NOT NULL DEFAULT '' CHECK (taken = '' OR raw_id IS NOT NULL);",
)];

/// SQLite's name for a database without a file.
pub const IN_MEMORY: &str = ":memory:";

/// How long a statement waits for another process's lock.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// Makes an empty file that nobody else can read: it will hold everybody's mail and the signing keys. SQLite gives the
/// files beside it the same rights. An error when it exists.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(|_| ())
}

/// Opens the file for writing; makes it, with a first signing key, when it is not there.
pub fn open_writer(path: &Path, clock: &Clock, dice: &Dice) -> Result<Connection, StoreError> {
    if path != Path::new(IN_MEMORY) {
        // It is there already, or SQLite says what is in the way.
        let _ = make_private(path);
    }
    let db = Connection::open(path)?;
    settle(&db)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;",
    )?;
    // Otherwise each new value of a variable that a partial index might ask about has its statement planned anew,
    // some 300 000 instructions a mail, for queries whose plan never changes.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Another thread brings the log into the file (`log`). Where it does not keep up, the writer does so itself.
    db.execute_batch("PRAGMA wal_autocheckpoint = 12000;")?;
    // A group of mails is changed in memory and written once.
    db.execute_batch("PRAGMA cache_size = -6144;")?;
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(StoreError::Newer { found, known: VERSION });
    }
    if found < VERSION {
        upgrade(&db)?;
    }
    first_key(&db, clock, dice)?;
    Ok(db)
}

/// Opens the file for work beside the writer. Where it is gone none is made: an empty one would be taken for a new desk
/// at the next start.
pub(super) fn open_existing(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// Opens the file for questions only.
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    settle(&db)?;
    db.execute_batch("PRAGMA query_only = ON;")?;
    Ok(db)
}

fn settle(db: &Connection) -> Result<(), StoreError> {
    db.busy_timeout(BUSY_WAIT)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_prepared_statement_cache_capacity(128);
    db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;")?;
    Ok(())
}

/// Makes or upgrades inside one transaction, looking again at the version under its lock: two programs may start at once.
fn upgrade(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let steps = || -> Result<(), StoreError> {
        let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found == 0 {
            db.execute_batch(SCHEMA)?;
        } else {
            for (_, sql) in UPGRADES.iter().filter(|(from, _)| *from >= found) {
                db.execute_batch(sql)?;
            }
        }
        db.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
        Ok(())
    };
    match steps() {
        Ok(()) => Ok(db.execute_batch("COMMIT")?),
        Err(error) => {
            db.execute_batch("ROLLBACK")?;
            Err(error)
        }
    }
}

fn first_key(db: &Connection, clock: &Clock, dice: &Dice) -> Result<(), StoreError> {
    let sql = "INSERT INTO signing_key (secret, made_at) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM signing_key)";
    let exists: bool = db.query_row("SELECT EXISTS (SELECT 1 FROM signing_key)", [], |row| row.get(0))?;
    if !exists {
        db.execute(sql, (dice.key(), clock.now().0))?;
    }
    Ok(())
}
