//! A database of an earlier version, opened by this one.

use postdesk::clock::{Clock, Dice};
use postdesk::store::{Store, schema};
use rusqlite::Connection;
use std::path::Path;

/// What each earlier version made a new file from.
const EARLIER: &[(i64, &str)] = &[(1, include_str!("../schemas/1.sql"))];

/// Tables with their columns, foreign keys and indexes, as SQLite sees them: `ALTER TABLE` writes other words than
/// `schema.sql` for the same thing.
fn structure(db: &Connection) -> Vec<String> {
    let sql = "SELECT m.name || ' ' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || coalesce(c.dflt_value, '-') || ' ' || c.pk
               FROM sqlite_schema AS m JOIN pragma_table_xinfo(m.name) AS c WHERE m.type = 'table'
               UNION ALL SELECT m.name || ' -> ' || f.\"table\" || '.' || f.\"to\" || ' ' || f.\"from\"
               FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'
               UNION ALL SELECT coalesce(sql, name) FROM sqlite_schema WHERE type <> 'table' ORDER BY 1";
    let mut statement = db.prepare(sql).unwrap();
    statement.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn open(path: &Path) -> Connection {
    drop(Store::open(path, &Clock::real(), &Dice::from_seed(1)).unwrap());
    Connection::open(path).unwrap()
}

#[test]
fn an_upgraded_database_has_the_schema_of_a_new_one() {
    assert_eq!(EARLIER.len() as i64, schema::VERSION - 1, "each earlier version has its schema here");
    let dir = tempfile::TempDir::new().unwrap();
    let new = structure(&open(&dir.path().join("new.db")));
    for (version, text) in EARLIER {
        let path = dir.path().join(format!("{version}.db"));
        let old = Connection::open(&path).unwrap();
        old.execute_batch(text).unwrap();
        old.execute_batch(&format!(
            "PRAGMA user_version = {version};
             INSERT INTO outgoing_body (size, packing, bytes) VALUES (4, 'none', X'686F6C61')"
        ))
        .unwrap();
        drop(old);
        let upgraded = open(&path);
        assert_eq!(structure(&upgraded), new, "version {version}");
        let kept: String =
            upgraded.query_row("SELECT CAST(bytes AS TEXT) FROM outgoing_body", [], |r| r.get(0)).unwrap();
        assert_eq!(kept, "hola");
        let found: i64 = upgraded.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
        assert_eq!(found, schema::VERSION);
    }
}
