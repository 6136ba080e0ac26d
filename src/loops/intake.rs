//! One mailbox: find what is not in the ledger, fetch, file, and only after the commit tell the server.
//!
//! Mail is found by UID against the ledger, never by `\Seen` or date. Mails are fetched in batches; while one batch is
//! being committed the next is on its way, and the server is told of each batch when all of it is on the disk.

use super::alarm::Outage;
use super::filing::{self, Delivery, Outcome};
use super::shared::{Shared, stopped};
use crate::address::without_addresses;
use crate::config::{After, Config, Mailbox};
use crate::desk::decision::Disposition;
use crate::imap::{ImapError, Session};
use crate::net::Dial;
use crate::retry::CONNECT;
use crate::store::commit::Origin;
use crate::store::{StoreError, ledger};
use futures::stream::{FuturesOrdered, StreamExt};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinHandle};

/// Mails being read and packed at once, beside the one on the wire.
const READ_AT_ONCE: usize = 4;

/// What mails that were read and are not on the disk yet may hold in memory at once, in KiB; a larger mail goes alone.
const MEMORY_KIB: u32 = 16 * 1024;

/// A mail is there three times: as it came, packed, and its attachments encoded to go out again.
const COPIES: usize = 3;

/// Why a step ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The server.
    #[error(transparent)]
    Imap(#[from] ImapError),
    /// The database: nothing was moved.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mailbox or its queue is no longer configured.
    #[error("mailbox {0} is no longer in the configuration")]
    Unconfigured(String),
}

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Mails filed.
    pub filed: usize,
    /// Mails found in the ledger already, of which the server was told now.
    pub settled: usize,
}

/// The loop of one mailbox.
pub struct Intake {
    shared: Shared,
    name: String,
    dial: Arc<dyn Dial>,
    memory: Arc<Semaphore>,
    session: Option<Open>,
    failures: u32,
    outage: Outage,
}

/// A connection with the folder open.
struct Open {
    session: Session,
    uidvalidity: u32,
    /// UIDs from here on have not been looked at over this connection.
    next_uid: u32,
}

type Reading = JoinHandle<(u32, Delivery, Option<OwnedSemaphorePermit>)>;

/// A mail on its way to the disk.
type Filing = Pin<Box<dyn Future<Output = Result<Outcome, StoreError>> + Send>>;

impl Intake {
    /// The loop of the mailbox called `name`.
    pub fn new(shared: Shared, name: &str, dial: Arc<dyn Dial>) -> Self {
        let memory = Arc::new(Semaphore::new(usize::try_from(MEMORY_KIB).unwrap_or(1)));
        Self {
            shared,
            name: name.to_owned(),
            dial,
            memory,
            session: None,
            failures: 0,
            outage: Outage::default(),
        }
    }

    /// Repeats [`Intake::step`], waiting by IDLE or by the clock, until told to stop. An error closes the connection;
    /// the next attempt waits longer each time. Finishes the batch in hand before it returns.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let waited = match self.step(&stop).await {
                Ok(_) => self.wait(&mut stop).await,
                Err(error) => Err(error),
            };
            if let Err(error) = waited {
                self.session = None;
                self.failures = self.failures.saturating_add(1);
                self.shared.counters.failed(&self.name);
                let secs = CONNECT.wait_secs(self.failures, self.shared.dice.draw());
                self.complain(&error, secs).await;
                let pause = Duration::from_secs(secs.unsigned_abs());
                tokio::select! { () = tokio::time::sleep(pause) => {}, () = stopped(&mut stop) => {} }
            }
        }
        if let Some(open) = self.session.take() {
            open.session.logout().await;
        }
    }

    async fn complain(&mut self, error: &IntakeError, secs: i64) {
        if let Err(error) = self.outage.goes_on(&self.shared, &self.name, &error.to_string()).await {
            tracing::error!("the admins could not be told of a mailbox: {error}");
        }
        let mailbox = self.name.as_str();
        match error {
            IntakeError::Store(error) => {
                tracing::error!(
                    mailbox,
                    "mailbox {mailbox}: {error}; nothing is moved on the server, next try in {secs} s"
                );
            }
            error => {
                let said = without_addresses(&error.to_string());
                tracing::warn!(mailbox, "mailbox {mailbox}: {said}; next try in {secs} s");
            }
        }
    }

    /// Takes all mail that is there and not in the ledger, and tells the server of all that is.
    pub async fn step(&mut self, stop: &watch::Receiver<bool>) -> Result<Step, IntakeError> {
        let settings = self.shared.settings();
        let mailbox = self.mailbox(&settings.config)?;
        let mut open = match self.session.take() {
            Some(mut open) => {
                // A server need not show new mail to a search before it has announced it (RFC 3501 7.4.1).
                if !open.session.has_news() {
                    open.session.noop().await?;
                }
                open
            }
            None => self.open(mailbox).await?,
        };
        let step = self.take_all(&settings.config, mailbox, &mut open, stop).await?;
        self.session = Some(open);
        self.shared.counters.looked(&self.name, self.shared.clock.now());
        self.failures = 0;
        if self.outage.is_over() {
            tracing::info!(mailbox = self.name, "mailbox {}: works again", self.name);
        }
        Ok(step)
    }

    fn mailbox<'a>(&self, config: &'a Config) -> Result<&'a Mailbox, IntakeError> {
        let found = config.mailboxes.iter().find(|mailbox| mailbox.name == self.name);
        found.ok_or_else(|| IntakeError::Unconfigured(self.name.clone()))
    }

    async fn open(&self, mailbox: &Mailbox) -> Result<Open, IntakeError> {
        let mut session =
            Session::open_with(&mailbox.server, self.dial.as_ref(), self.shared.waits.imap).await?;
        let selected = session.select(&mailbox.folder).await?;
        let (name, uidvalidity) = (self.name.clone(), selected.uidvalidity);
        let before = self.shared.readers.ask(move |reader| ledger::position(reader.db(), &name)).await?;
        if let Some((old, _)) = before.filter(|(old, _)| *old != uidvalidity) {
            tracing::warn!(
                mailbox = self.name,
                "mailbox {}: UIDVALIDITY changed from {old} to {uidvalidity}; comparing by content",
                self.name
            );
        }
        // A new connection looks at the whole folder once: what a crash left half done is found again.
        let mut open = Open { session, uidvalidity, next_uid: 1 };
        if mailbox.is_sent {
            open.next_uid = match before.filter(|(old, _)| *old == uidvalidity) {
                Some((_, next_uid)) => next_uid,
                None => self.first_sight(&mut open, selected.uidnext).await?,
            };
        }
        Ok(open)
    }

    /// Where the reading of sent mail begins: what lies there already was sent before anybody asked for it to be filed.
    /// From then on the position, which moves only over what is in the ledger, says where to go on.
    async fn first_sight(&self, open: &mut Open, uidnext: u32) -> Result<u32, IntakeError> {
        open.next_uid = match uidnext {
            0 => open.session.uids(1).await?.last().map_or(1, |last| last.saturating_add(1)),
            uidnext => uidnext,
        };
        self.note_position(open).await?;
        Ok(open.next_uid)
    }

    async fn take_all(
        &self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        stop: &watch::Receiver<bool>,
    ) -> Result<Step, IntakeError> {
        let uids = open.session.uids(open.next_uid).await?;
        if open.next_uid == 1 && !mailbox.is_sent {
            self.settle_gone(open.uidvalidity, &uids).await?;
        }
        let Some(last) = uids.last().copied() else { return Ok(Step::default()) };
        // What was moved or deleted and is there all the same is told again: the server said yes and did nothing.
        let stays = mailbox.after == After::Flag;
        let (new, unsettled) = self.against_ledger(config, open.uidvalidity, uids, stays).await?;
        let mut step = Step { settled: unsettled.len(), ..Step::default() };
        self.settle(mailbox, open, &unsettled).await?;
        let mut in_hand: Option<Vec<(u32, Filing)>> = None;
        for batch in new.chunks(config.limits.batch_max.max(1)) {
            if *stop.borrow() {
                break;
            }
            let wanted = self.within_limit(config, mailbox, open, batch).await?;
            step.filed += batch.len();
            let filing = self.fetch_or_singly(config, mailbox, open, &wanted).await;
            // The batch before is settled even when this one's connection died: it may have been committed.
            if let Some(batch) = in_hand.take() {
                self.finish(mailbox, open, batch).await?;
            }
            in_hand = Some(filing?);
        }
        if let Some(batch) = in_hand.take() {
            self.finish(mailbox, open, batch).await?;
        }
        if !*stop.borrow() {
            // What the server listed and then did not give is asked for again at the next look, over this connection too.
            let (missed, _) = self.against_ledger(config, open.uidvalidity, new, true).await?;
            open.next_uid = missed.first().copied().unwrap_or(last.saturating_add(1));
            self.note_position(open).await?;
        }
        Ok(step)
    }

    /// Mails that have left the folder need no telling: it was done, and the note of it was lost, or somebody else was
    /// quicker.
    async fn settle_gone(&self, uidvalidity: u32, present: &[u32]) -> Result<(), StoreError> {
        let (name, present, now) = (self.name.clone(), present.to_vec(), self.shared.clock.now());
        let gone = self
            .shared
            .readers
            .ask(move |reader| ledger::gone(reader.db(), &name, uidvalidity, &present))
            .await?;
        if gone.is_empty() {
            return Ok(());
        }
        self.shared.store.write(move |db| ledger::set_gone(db, &gone, now)).await
    }

    /// Splits UIDs into those the ledger does not know, and those it knows but the server is to be told of. Mail that was
    /// refused counts as new when the limit has been raised since. `stays`: mail that the server was told of remains.
    async fn against_ledger(
        &self,
        config: &Config,
        uidvalidity: u32,
        uids: Vec<u32>,
        stays: bool,
    ) -> Result<(Vec<u32>, Vec<u32>), StoreError> {
        let (name, limit) = (self.name.clone(), config.limits.mail_max_bytes);
        let question = move |reader: &crate::store::read::Reader| {
            let (mut new, mut unsettled) = (Vec::new(), Vec::new());
            for uid in uids {
                match ledger::account(reader.db(), &name, uidvalidity, uid)? {
                    None => new.push(uid),
                    Some(account) if account.disposition == Disposition::Refused && account.size <= limit => {
                        new.push(uid)
                    }
                    Some(account)
                        if !(account.settled && stays) && account.disposition != Disposition::Refused =>
                    {
                        unsettled.push(uid)
                    }
                    Some(_) => {}
                }
            }
            Ok((new, unsettled))
        };
        self.shared.readers.ask(question).await
    }

    /// Asks for sizes before fetching: mail over the limit is recorded as refused and left where it is.
    async fn within_limit(
        &self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        batch: &[u32],
    ) -> Result<Vec<u32>, IntakeError> {
        let mut wanted = Vec::with_capacity(batch.len());
        for (uid, size) in open.session.sizes(batch).await? {
            if size <= config.limits.mail_max_bytes {
                wanted.push(uid);
            } else {
                self.shared.refuse(self.origin(config, mailbox, open.uidvalidity, uid), size).await?;
            }
        }
        Ok(wanted)
    }

    fn origin(&self, config: &Config, mailbox: &Mailbox, uidvalidity: u32, uid: u32) -> Origin {
        let queue = config.queues.get(mailbox.queue).map(|queue| queue.name.clone()).unwrap_or_default();
        Origin { mailbox: self.name.clone(), uidvalidity, uid, queue }
    }

    /// Fetches a batch. Where the server refuses it, each mail is asked for alone, so that one the server cannot give
    /// does not keep back the others; that one is asked for again over the next connection.
    async fn fetch_or_singly(
        &self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        wanted: &[u32],
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
        for uid in wanted {
            match self.fetch(config, mailbox, open, &[*uid]).await {
                Ok(one) => filing.extend(one),
                Err(IntakeError::Imap(error @ ImapError::Refused { .. })) => {
                    tracing::error!(
                        mailbox = self.name,
                        uid,
                        "mailbox {}: the server does not give mail {uid}: {error}",
                        self.name
                    );
                }
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
        wanted: &[u32],
    ) -> Result<Vec<(u32, Filing)>, IntakeError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let (sink, mut source) = mpsc::channel::<(u32, Vec<u8>)>(1);
        let uidvalidity = open.uidvalidity;
        let fetched = async move {
            let gone = open.session.fetch(wanted, config.limits.mail_max_bytes, &sink).await;
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
            tracing::info!(
                mailbox = self.name,
                uid,
                "mailbox {}: mail {uid} was taken away by somebody else before it was read",
                self.name
            );
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
        Some((uid, Box::pin(async move { task.await.unwrap_or(Err(StoreError::Closed)) })))
    }

    /// Waits until a batch is on the disk, then tells the server.
    async fn finish(
        &self,
        mailbox: &Mailbox,
        open: &mut Open,
        batch: Vec<(u32, Filing)>,
    ) -> Result<(), IntakeError> {
        let mut done = Vec::with_capacity(batch.len());
        let mut failed = None;
        for (uid, filing) in batch {
            match filing.await {
                Ok(_) => done.push(uid),
                Err(error) => failed = Some(error),
            }
        }
        self.settle(mailbox, open, &done).await?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Tells the server of mails that are on the disk, and remembers that it was told.
    async fn settle(&self, mailbox: &Mailbox, open: &mut Open, uids: &[u32]) -> Result<(), IntakeError> {
        if uids.is_empty() {
            return Ok(());
        }
        open.session.settle(uids, &mailbox.after).await?;
        let (name, uidvalidity, uids, now) =
            (self.name.clone(), open.uidvalidity, uids.to_vec(), self.shared.clock.now());
        Ok(self.shared.store.write(move |db| ledger::set_settled(db, &name, uidvalidity, &uids, now)).await?)
    }

    async fn note_position(&self, open: &Open) -> Result<(), StoreError> {
        let (name, uidvalidity, next_uid, now) =
            (self.name.clone(), open.uidvalidity, open.next_uid, self.shared.clock.now());
        self.shared.store.write(move |db| ledger::set_position(db, &name, uidvalidity, next_uid, now)).await
    }

    /// Waits for mail: by IDLE where that is wanted and offered, else by the clock.
    async fn wait(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), IntakeError> {
        let settings = self.shared.settings();
        let mailbox = self.mailbox(&settings.config)?;
        let Some(open) = &mut self.session else { return Ok(()) };
        let most = Duration::from_secs(mailbox.poll_secs);
        if mailbox.idle && open.session.has_idle() {
            let end = tokio::select! {
                end = open.session.idle(most) => end?,
                () = stopped(stop) => {
                    // IDLE was left half-way: the session is of no more use.
                    self.session = None;
                    return Ok(());
                }
            };
            tracing::debug!(mailbox = self.name, "IDLE ended: {end:?}");
            return Ok(());
        }
        tokio::select! { () = tokio::time::sleep(most) => {}, () = stopped(stop) => {} }
        Ok(())
    }
}

/// Reads and packs a mail on a thread where that may block.
fn read(mailbox: &Mailbox, origin: Origin, raw: Vec<u8>, room: Option<OwnedSemaphorePermit>) -> Reading {
    let authserv_id = mailbox.authserv_id.clone();
    tokio::task::spawn_blocking(move || (origin.uid, filing::receive(origin, authserv_id, raw), room))
}
