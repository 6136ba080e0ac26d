//! What is kept: one SQLite file. The only user of rusqlite.
//!
//! `schema` makes and opens the file, `writer` owns the one connection that writes, `commit` is THE write (a decision
//! with its mail, its consequences and the new position), `facts` and `read` are queries, `outbox` the life of outgoing
//! mail, `verify` checks every promise that a query can check. Knows no IMAP, SMTP or template.

pub mod read;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused: disk full, I/O error, locked, corrupt.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was made by a newer Postdesk.
    #[error(
        "the database has version {found}, this Postdesk knows version {known}: install the newer Postdesk"
    )]
    Newer {
        /// In the file.
        found: i64,
        /// In this program.
        known: i64,
    },
    /// A row holds what the code does not know.
    #[error("the database holds an unknown {what} {found:?}")]
    Unknown {
        /// Which column.
        what: &'static str,
        /// Its value.
        found: String,
    },
    /// Stored bytes could not be unpacked.
    #[error("stored bytes could not be unpacked: {0}")]
    Unpack(#[from] std::io::Error),
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
}
