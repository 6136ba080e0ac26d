//! What is in the folder against what is in the ledger: the difference is taken, and the server is told.

use super::fetch::Filing;
use super::{Intake, IntakeError, Open, Step};
use crate::config::{After, Config, Mailbox};
use crate::desk::decision::Disposition;
use crate::imap::ImapError;
use crate::store::commit::Origin;
use crate::store::{StoreError, ledger};
use std::fmt::Display;
use tokio::sync::watch;

/// While there is a backlog the server is told of an eighth of it together, within these bounds: moving costs it as much
/// for one mail as for hundreds, since it reads the folder anew each time.
const TOLD_TOGETHER: (usize, usize) = (400, 2000);

/// Refusals after which no more is asked which of the mails it is that the server does not move.
const REFUSALS_MAX: usize = 32;

/// Mails that are on the disk and that the server was not told of.
struct Untold {
    uids: Vec<u32>,
    /// It is told when they are more than these.
    most: usize,
}

impl Intake {
    /// Takes what is new, tells the server, and only then asks for what has ended connections before: neither a mail that
    /// the server cannot give nor one that it refuses to move keeps back the others. One over whose moving the connection
    /// ends keeps back no new mail, but those that are filed stay in the folder with it.
    pub(super) async fn take_all(
        &mut self,
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
        let stays = matches!(mailbox.after, After::Flag | After::Keep);
        let (new, unsettled) = self.against_ledger(config, open.uidvalidity, uids, stays).await?;
        let mut step = Step { settled: unsettled.len(), ..Step::default() };
        self.turns.keep(open.uidvalidity, &new);
        let (batches, doubtful) = self.turns.of(&new, config.limits.batch_max.max(1));
        let most = (new.len() / 8).clamp(TOLD_TOGETHER.0, TOLD_TOGETHER.1);
        let mut untold = Untold { uids: Vec::new(), most };
        step.filed += self.take_in_turn(config, mailbox, open, (&batches, stop), &mut untold).await?;
        untold.uids.extend(unsettled);
        let told = match self.settle(mailbox, open, &untold.uids).await {
            Err(error) if !error.is_refusal() => return Err(error),
            told => told,
        };
        let mut untold = Untold { uids: Vec::new(), most: 0 };
        let alone: Vec<Vec<u32>> = doubtful.into_iter().map(|uid| vec![uid]).collect();
        step.filed += self.take_in_turn(config, mailbox, open, (&alone, stop), &mut untold).await?;
        self.settle(mailbox, open, &untold.uids).await?;
        told?;
        if !*stop.borrow() {
            // What the server listed and then did not give is asked for again at the next look, over this connection too.
            let (missed, _) = self.against_ledger(config, open.uidvalidity, new, true).await?;
            self.turns.missed(&missed);
            step.filed = step.filed.saturating_sub(missed.len());
            open.next_uid = missed.first().copied().unwrap_or(last.saturating_add(1));
            self.note_position(open).await?;
        }
        Ok(step)
    }

    /// Takes batch after batch: while one is being committed the next is on its way. Returns how many mails were tried.
    async fn take_in_turn(
        &mut self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        (batches, stop): (&[Vec<u32>], &watch::Receiver<bool>),
        untold: &mut Untold,
    ) -> Result<usize, IntakeError> {
        let mut tried = 0;
        let mut in_hand: Option<Vec<(u32, Filing)>> = None;
        for batch in batches {
            if *stop.borrow() {
                break;
            }
            tried += batch.len();
            let filing = self.take_batch(config, mailbox, open, batch).await;
            if filing.is_err() {
                // The batch before is settled even when this one's connection died: it may have been committed.
                untold.most = 0;
            }
            let told = self.finish(mailbox, open, in_hand.take(), untold).await;
            in_hand = Some(filing?);
            told?;
        }
        self.finish(mailbox, open, in_hand.take(), untold).await?;
        Ok(tried)
    }

    /// Asks for the mails of a batch, and remembers whether the connection ended over them.
    async fn take_batch(
        &mut self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        batch: &[u32],
    ) -> Result<Vec<(u32, Filing)>, IntakeError> {
        let asked = async {
            let wanted = self.within_limit(config, mailbox, open, batch).await?;
            self.fetch_or_singly(config, mailbox, open, &wanted).await
        };
        let filing = asked.await;
        match &filing {
            Ok(_) => self.turns.given(batch),
            // It is known which one it was, and recorded; the others are not doubtful.
            Err(IntakeError::Imap(ImapError::TooLarge { uid, .. })) if batch.contains(uid) => {
                self.turns.ended(&[*uid]);
            }
            Err(IntakeError::Imap(_)) => self.turns.ended(batch),
            Err(_) => {}
        }
        filing
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

    /// Asks for sizes before fetching: mail over the limit is recorded as refused and left where it is. Where the server
    /// does not say them of all, it is asked about each alone; one of which it says none is asked about again later.
    async fn within_limit(
        &self,
        config: &Config,
        mailbox: &Mailbox,
        open: &mut Open,
        batch: &[u32],
    ) -> Result<Vec<(u32, u64)>, IntakeError> {
        let sizes = match open.session.sizes(batch).await {
            Err(ImapError::Refused { .. }) => self.sizes_singly(open, batch).await?,
            sizes => self.or_absent(batch, sizes?),
        };
        let mut wanted = Vec::with_capacity(batch.len());
        for (uid, size) in sizes {
            if size <= config.limits.mail_max_bytes {
                wanted.push((uid, size));
            } else {
                self.shared.refuse(self.origin(config, mailbox, open.uidvalidity, uid), size).await?;
            }
        }
        Ok(wanted)
    }

    async fn sizes_singly(&self, open: &mut Open, batch: &[u32]) -> Result<Vec<(u32, u64)>, ImapError> {
        let mut sizes = Vec::new();
        for uid in batch {
            match open.session.sizes(&[*uid]).await {
                Ok(one) => sizes.extend(self.or_absent(&[*uid], one)),
                Err(error @ ImapError::Refused { .. }) => self.not_given(*uid, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(sizes)
    }

    /// Notes of which of `asked` nothing was said.
    fn or_absent(&self, asked: &[u32], sizes: Vec<(u32, u64)>) -> Vec<(u32, u64)> {
        let is_said = |uid: &&u32| sizes.binary_search_by_key(*uid, |(known, _)| *known).is_ok();
        asked.iter().filter(|uid| !is_said(uid)).for_each(|uid| self.absent(*uid));
        sizes
    }

    /// The server listed a mail and had nothing to say of it when it was asked: somebody took it away in between, or,
    /// when that happens at each look, it is there and not given.
    pub(super) fn absent(&self, uid: u32) {
        let mailbox = self.name.as_str();
        if self.turns.is_withheld(uid) {
            self.not_given(uid, &"it lists it, and says nothing of it when asked");
        } else {
            tracing::info!(
                mailbox,
                uid,
                "mailbox {mailbox}: mail {uid} was taken away by somebody else before it was read"
            );
        }
    }

    /// The server has a mail and does not give it.
    pub(super) fn not_given(&self, uid: u32, error: &impl Display) {
        tracing::error!(
            mailbox = self.name,
            uid,
            "mailbox {}: the server does not give mail {uid}: {error}",
            self.name
        );
    }

    pub(super) fn origin(&self, config: &Config, mailbox: &Mailbox, uidvalidity: u32, uid: u32) -> Origin {
        let queue = config.queues.get(mailbox.queue).map(|queue| queue.name.clone()).unwrap_or_default();
        Origin { mailbox: self.name.clone(), uidvalidity, uid, queue }
    }

    /// Waits until a batch is on the disk, and tells the server when there is enough to tell. Where it refuses to be told,
    /// the mails that are still to be taken do not wait for that: it is told again at the end.
    async fn finish(
        &mut self,
        mailbox: &Mailbox,
        open: &mut Open,
        batch: Option<Vec<(u32, Filing)>>,
        untold: &mut Untold,
    ) -> Result<(), IntakeError> {
        let mut failed = None;
        for (uid, filing) in batch.into_iter().flatten() {
            match filing.await.unwrap_or(Err(StoreError::Closed)) {
                Ok(_) => {
                    untold.uids.push(uid);
                    // A line that ends every few hundred mails is no reason to wait longer each time.
                    self.failures = 0;
                }
                Err(error) => failed = Some(error),
            }
        }
        if failed.is_some() || untold.uids.len() > untold.most {
            match self.settle(mailbox, open, &untold.uids).await {
                Err(error) if error.is_refusal() => untold.most = usize::MAX,
                told => {
                    told?;
                    untold.uids.clear();
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Tells the server of mails that are on the disk, and remembers that it was told. Where it refuses for many, they are
    /// halved, so that one that it cannot move keeps no other in its place; the refusal is returned when all were tried.
    async fn settle(&self, mailbox: &Mailbox, open: &mut Open, uids: &[u32]) -> Result<(), IntakeError> {
        let (mut sets, mut refusals, mut refused) = (vec![uids], 0, Ok(()));
        while let Some(set) = sets.pop().filter(|set| !set.is_empty()) {
            match open.session.settle(set, &mailbox.after).await {
                Err(error @ ImapError::Refused { .. }) => {
                    refusals += 1;
                    if set.len() > 1 && refusals < REFUSALS_MAX {
                        let (first, second) = set.split_at(set.len() / 2);
                        sets.extend([second, first]);
                    }
                    refused = Err(error.into());
                }
                told => {
                    told?;
                    self.note_settled(open, set).await?;
                }
            }
        }
        refused
    }

    async fn note_settled(&self, open: &Open, uids: &[u32]) -> Result<(), StoreError> {
        let (name, uidvalidity, uids, now) =
            (self.name.clone(), open.uidvalidity, uids.to_vec(), self.shared.clock.now());
        self.shared.store.write(move |db| ledger::set_settled(db, &name, uidvalidity, &uids, now)).await
    }

    pub(super) async fn note_position(&self, open: &Open) -> Result<(), StoreError> {
        let (name, uidvalidity, next_uid, now) =
            (self.name.clone(), open.uidvalidity, open.next_uid, self.shared.clock.now());
        self.shared.store.write(move |db| ledger::set_position(db, &name, uidvalidity, next_uid, now)).await
    }
}
