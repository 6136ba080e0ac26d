//! What is in the folder against what is in the ledger: the difference is taken, and the server is told.

use super::fetch::Filing;
use super::{Intake, IntakeError, Open, Step};
use crate::config::{After, Config, Mailbox};
use crate::desk::decision::Disposition;
use crate::store::commit::Origin;
use crate::store::{StoreError, ledger};
use tokio::sync::watch;

/// While there is a backlog the server is told of an eighth of it together, within these bounds: moving costs it as much
/// for one mail as for hundreds, since it reads the folder anew each time.
const TOLD_TOGETHER: (usize, usize) = (400, 2000);

impl Intake {
    pub(super) async fn take_all(
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
        let batch_max = config.limits.batch_max.max(1);
        let together = (new.len() / 8).clamp(TOLD_TOGETHER.0, TOLD_TOGETHER.1);
        let mut done = Vec::new();
        let mut in_hand: Option<Vec<(u32, Filing)>> = None;
        for batch in new.chunks(batch_max) {
            if *stop.borrow() {
                break;
            }
            let wanted = self.within_limit(config, mailbox, open, batch).await?;
            step.filed += batch.len();
            let filing = self.fetch_or_singly(config, mailbox, open, &wanted).await;
            // The batch before is settled even when this one's connection died: it may have been committed.
            let most = if filing.is_ok() { together } else { 0 };
            self.finish(mailbox, open, in_hand.take(), &mut done, most).await?;
            in_hand = Some(filing?);
        }
        self.finish(mailbox, open, in_hand.take(), &mut done, 0).await?;
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

    pub(super) fn origin(&self, config: &Config, mailbox: &Mailbox, uidvalidity: u32, uid: u32) -> Origin {
        let queue = config.queues.get(mailbox.queue).map(|queue| queue.name.clone()).unwrap_or_default();
        Origin { mailbox: self.name.clone(), uidvalidity, uid, queue }
    }

    /// Waits until a batch is on the disk, and tells the server once `done`, the mails that are and that it was not told
    /// of, are more than `most`.
    async fn finish(
        &self,
        mailbox: &Mailbox,
        open: &mut Open,
        batch: Option<Vec<(u32, Filing)>>,
        done: &mut Vec<u32>,
        most: usize,
    ) -> Result<(), IntakeError> {
        let mut failed = None;
        for (uid, filing) in batch.into_iter().flatten() {
            match filing.await.unwrap_or(Err(StoreError::Closed)) {
                Ok(_) => done.push(uid),
                Err(error) => failed = Some(error),
            }
        }
        if failed.is_some() || done.len() > most {
            self.settle(mailbox, open, &std::mem::take(done)).await?;
        }
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

    pub(super) async fn note_position(&self, open: &Open) -> Result<(), StoreError> {
        let (name, uidvalidity, next_uid, now) =
            (self.name.clone(), open.uidvalidity, open.next_uid, self.shared.clock.now());
        self.shared.store.write(move |db| ledger::set_position(db, &name, uidvalidity, next_uid, now)).await
    }
}
