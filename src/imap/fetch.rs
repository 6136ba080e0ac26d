//! Mails themselves, streamed: one is in memory at a time, however many are asked for.

use super::error::ImapError;
use super::response::{Fetched, Response};
use super::wire::Budget;
use super::{ANSWER_MAX, Session, uids};
use std::collections::BTreeSet;
use tokio::sync::mpsc::Sender;

impl Session {
    /// Sends the bytes of each of `wanted` to `sink` as it arrives, without marking it as read, and gives the UIDs
    /// that are no longer there: known only once the server has said that this was all.
    ///
    /// A mail larger than `max_bytes` ends the session with [`ImapError::TooLarge`], for its bytes are on their way
    /// already; ask [`Session::sizes`] first. When the receiver is gone the rest is read and dropped.
    pub async fn fetch(
        &mut self,
        wanted: &[u32],
        max_bytes: u64,
        sink: &Sender<(u32, Vec<u8>)>,
    ) -> Result<Vec<u32>, ImapError> {
        let mut gone = Vec::new();
        for (set, held) in uids::sets(wanted) {
            let mut missing: BTreeSet<u32> = held.into_iter().collect();
            self.fetch_set(&set, &mut missing, max_bytes, sink).await?;
            gone.extend(missing);
        }
        Ok(gone)
    }

    async fn fetch_set(
        &mut self,
        set: &str,
        missing: &mut BTreeSet<u32>,
        max_bytes: u64,
        sink: &Sender<(u32, Vec<u8>)>,
    ) -> Result<(), ImapError> {
        let budget = Budget {
            what: "UID FETCH",
            time: self.waits.mail,
            stall: self.waits.stall,
            bytes: ANSWER_MAX.saturating_add(max_bytes),
            literal: max_bytes,
        };
        let tag = self.begin(budget)?;
        self.wire.send(format!("{tag} UID FETCH {set} (UID BODY.PEEK[])\r\n").as_bytes()).await?;
        loop {
            match self.next().await? {
                // Not asked for, or sent twice: passed over.
                Response::Fetch(Fetched { uid: Some(uid), body: Some(body), .. }) if missing.remove(&uid) => {
                    let _ = sink.send((uid, body)).await;
                    // Time spent by the receiver is not the server's.
                    self.wire.allow(budget);
                }
                Response::Fetch(Fetched { uid: None, body: Some(_), .. }) | Response::Garbled => {
                    return Err(ImapError::Protocol("a FETCH that cannot be read".to_owned()));
                }
                Response::Tagged { tag: theirs, status, text } if theirs == tag => {
                    return self.end("UID FETCH", status, text);
                }
                _ => {}
            }
        }
    }
}
