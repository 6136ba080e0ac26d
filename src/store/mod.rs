//! What is kept: one SQLite file. The only user of rusqlite.
//!
//! `schema` makes and opens the file, `writer` owns the one connection that writes, `commit` is THE write (a decision
//! with its mail, its consequences and the new position), `facts` and `read` are queries, `outbox` the life of outgoing
//! mail, `verify` checks every promise that a query can check. Knows no IMAP, SMTP or template.

pub mod schema;
pub mod writer;
pub mod pack;
pub mod facts;
pub mod asked;
pub mod commit;
mod apply;
mod index;
mod log;
pub mod outbox;
pub mod read;
pub mod ledger;
pub mod lists;
pub mod orphans;
pub mod backup;
pub mod keys;
pub mod tidy;
pub mod gauges;
pub mod verify;

pub use rusqlite::Connection;
pub use writer::Store;

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
    /// The transaction that held this write could not be committed; nothing of it was kept.
    #[error("the database could not commit: {0}")]
    Commit(String),
    /// The write panicked; nothing of it was kept.
    #[error("a fault in Postdesk itself: {0}")]
    Panic(String),
    /// The write asked for something that is not there.
    #[error("{0}")]
    Missing(String),
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the file holds what SQLite cannot read.
    fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) = self else { return false };
        matches!(error.code, DatabaseCorrupt | NotADatabase)
    }

    /// Whether the file, the disk or a lock is at fault rather than this one write: the loop must stop and wait.
    pub fn is_of_the_disk(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => !matches!(
                error.code,
                Code::ConstraintViolation
                    | Code::TypeMismatch
                    | Code::TooBig
                    | Code::ParameterOutOfRange
                    | Code::ApiMisuse
            ),
            Self::Commit(_) | Self::Closed | Self::Newer { .. } => true,
            Self::Sqlite(_) | Self::Unknown { .. } | Self::Unpack(_) | Self::Panic(_) | Self::Missing(_) => {
                false
            }
        }
    }
}
