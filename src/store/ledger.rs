//! The ledger of UIDs: what each mailbox has been read up to, which UIDs are accounted for, and of which the server
//! has been told.

use super::StoreError;
use super::commit::Origin;
use crate::clock::Timestamp;
use crate::desk::decision::Disposition;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashSet};

/// Where the reading of `mailbox` stands: UIDVALIDITY and the first UID not looked at.
pub fn position(db: &Connection, mailbox: &str) -> Result<Option<(u32, u32)>, StoreError> {
    let sql = "SELECT uidvalidity, next_uid FROM mailbox WHERE name = ?1";
    Ok(db.prepare_cached(sql)?.query_row([mailbox], |r| Ok((r.get(0)?, r.get(1)?))).optional()?)
}

/// Moves the position of `mailbox`.
pub fn set_position(
    db: &Connection,
    mailbox: &str,
    uidvalidity: u32,
    next_uid: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO mailbox (name, uidvalidity, next_uid, checked_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (name) DO UPDATE SET uidvalidity = ?2, next_uid = ?3, checked_at = ?4";
    db.prepare_cached(sql)?.execute((mailbox, uidvalidity, next_uid, now.0))?;
    Ok(())
}

/// One UID's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The UID.
    pub uid: u32,
    /// Its disposition.
    pub disposition: Disposition,
    /// Whether the server has been told.
    pub settled: bool,
    /// Bytes, as they were counted or announced.
    pub size: u64,
}

/// The account of `uid`, if it has one.
pub fn account(
    db: &Connection,
    mailbox: &str,
    uidvalidity: u32,
    uid: u32,
) -> Result<Option<Account>, StoreError> {
    let sql = "SELECT disposition, settled_at IS NOT NULL, size FROM mail WHERE mailbox = ?1 AND uidvalidity = ?2 AND uid = ?3";
    let row = db.prepare_cached(sql)?.query_row((mailbox, uidvalidity, uid), |r| {
        Ok((r.get::<_, String>(0)?, r.get(1)?, r.get::<_, i64>(2)?))
    });
    let Some((word, settled, size)) = row.optional()? else { return Ok(None) };
    let disposition =
        Disposition::from_word(&word).ok_or(StoreError::Unknown { what: "disposition", found: word })?;
    Ok(Some(Account { uid, disposition, settled, size: u64::try_from(size).unwrap_or(0) }))
}

/// Records that the server has been told about these UIDs: never earlier than they came, though the clock be set back.
pub fn set_settled(
    db: &Connection,
    mailbox: &str,
    uidvalidity: u32,
    uids: &[u32],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE mail SET settled_at = max(received_at, ?4) WHERE mailbox = ?1 AND uidvalidity = ?2 AND uid = ?3 AND settled_at IS NULL";
    let mut statement = db.prepare_cached(sql)?;
    for uid in uids {
        statement.execute((mailbox, uidvalidity, uid, now.0))?;
    }
    Ok(())
}

/// The ids of mails of `mailbox` that the server was not told of, so far as is known, and that it no longer has: they
/// are not among `present`, the UIDs of the whole folder, or the folder was renumbered since. A program that was killed
/// between the server's deed and its own note of it leaves such rows.
pub fn gone(
    db: &Connection,
    mailbox: &str,
    uidvalidity: u32,
    present: &[u32],
) -> Result<Vec<i64>, StoreError> {
    // Of ten years' mails these are the few that matter; SQLite by itself would walk through the mailbox's whole ledger.
    let sql = "SELECT id, uidvalidity, uid FROM mail INDEXED BY mail_untold
               WHERE mailbox = ?1 AND settled_at IS NULL AND uidvalidity > 0 AND disposition <> 'refused'";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([mailbox])?;
    let present: HashSet<u32> = present.iter().copied().collect();
    let mut gone = Vec::new();
    while let Some(row) = rows.next()? {
        let (validity, uid): (u32, u32) = (row.get(1)?, row.get(2)?);
        if validity != uidvalidity || !present.contains(&uid) {
            gone.push(row.get(0)?);
        }
    }
    Ok(gone)
}

/// Records that the server needs to be told nothing more of these mails.
pub fn set_gone(db: &Connection, ids: &[i64], now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE mail SET settled_at = max(received_at, ?2) WHERE id = ?1 AND settled_at IS NULL";
    let mut statement = db.prepare_cached(sql)?;
    ids.iter().try_for_each(|id| statement.execute((id, now.0)).map(|_| ()))?;
    Ok(())
}

/// How many UIDs of `mailbox` under `uidvalidity` have an account, by disposition. One walk through the table, counted
/// here: by the index of UIDs each row would be looked up, and SQLite would sort all of them in memory to group them.
pub fn counts(db: &Connection, mailbox: &str, uidvalidity: u32) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT disposition FROM mail NOT INDEXED WHERE mailbox = ?1 AND uidvalidity = ?2";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query((mailbox, uidvalidity))?;
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let word = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => _ = counts.insert(word.to_owned(), 1),
        }
    }
    Ok(counts.into_iter().collect())
}

/// Where a mail came from that may be decided anew: one that is held if `held`, else one that was set aside.
pub fn origin(db: &Connection, mail_id: i64, held: bool) -> Result<Origin, StoreError> {
    let sql = "SELECT mailbox, uidvalidity, uid, queue FROM mail WHERE id = ?1 AND disposition = ?2";
    let word = if held { Disposition::Held } else { Disposition::Quarantined }.word();
    let read = |r: &rusqlite::Row<'_>| {
        Ok(Origin { mailbox: r.get(0)?, uidvalidity: r.get(1)?, uid: r.get(2)?, queue: r.get(3)? })
    };
    let found = db.prepare_cached(sql)?.query_row((mail_id, word), read).optional()?;
    found.ok_or_else(|| StoreError::Missing(format!("mail {mail_id} is not {word}")))
}
