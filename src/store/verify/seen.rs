//! What the messages say of the mails they came in. There is no index from a mail to its message (every mail would pay for
//! it), so the messages are read once and a byte is kept of each mail.

use rusqlite::Connection;
use std::collections::HashMap;

use crate::store::StoreError;

/// The mail is a message.
pub(super) const MESSAGE: u8 = 1;
/// The mail is more than one message.
pub(super) const TWICE: u8 = 2;
/// The mail is an internal note.
pub(super) const NOTE: u8 = 4;
/// The mail is an internal note that did not open its ticket.
pub(super) const LATER_NOTE: u8 = 8;

/// All messages, their mails, and whether they are notes, later notes, and known to the search.
pub(super) const SQL: &str = "SELECT id, mail_id, internal,
         CASE WHEN internal THEN id > (SELECT min(id) FROM message AS first WHERE first.ticket_id = message.ticket_id) ELSE 0 END,
         EXISTS (SELECT 1 FROM search_docsize WHERE search_docsize.id = message.id)
       FROM message NOT INDEXED ORDER BY id";

/// Mails of one block.
const BLOCK: i64 = 1 << 16;

/// Marks of mails, by id. Blocks, so that a damaged file with an id beyond all bounds costs one block and not all memory.
#[derive(Default)]
pub(super) struct Seen {
    blocks: HashMap<i64, Vec<u8>>,
}

impl Seen {
    /// Adds `marks` to those of `mail`; [`MESSAGE`] for the second time is [`TWICE`] too.
    pub(super) fn add(&mut self, mail: i64, marks: u8) {
        let block = self.blocks.entry(mail.div_euclid(BLOCK)).or_insert_with(|| vec![0; 1 << 16]);
        let place = usize::try_from(mail.rem_euclid(BLOCK)).unwrap_or(0);
        if let Some(known) = block.get_mut(place) {
            let again = if *known & marks & MESSAGE == 0 { 0 } else { TWICE };
            *known |= marks | again;
        }
    }

    /// The marks of `mail`.
    pub(super) fn of(&self, mail: i64) -> u8 {
        let block = self.blocks.get(&mail.div_euclid(BLOCK));
        let place = usize::try_from(mail.rem_euclid(BLOCK)).unwrap_or(0);
        block.and_then(|block| block.get(place)).copied().unwrap_or(0)
    }
}

/// Reads all messages. Calls `unsearchable` with the id of each that the search does not know.
pub(super) fn read(db: &Connection, mut unsearchable: impl FnMut(i64)) -> Result<Seen, StoreError> {
    let mut statement = db.prepare(SQL)?;
    let mut rows = statement.query([])?;
    let mut seen = Seen::default();
    while let Some(row) = rows.next()? {
        if !row.get::<_, bool>(4)? {
            unsearchable(row.get(0)?);
        }
        if let Some(mail) = row.get::<_, Option<i64>>(1)? {
            let note = if row.get(2)? { NOTE } else { 0 };
            let later = if row.get::<_, Option<bool>>(3)?.unwrap_or(false) { LATER_NOTE } else { 0 };
            seen.add(mail, MESSAGE | note | later);
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_kept_of_each_mail_apart_however_far() {
        let mut seen = Seen::default();
        for mail in [0, 1, 65_535, 65_536, i64::MAX, i64::MIN] {
            assert_eq!(seen.of(mail), 0, "{mail}");
            seen.add(mail, MESSAGE);
            assert_eq!(seen.of(mail), MESSAGE, "{mail}");
        }
        seen.add(1, MESSAGE | NOTE);
        assert_eq!(seen.of(1), MESSAGE | TWICE | NOTE);
        assert_eq!(seen.of(2), 0);
        assert_eq!(seen.blocks.len(), 4);
    }
}
