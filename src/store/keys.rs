//! Signing keys: the newest signs, retired ones verify until they expire.

use super::StoreError;
use crate::clock::Timestamp;
use crate::mail::token::{Key, Keys};
use rusqlite::Connection;

/// The keys in force at `now`, newest first. `valid_secs` is how long a retired key still verifies.
pub fn load(db: &Connection, now: Timestamp, valid_secs: i64) -> Result<Keys, StoreError> {
    let sql =
        "SELECT id, secret FROM signing_key WHERE retired_at IS NULL OR retired_at > ?1 ORDER BY id DESC";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement
        .query_map([now.plus(-valid_secs).0], |row| Ok(Key { id: row.get(0)?, secret: row.get(1)? }))?;
    Ok(Keys(rows.collect::<Result<_, _>>()?))
}

/// Retires the key in force and makes `secret` the new one; returns its number.
pub fn rotate(db: &Connection, secret: [u8; 32], now: Timestamp) -> Result<i64, StoreError> {
    db.execute("UPDATE signing_key SET retired_at = ?1 WHERE retired_at IS NULL", [now.0])?;
    db.execute("INSERT INTO signing_key (secret, made_at) VALUES (?1, ?2)", (secret, now.0))?;
    Ok(db.last_insert_rowid())
}
