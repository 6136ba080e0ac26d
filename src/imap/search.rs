//! Which mails there are, and how large.

use super::error::ImapError;
use super::response::Response;
use super::{Session, uids};
use std::collections::BTreeSet;

/// Messages asked about in one SEARCH, so that no answer line grows with the folder.
pub const WINDOW: u32 = 10_000;

impl Session {
    /// The UIDs in the open folder from `from` on, in order. Never by flag or date: people read mail too, and clocks
    /// are wrong.
    ///
    /// Asked in windows of sequence numbers from the newest down: a mail that somebody expunges meanwhile shifts the
    /// others downwards, into a window still to come or the same one, so none is missed.
    pub async fn uids(&mut self, from: u32) -> Result<Vec<u32>, ImapError> {
        let Some(state) = &mut self.selected else {
            return Err(ImapError::Protocol("no folder is open".to_owned()));
        };
        state.news = false;
        let mut high = state.exists;
        let mut found = BTreeSet::new();
        while high > 0 {
            let low = high.saturating_sub(WINDOW).saturating_add(1);
            let before = self.exists();
            let line = format!("UID SEARCH {low}:{high} UID {}:*", from.max(1));
            let mut count = 0_usize;
            self.run("UID SEARCH", &line, |response| {
                if let Response::Search(uids) = response {
                    // `9:*` names the last mail even when its UID is below 9 (RFC 3501 6.4.8).
                    let wanted = uids.into_iter().filter(|uid| *uid >= from && *uid > 0);
                    let size = found.len();
                    found.extend(wanted);
                    count = count.saturating_add(found.len().saturating_sub(size));
                }
            })
            .await?;
            let shifted = self.exists() < before;
            if count == 0 && !shifted && from > 1 {
                break;
            }
            high = low.saturating_sub(1).min(self.exists());
        }
        Ok(found.into_iter().collect())
    }

    fn exists(&self) -> u32 {
        self.selected.as_ref().map_or(0, |state| state.exists)
    }

    /// Sizes in bytes as the server has them, for those of `uids` that are there.
    pub async fn sizes(&mut self, wanted: &[u32]) -> Result<Vec<(u32, u64)>, ImapError> {
        let mut sizes = Vec::new();
        for (set, held) in uids::sets(wanted) {
            let mut garbled = false;
            self.run("UID FETCH", &format!("UID FETCH {set} (UID RFC822.SIZE)"), |response| match response {
                Response::Fetch(fetched) => {
                    if let (Some(uid), Some(size)) = (fetched.uid, fetched.size) {
                        sizes.extend(held.binary_search(&uid).is_ok().then_some((uid, size)));
                    }
                }
                Response::Garbled => garbled = true,
                _ => {}
            })
            .await?;
            if garbled {
                return Err(ImapError::Protocol("a FETCH that cannot be read".to_owned()));
            }
        }
        sizes.sort_unstable();
        sizes.dedup_by_key(|(uid, _)| *uid);
        Ok(sizes)
    }

    /// UIDs of mails flagged as deleted.
    pub(super) async fn deleted(&mut self) -> Result<Vec<u32>, ImapError> {
        let mut found = Vec::new();
        self.run("UID SEARCH", "UID SEARCH DELETED", |response| {
            if let Response::Search(uids) = response {
                found.extend(uids);
            }
        })
        .await?;
        Ok(found)
    }
}
