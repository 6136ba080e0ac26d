//! The one way of every mail into the store: read, decide, compose, commit. Reading and packing happen outside the
//! writing thread; facts, decision and bytes of the answers are made inside the transaction that keeps them, so that
//! nothing can change between what was known and what is done.

use super::composing::{Attached, Source, compose_all, encode};
use super::shared::{Settings, Shared};
use crate::address::without_addresses;
use crate::clock::{Dice, Timestamp};
use crate::compose::Part;
use crate::config::{Config, Queue};
use crate::desk::decide::{self, Findings, Policy, admin};
use crate::desk::decision::{Decision, Disposition};
use crate::desk::thread;
use crate::mail::{self, LIMITS, Mail};
use crate::store::commit::{self, Envelope, Filed, Origin};
use crate::store::pack::{self, Packed, pack};
use crate::store::{Connection, StoreError, asked, facts, keys, ledger};
use sha2::{Digest, Sha256};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Attachments of a mail up to this much together are encoded before it is decided what carries them.
const ENCODED_EARLY_MAX_BYTES: usize = 4 << 20;

/// A mail that has been read, or whose reading failed, ready to be decided and filed.
pub struct Delivery {
    origin: Origin,
    authserv_id: Option<String>,
    packed: Packed,
    read: Result<Mail, String>,
    files: Held,
    confirmed: bool,
}

/// A mail's attachments while it waits to be filed.
enum Held {
    /// Ready to go out again: the mail's bytes are no longer needed.
    Encoded(Vec<Part>),
    /// They would be large: the mail's bytes, for them to be encoded when they are wanted, so that mails that wait do not
    /// fill the memory.
    Raw(Vec<u8>),
}

impl Held {
    fn lend(&self) -> Attached<'_> {
        match self {
            Self::Encoded(parts) => Attached::Encoded(parts),
            Self::Raw(raw) => Attached::Raw(raw),
        }
    }
}

impl Delivery {
    /// Whether the author is known to be who From says, as on the command line.
    pub fn confirmed(self, confirmed: bool) -> Self {
        Self { confirmed, ..self }
    }
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its id in the ledger.
    pub mail_id: i64,
    /// How it is accounted for.
    pub disposition: Disposition,
    /// Why.
    pub reason: String,
    /// The ticket it ended in.
    pub number: Option<i64>,
}

/// Reads and packs a mail, and encodes its attachments for the mails that will carry them.
/// Takes time in proportion to its size: call it where that may block. A panic inside the reading is caught and becomes
/// part of the delivery.
pub fn receive(origin: Origin, authserv_id: Option<String>, raw: Vec<u8>) -> Delivery {
    receive_by(origin, authserv_id, raw, |raw| {
        let mut room = ENCODED_EARLY_MAX_BYTES;
        let encode = |file: &_, bytes: &_, at| encode((file, bytes), (raw, at), &mut room);
        let (mail, parts) = mail::read_and_open(raw, &LIMITS, encode);
        (mail, parts.into_iter().collect::<Option<Vec<_>>>())
    })
}

/// As [`receive`], with the reader that is given.
fn receive_by(
    origin: Origin,
    authserv_id: Option<String>,
    raw: Vec<u8>,
    read: impl FnOnce(&[u8]) -> (Mail, Option<Vec<Part>>),
) -> Delivery {
    let (read, parts) = match catch_unwind(AssertUnwindSafe(|| read(&raw))) {
        Ok((mail, parts)) => (Ok(mail), parts),
        Err(_) => (Err("reading it panicked".to_owned()), Some(Vec::new())),
    };
    let packed = pack(&raw);
    let files = parts.map_or(Held::Raw(raw), Held::Encoded);
    Delivery { origin, authserv_id, packed, read, files, confirmed: false }
}

impl Shared {
    /// Hands a delivery in, in the order of the calls; the future gives the outcome once it is on the disk. Only errors
    /// of the disk come back: whatever else goes wrong sets the mail aside.
    pub fn file(
        &self,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Outcome, StoreError>> + Send + use<> {
        let delivery = Arc::new(delivery);
        let (settings, now, dice) = (self.settings(), self.clock.now(), self.dice.clone());
        let at_work = Arc::clone(&delivery);
        let decided = self.store.submit(move |db| decide_and_file(db, &settings, &at_work, now, &dice));
        let shared = self.clone();
        async move {
            let outcome = match decided.await.unwrap_or(Err(StoreError::Closed)) {
                Err(error) if !error.is_of_the_disk() => {
                    shared.set_aside(delivery, error.to_string()).await?
                }
                other => other?,
            };
            shared.filed(&outcome);
            Ok(outcome)
        }
    }

    /// Records a mail over the size limit, which stays in the mailbox.
    pub async fn refuse(&self, origin: Origin, size: u64) -> Result<Outcome, StoreError> {
        let (settings, now, dice) = (self.settings(), self.clock.now(), self.dice.clone());
        let work = move |db: &Connection| {
            let queue = queue_of(&settings.config, &origin)?;
            let decision =
                admin::too_large(&settings.config, queue, &facts::told(db, now)?, &origin.mailbox, size);
            file_unread(db, &settings, &origin, (size, None), &decision, (now, &dice))
        };
        let outcome = self.store.write(work).await?;
        self.filed(&outcome);
        Ok(outcome)
    }

    /// Decides anew about a mail that was set aside. Its reading or deciding may fail again: then it stays aside.
    pub async fn retry(&self, mail_id: i64) -> Result<Outcome, StoreError> {
        let (settings, now, dice) = (self.settings(), self.clock.now(), self.dice.clone());
        let outcome =
            self.store.write(move |db| decide_again(db, &settings, (mail_id, false), now, &dice)).await?;
        self.filed(&outcome);
        Ok(outcome)
    }

    async fn set_aside(&self, delivery: Arc<Delivery>, why: String) -> Result<Outcome, StoreError> {
        let (settings, now, dice) = (self.settings(), self.clock.now(), self.dice.clone());
        self.store.write(move |db| quarantine(db, &settings, &delivery, &why, (now, &dice))).await
    }

    /// After the commit: the log, the counters, and the bell of the outbox.
    fn filed(&self, outcome: &Outcome) {
        let (mail, ticket) = (outcome.mail_id, outcome.number.unwrap_or(0));
        let (disposition, reason) = (outcome.disposition.word(), without_addresses(&outcome.reason));
        if outcome.disposition == Disposition::Quarantined {
            tracing::error!(mail, disposition, ticket, "mail {mail} {disposition}: {reason}");
        } else {
            tracing::info!(mail, disposition, ticket, "mail {mail} {disposition}: {reason}");
        }
        tracing::debug!(mail = outcome.mail_id, "mail {} in full: {}", outcome.mail_id, outcome.reason);
        self.counters.mail(outcome.disposition);
        self.outbox_bell.notify_waiters();
    }
}

fn queue_of<'a>(config: &'a Config, origin: &Origin) -> Result<&'a Queue, StoreError> {
    let found = config.queue(&origin.queue).or(config.queues.first());
    found.ok_or_else(|| StoreError::Missing("no queue is configured".to_owned()))
}

/// Whether a mail lies in a folder of sent mail.
fn is_sent(config: &Config, origin: &Origin) -> bool {
    config.mailboxes.iter().any(|mailbox| mailbox.is_sent && mailbox.name == origin.mailbox)
}

/// The whole of one mail's transaction.
fn decide_and_file(
    db: &Connection,
    settings: &Settings,
    delivery: &Delivery,
    now: Timestamp,
    dice: &Dice,
) -> Result<Outcome, StoreError> {
    let mail = match &delivery.read {
        Ok(mail) => mail,
        Err(why) => return quarantine(db, settings, delivery, why, (now, dice)),
    };
    let queue = queue_of(&settings.config, &delivery.origin)?;
    let keys = keys::load(db, now, settings.config.desk.key_valid_secs)?;
    let policy = Policy {
        config: &settings.config,
        keys: &keys,
        queue,
        authserv_id: delivery.authserv_id.as_deref(),
        confirmed: delivery.confirmed,
        is_sent: is_sent(&settings.config, &delivery.origin),
    };
    let refused = commit::refused(db, &delivery.origin)?;
    let (decision, _) = consider(db, mail, policy, refused, (now, dice))?;
    let source = Source { mail, files: delivery.files.lend() };
    let ready = compose_all(settings, &keys, &decision, Some(&source), (now, dice))?;
    let raw = (decision.disposition != Disposition::Duplicate).then_some(&delivery.packed);
    let filed = commit::file(db, &delivery.origin, &Envelope::of(mail), raw, (&decision, &ready), now)?;
    release(db, settings, &filed, now, dice)?;
    Ok(outcome(&filed, decision))
}

fn outcome(filed: &Filed, decision: Decision) -> Outcome {
    Outcome {
        mail_id: filed.mail_id,
        disposition: decision.disposition,
        reason: decision.reason,
        number: decision.number,
    }
}

/// What the desk decides about `mail`, from what `db` knows. `again` is the mail's id when it is in the ledger already.
pub fn consider(
    db: &Connection,
    mail: &Mail,
    policy: Policy<'_>,
    again: Option<i64>,
    chance: (Timestamp, &Dice),
) -> Result<(Decision, Findings), StoreError> {
    let (now, dice) = chance;
    let mail_keys = thread::keys(mail, policy.config);
    let question = facts::Question {
        mail,
        keys: &mail_keys,
        config: policy.config,
        queue: policy.queue,
        now,
        again,
        is_sent: policy.is_sent,
    };
    let mut facts = facts::read(db, question, dice)?;
    if !mail_keys.asked.is_empty() {
        asked::answer(db, question, &mut facts)?;
    }
    Ok(decide::decide(mail, &mail_keys, &facts, policy, now))
}

/// Mails that this one's author has confirmed are decided anew, in the same transaction.
fn release(
    db: &Connection,
    settings: &Settings,
    filed: &Filed,
    now: Timestamp,
    dice: &Dice,
) -> Result<(), StoreError> {
    filed.released.iter().try_for_each(|id| decide_again(db, settings, (*id, true), now, dice).map(|_| ()))
}

fn decide_again(
    db: &Connection,
    settings: &Settings,
    mail: (i64, bool),
    now: Timestamp,
    dice: &Dice,
) -> Result<Outcome, StoreError> {
    let (mail_id, confirmed) = mail;
    let origin = ledger::origin(db, mail_id, confirmed)?;
    let raw = pack::raw_of_mail(db, mail_id)?
        .ok_or_else(|| StoreError::Missing(format!("no bytes are kept of mail {mail_id}")))?;
    let mail = mail::read(&raw, &LIMITS);
    let queue = queue_of(&settings.config, &origin)?;
    let keys = keys::load(db, now, settings.config.desk.key_valid_secs)?;
    let mailbox = settings.config.mailboxes.iter().find(|mailbox| mailbox.name == origin.mailbox);
    let authserv_id = mailbox.and_then(|mailbox| mailbox.authserv_id.as_deref());
    let policy = Policy {
        config: &settings.config,
        keys: &keys,
        queue,
        authserv_id,
        confirmed,
        is_sent: is_sent(&settings.config, &origin),
    };
    let (decision, _) = consider(db, &mail, policy, Some(mail_id), (now, dice))?;
    let source = Source { mail: &mail, files: Attached::Raw(&raw) };
    let ready = compose_all(settings, &keys, &decision, Some(&source), (now, dice))?;
    let filed = commit::file_again(db, mail_id, &Envelope::of(&mail), (&decision, &ready), now)?;
    release(db, settings, &filed, now, dice)?;
    Ok(outcome(&filed, decision))
}

fn quarantine(
    db: &Connection,
    settings: &Settings,
    delivery: &Delivery,
    why: &str,
    chance: (Timestamp, &Dice),
) -> Result<Outcome, StoreError> {
    let queue = queue_of(&settings.config, &delivery.origin)?;
    let told = facts::told(db, chance.0)?;
    let decision = admin::set_aside(&settings.config, queue, &told, &delivery.origin.mailbox, why);
    let size = u64::try_from(delivery.packed.size).unwrap_or(u64::MAX);
    file_unread(db, settings, &delivery.origin, (size, Some(&delivery.packed)), &decision, chance)
}

/// Files a mail that nothing is known of but its size and perhaps its bytes.
fn file_unread(
    db: &Connection,
    settings: &Settings,
    origin: &Origin,
    bytes: (u64, Option<&Packed>),
    decision: &Decision,
    chance: (Timestamp, &Dice),
) -> Result<Outcome, StoreError> {
    let (now, _) = chance;
    let keys = keys::load(db, now, settings.config.desk.key_valid_secs)?;
    // The admin's template may be the very thing that is broken: then the log must do.
    let ready = compose_all(settings, &keys, decision, None, chance).unwrap_or_default();
    let place = format!("{}/{}/{}", origin.mailbox, origin.uidvalidity, origin.uid);
    let envelope = Envelope::unread(Sha256::digest(place.as_bytes()).into(), bytes.0);
    let filed = commit::file(db, origin, &envelope, bytes.1, (decision, &ready), now)?;
    Ok(outcome(&filed, decision.clone()))
}
