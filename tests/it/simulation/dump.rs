//! All that is left of a play, as lines: every table, what the relay took, and every command of both protocols.

use super::play::Play;
use postdesk::store::Connection;
use sha2::{Digest, Sha256};

/// Left out are the shadow tables of the search index (`search_*`): how it groups its words depends on which writes
/// shared a transaction, and so on threads. The texts in it are those of `message`.
pub fn all(play: &Play) -> Vec<String> {
    let reader = play.reader();
    let db = reader.db();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search%' ORDER BY name";
    let mut statement = db.prepare(sql).unwrap();
    let tables: Vec<String> = statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    let mut lines: Vec<String> = tables.iter().flat_map(|name| table(db, name)).collect();
    for mail in play.server.submitted() {
        lines.push(format!("submitted {} -> {} {:x?}", mail.from, mail.to, Sha256::digest(&mail.raw)));
    }
    lines.extend(play.server.commands());
    lines
}

fn table(db: &Connection, name: &str) -> Vec<String> {
    let columns: i64 =
        db.query_row("SELECT count(*) FROM pragma_table_info(?1)", [name], |r| r.get(0)).unwrap();
    let order: Vec<String> = (1..=columns).map(|n| n.to_string()).collect();
    let mut statement = db.prepare(&format!("SELECT * FROM {name} ORDER BY {}", order.join(", "))).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let cells: Vec<String> = (0..columns as usize).map(|n| cell(row.get_ref(n).unwrap())).collect();
        Ok(format!("{name}: {}", cells.join(" | ")))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

fn cell(value: rusqlite::types::ValueRef<'_>) -> String {
    match value {
        rusqlite::types::ValueRef::Blob(bytes) => {
            format!("{} bytes {:x?}", bytes.len(), Sha256::digest(bytes))
        }
        rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    }
}
