//! The words of messages, for searching. Brought up once a transaction, in it, and not once a message: the full-text
//! index writes what it holds in memory to its tables whenever a savepoint is opened, and every mail has one.

use super::StoreError;
use rusqlite::Connection;

/// Most bytes of a message's text that can be searched.
const SEARCHED_MAX_BYTES: usize = 64 * 1024;

/// Puts messages into the index that are newer than the newest in it.
pub(super) fn bring_up(db: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT message.id, subject, author || ' ' || author_name, text
               FROM message JOIN ticket ON ticket.id = ticket_id
               WHERE message.id > (SELECT coalesce(max(id), 0) FROM search_docsize) ORDER BY message.id";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, subject, people): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        let sql = "INSERT INTO search (rowid, subject, people, text) VALUES (?1, ?2, ?3, ?4)";
        db.prepare_cached(sql)?.execute((id, subject, people, capped(text)))?;
    }
    Ok(())
}

fn capped(text: &str) -> &str {
    let mut end = text.len().min(SEARCHED_MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}
