//! Mails from the wire into the store's hands, within a bound of memory.

use super::{Intake, IntakeError, Open};
use crate::config::{Config, Mailbox};
use crate::imap::ImapError;
use crate::loops::filing::{self, Delivery, Outcome};
use crate::store::StoreError;
use crate::store::commit::Origin;
use futures::stream::{FuturesOrdered, StreamExt};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::{JoinError, JoinHandle};

/// Mails being read and packed at once, beside the one on the wire.
const READ_AT_ONCE: usize = 3;

/// What mails that were read and are not on the disk yet may hold in memory at once, in KiB; a larger mail goes alone.
pub(super) const MEMORY_KIB: u32 = 6 * 1024;

/// A mail is there twice: as it came, and packed.
const COPIES: usize = 2;

type Reading = JoinHandle<(u32, Delivery, Option<OwnedSemaphorePermit>)>;

/// A mail on its way to the disk.
pub(super) type Filing = JoinHandle<Result<Outcome, StoreError>>;

impl Intake {
    /// Fetches a batch. Where the server refuses it, each mail is asked for alone, so that one the server cannot give
    /// does not keep back the others; that one is asked for again over the next connection.
    pub(super) async fn fetch_or_singly(
        &self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        wanted: &[(u32, u64)],
    ) -> Result<Vec<(u32, Filing)>, IntakeError> {
        match self.fetch(config, mailbox, open, wanted).await {
            Err(IntakeError::Imap(ImapError::Refused { .. })) => {}
            Err(IntakeError::Imap(ImapError::TooLarge { uid, size })) if uid != 0 => {
                // It was larger than the server had said. Recorded, or it would end every connection from now on.
                self.shared.refuse(self.origin(config, mailbox, open.uidvalidity, uid), size).await?;
                return Err(ImapError::TooLarge { uid, size }.into());
            }
            other => return other,
        }
        let mut filing = Vec::new();
        for (uid, size) in wanted {
            match self.fetch(config, mailbox, open, &[(*uid, *size)]).await {
                Ok(one) => filing.extend(one),
                Err(IntakeError::Imap(error @ ImapError::Refused { .. })) => self.not_given(*uid, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(filing)
    }

    /// Fetches mails and hands them in as they arrive, in order. What is returned is still on its way to the disk.
    async fn fetch(
        &self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        wanted: &[(u32, u64)],
    ) -> Result<Vec<(u32, Filing)>, IntakeError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let uids: Vec<u32> = wanted.iter().map(|(uid, _)| *uid).collect();
        let (sink, mut source) = mpsc::channel::<(u32, Vec<u8>)>(1);
        let uidvalidity = open.uidvalidity;
        let fetched = async move {
            let gone = open.session.fetch(&uids, config.limits.mail_max_bytes, &sink).await;
            drop(sink);
            gone
        };
        let filed = async {
            let mut reading = FuturesOrdered::new();
            let mut filing: Vec<(u32, Filing)> = Vec::new();
            loop {
                tokio::select! {
                    mail = source.recv(), if reading.len() < READ_AT_ONCE => {
                        let Some((uid, raw)) = mail else { break };
                        // Servers are wrong about sizes, but nothing at all is no mail: it would be filed as one, and moved.
                        if raw.is_empty() && !wanted.contains(&(uid, 0)) {
                            self.not_given(uid, &"it gives nothing, for a mail that it says has a size");
                            continue;
                        }
                        let mut room = pin!(self.room(raw.len()));
                        // Mails that were read hold memory until they are handed in: that goes on meanwhile.
                        let room = loop {
                            tokio::select! {
                                room = &mut room => break room,
                                Some(read) = reading.next(), if !reading.is_empty() => filing.extend(self.hand_in(read)),
                            }
                        };
                        let origin = self.origin(config, mailbox, uidvalidity, uid);
                        reading.push_back(read(mailbox, origin, raw, room));
                    },
                    Some(read) = reading.next(), if !reading.is_empty() => filing.extend(self.hand_in(read)),
                }
            }
            while let Some(read) = reading.next().await {
                filing.extend(self.hand_in(read));
            }
            filing
        };
        let (gone, filing) = tokio::join!(fetched, filed);
        for uid in gone? {
            self.absent(uid);
        }
        Ok(filing)
    }

    /// Waits until there is memory for a mail of `size` bytes.
    async fn room(&self, size: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(size / 1024 * COPIES).unwrap_or(MEMORY_KIB).clamp(1, MEMORY_KIB);
        // The semaphore is never closed.
        Arc::clone(&self.memory).acquire_many_owned(wanted).await.ok()
    }

    /// Hands a mail that was read to the store. `None` when reading it brought its thread down: it is not in the ledger
    /// then, and is found again over the next connection.
    fn hand_in(
        &self,
        read: Result<(u32, Delivery, Option<OwnedSemaphorePermit>), JoinError>,
    ) -> Option<(u32, Filing)> {
        let (uid, delivery, permit) = read.ok()?;
        let filed = self.shared.file(delivery);
        // A task of its own: its memory must be given back when it is on the disk, and not only when somebody asks for
        // the outcome, which nobody does before the batch has been fetched.
        let task = tokio::spawn(async move {
            let outcome = filed.await;
            drop(permit);
            outcome
        });
        Some((uid, task))
    }
}

/// Reads and packs a mail on a thread where that may block.
fn read(mailbox: &Mailbox, origin: Origin, raw: Vec<u8>, room: Option<OwnedSemaphorePermit>) -> Reading {
    let authserv_id = mailbox.authserv_id.clone();
    tokio::task::spawn_blocking(move || (origin.uid, filing::receive(origin, authserv_id, raw), room))
}
