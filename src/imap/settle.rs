//! Telling the server that mails are done with: moved, flagged or deleted. Each way can be repeated after a lost
//! connection; the worst that comes of it is a second copy in the folder of what is done.

use super::error::ImapError;
use super::{Session, text, uids};
use crate::config::After;
use std::collections::BTreeSet;

impl Session {
    /// Does with `done` what the admin wants. A UID that is gone already is passed over.
    pub async fn settle(&mut self, done: &[u32], after: &After) -> Result<(), ImapError> {
        if *after == After::Keep {
            return Ok(());
        }
        if self.selected.as_ref().is_none_or(|state| state.read_only) {
            return Err(ImapError::Refused {
                command: "STORE",
                text: "the folder is open for reading only".to_owned(),
                code: "READ-ONLY".to_owned(),
                bad: false,
            });
        }
        for (set, held) in uids::sets(done) {
            match after {
                After::Move(folder) => self.move_set(&set, &held, folder).await?,
                After::Flag => self.flag_set(&set).await?,
                After::Delete => self.delete_set(&set, &held).await?,
                After::Keep => {}
            }
        }
        Ok(())
    }

    async fn move_set(&mut self, set: &str, held: &[u32], folder: &str) -> Result<(), ImapError> {
        match self.move_once(set, held, folder).await {
            // Somebody removed the folder since it was made sure of.
            Err(ImapError::Refused { code, .. }) if code == "TRYCREATE" || code == "NONEXISTENT" => {
                self.forget_folder(folder);
                self.move_once(set, held, folder).await
            }
            other => other,
        }
    }

    async fn move_once(&mut self, set: &str, held: &[u32], folder: &str) -> Result<(), ImapError> {
        let target = text::folder(&self.ensure_folder(folder).await?);
        if self.offers("MOVE") {
            return self.run("UID MOVE", &format!("UID MOVE {set} {target}"), |_| ()).await;
        }
        self.run("UID COPY", &format!("UID COPY {set} {target}"), |_| ()).await?;
        self.delete_set(set, held).await
    }

    async fn flag_set(&mut self, set: &str) -> Result<(), ImapError> {
        if self.selected.as_ref().is_some_and(|state| state.keyword) {
            let line = format!("UID STORE {set} +FLAGS.SILENT (\\Seen $Postdesk)");
            match self.run("UID STORE", &line, |_| ()).await {
                // Keywords are a gift of the server (RFC 3501 2.3.2); ask for no more in this folder.
                Err(ImapError::Refused { .. }) => {
                    if let Some(state) = &mut self.selected {
                        state.keyword = false;
                    }
                }
                other => return other,
            }
        }
        self.run("UID STORE", &format!("UID STORE {set} +FLAGS.SILENT (\\Seen)"), |_| ()).await
    }

    /// Deletes exactly these: with UIDPLUS by name (RFC 4315); without it EXPUNGE takes all that is flagged, so it is
    /// sent only when nobody else's mail is. Else ours stay flagged, hidden by every client, until somebody expunges.
    async fn delete_set(&mut self, set: &str, held: &[u32]) -> Result<(), ImapError> {
        let flag = format!("UID STORE {set} +FLAGS.SILENT (\\Deleted)");
        self.run("UID STORE", &flag, |_| ()).await?;
        if self.offers("UIDPLUS") {
            return self.run("UID EXPUNGE", &format!("UID EXPUNGE {set}"), |_| ()).await;
        }
        let ours: BTreeSet<u32> = held.iter().copied().collect();
        if self.deleted().await?.iter().all(|uid| ours.contains(uid)) {
            self.run("EXPUNGE", "EXPUNGE", |_| ()).await?;
        }
        Ok(())
    }
}
