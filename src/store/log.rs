//! Bringing the write-ahead log into the file, on a thread beside the writer: it is a quarter of the work of a backlog,
//! and nobody need wait for it.

use super::{StoreError, schema};
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// So long the log grows before it is worth the trouble, in pages.
const LONG_PAGES: i64 = 2000;

/// The thread that does so. Ends with this.
pub(super) struct Log {
    bell: Option<SyncSender<()>>,
}

impl Log {
    /// For the file at `path`.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        if path == Path::new(schema::IN_MEMORY) {
            return Ok(Self { bell: None });
        }
        let (bell, rung) = sync_channel(1);
        let path = path.to_owned();
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || serve(&path, &rung));
        thread.map_err(StoreError::Unpack)?;
        Ok(Self { bell: Some(bell) })
    }

    /// Has the log brought into the file if it has grown long.
    pub(super) fn look(&self, db: &Connection) {
        let Some(bell) = &self.bell else { return };
        // NOOP does nothing but count.
        let pages = db.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, i64>(1));
        if pages.is_ok_and(|pages| pages >= LONG_PAGES) {
            // When it has been rung already, the thread is at it.
            let _ = bell.try_send(());
        }
    }
}

fn serve(path: &Path, rung: &Receiver<()>) {
    let mut open = None;
    while rung.recv().is_ok() {
        if open.is_none() {
            open = schema::open_existing(path).ok();
        }
        let Some(db) = &open else { continue };
        // PASSIVE waits for nobody. What fails here the writer meets itself when the log has become too long.
        let done = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
        if let Err(error) = done {
            tracing::debug!("the write-ahead log could not be brought into the file: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_gone_is_not_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("desk.db");
        let (bell, rung) = sync_channel(2);
        bell.send(()).unwrap();
        bell.send(()).unwrap();
        drop(bell);
        serve(&path, &rung);
        assert!(!path.exists());
    }
}
