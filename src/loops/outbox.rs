//! Outgoing mail: claim what is due, send it, settle it. Several workers do so beside each other, each with a
//! connection that it keeps while there is work.
//!
//! The attempt is recorded before the relay is spoken to, and the end of the data before it is sent: whatever dies
//! when, it is known afterwards which mail may have been taken (promise 5).

use super::composing::compose_all;
use super::shared::{Counters, Shared, stopped};
use crate::address::without_addresses;
use crate::clock::Timestamp;
use crate::desk::decide::outcome;
use crate::desk::decision::Decision;
use crate::net::Dial;
use crate::retry::{CONNECT, Next, OUTBOX};
use crate::smtp::{Connection, Outcome, SmtpError};
use crate::store::commit::file_without_mail;
use crate::store::outbox::{self as rows, Claimed, Settled};
use crate::store::{StoreError, facts, keys};
use futures::FutureExt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a connection is kept that nothing is sent over.
const KEPT: Duration = Duration::from_secs(20);

/// How long an idle worker sleeps at most before it looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// So many mails must wait for one to be claimed before its turn.
const BACKLOG: usize = 16;

/// Why a step ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The relay.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a worker holds between two mails.
pub struct Outbox {
    shared: Shared,
    dial: Arc<dyn Dial>,
    connection: Option<Connection>,
    failures: u32,
    /// The row that is being sent.
    in_hand: Option<i64>,
    /// Claimed while the mail before it was on its way.
    ahead: Option<Claimed>,
    /// How mails ended: kept until it is on the disk, for a disk that is full must not make us forget what the relay
    /// said. Written down together with what comes next.
    ended: Vec<Arc<Ended>>,
}

/// How a mail ended.
type Ended = (Claimed, Settled, String);

/// What one transaction of a worker writes down.
struct Notes {
    ended: Vec<Arc<Ended>>,
    /// The row whose mail may be with the relay from now on.
    handed_over: Option<i64>,
    /// What to claim.
    claim: Claim,
}

/// What to claim.
enum Claim {
    /// Nothing.
    Nothing,
    /// The next mail.
    Next,
    /// The next mail, if more of them wait than the workers have hands: else another worker is free for it.
    Ahead,
}

/// While no worker is at work: puts rows that were being sent where they belong, and tells the agents of what is
/// uncertain.
pub async fn recover(shared: &Shared) -> Result<usize, StoreError> {
    recover_rows(shared, None).await
}

/// As [`recover`], of row `only` or of all.
async fn recover_rows(shared: &Shared, only: Option<i64>) -> Result<usize, StoreError> {
    let (settings, now, dice) = (shared.settings(), shared.clock.now(), shared.dice.clone());
    let uncertain = shared.store.write(move |db| {
        let ids = rows::recover(db, only, now)?;
        for id in &ids {
            tell(
                db,
                &settings,
                (*id, "Postdesk stopped before the relay answered"),
                outcome::Trouble::Uncertain,
                (now, &dice),
            )?;
        }
        Ok(ids.len())
    });
    uncertain.await
}

impl Outbox {
    /// A worker.
    pub fn new(shared: Shared, dial: Arc<dyn Dial>) -> Self {
        Self { shared, dial, connection: None, failures: 0, in_hand: None, ahead: None, ended: Vec::new() }
    }

    /// Repeats [`Outbox::step`] until told to stop, sleeping until mail is due. The mail in hand is finished first.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            // Made before looking, so that a bell rung in between is heard.
            let bell = Arc::clone(&self.shared.outbox_bell);
            let rung = bell.notified();
            let stepped = match AssertUnwindSafe(self.step(&stop)).catch_unwind().await {
                Ok(stepped) => stepped,
                Err(panic) => {
                    self.let_go().await;
                    resume_unwind(panic)
                }
            };
            let pause = match stepped {
                Ok(_) => self.pause().await,
                Err(error) => {
                    self.connection = None;
                    self.failures = self.failures.saturating_add(1);
                    let secs = CONNECT.wait_secs(self.failures, self.shared.dice.draw());
                    tracing::warn!(
                        "outgoing mail waits: {}; next try in {secs} s",
                        without_addresses(&error.to_string())
                    );
                    let pause = Duration::from_secs(secs.unsigned_abs());
                    tokio::select! { () = tokio::time::sleep(pause) => {}, () = stopped(&mut stop) => {} }
                    continue;
                }
            };
            let kept = if self.connection.is_some() { pause.min(KEPT) } else { pause };
            tokio::select! {
                () = rung => {},
                () = tokio::time::sleep(kept) => if kept == KEPT { self.hang_up().await },
                () = stopped(&mut stop) => {},
            }
        }
        self.hang_up().await;
        if !self.ended.is_empty() {
            // The disk was full when it was to be written down; it may not be any more.
            let _ = self.note(Claim::Nothing).await;
        }
    }

    /// This worker falls over: what it holds must not stay with it, for nobody else claims it.
    async fn let_go(&mut self) {
        let mut done = self.note(Claim::Nothing).await.map(|_| ());
        for id in self.in_hand.take().into_iter().chain(self.ahead.take().map(|mail| mail.id)) {
            done = done.and(recover_rows(&self.shared, Some(id)).await.map(|_| ()));
        }
        if let Err(error) = done {
            tracing::error!("what was being sent waits for the next start: {error}");
        }
    }

    async fn hang_up(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.quit().await;
        }
    }

    /// How long there is nothing to do.
    async fn pause(&self) -> Duration {
        let due = self.shared.readers.ask(|reader| rows::next_due(reader.db())).await;
        let now = self.shared.clock.now();
        match due {
            Ok(Some(due)) => Duration::from_secs(due.since(now).max(0).unsigned_abs()).min(LOOK_AGAIN),
            Ok(None) | Err(_) => LOOK_AGAIN,
        }
    }

    /// Sends all that is due. Returns how many mails were tried. A relay that cannot be reached leaves them waiting.
    pub async fn step(&mut self, stop: &watch::Receiver<bool>) -> Result<usize, OutboxError> {
        let mut tried = 0;
        loop {
            let mail = match self.ahead.take() {
                Some(mail) => mail,
                None => {
                    let claim = if *stop.borrow() { Claim::Nothing } else { Claim::Next };
                    let Some(mail) = self.note(claim).await? else { return Ok(tried) };
                    mail
                }
            };
            tried += 1;
            self.send(mail, stop).await?;
        }
    }

    /// Writes down how the last mails ended and claims what is wanted, in one transaction.
    async fn note(&mut self, claim: Claim) -> Result<Option<Claimed>, StoreError> {
        let notes = Notes { ended: self.ended.clone(), handed_over: None, claim };
        let claimed = write_down(&self.shared, notes).await?;
        self.ended.clear();
        Ok(claimed)
    }

    /// One attempt; how it ended is kept to be written down with what comes next. When the relay cannot be reached the
    /// mail waits, or after a week fails.
    async fn send(&mut self, mail: Claimed, stop: &watch::Receiver<bool>) -> Result<(), OutboxError> {
        let id = mail.id;
        self.in_hand = Some(id);
        let bytes = match self.shared.readers.ask(move |reader| rows::bytes(reader.db(), id)).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_of_the_disk() => return self.put_off(mail, error.into()).await,
            Err(error) => {
                tracing::error!(outbox = id, "outgoing {id} cannot be put together: {error}");
                self.settle_as(mail, Outcome::Later { code: None, reply: error.to_string() });
                return Ok(());
            }
        };
        if let Err(error) = self.connect().await {
            return self.put_off(mail, error.into()).await;
        }
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let from = (!mail.envelope_from.is_empty()).then_some(mail.envelope_from.as_str());
        let claim = if *stop.borrow() { Claim::Nothing } else { Claim::Ahead };
        let notes = Notes { ended: self.ended.clone(), handed_over: Some(mail.id), claim };
        let mut noted = Err(StoreError::Closed);
        let record = async {
            noted = write_down(&self.shared, notes).await;
            noted.is_ok()
        };
        let outcome = connection.submit_after(from, &mail.recipient, &bytes, record).await;
        if !connection.is_alive() || connection.connection_worn() {
            self.connection = None;
        }
        // An error is met again, and reported, when the same notes are written with the next claim.
        if let Ok(ahead) = noted {
            self.ended.clear();
            self.ahead = ahead;
        }
        self.settle_as(mail, outcome);
        Ok(())
    }

    fn settle_as(&mut self, mail: Claimed, outcome: Outcome) {
        let (settled, said) = self.judge(&mail, outcome);
        tell_log(&mail, &settled, &said);
        self.end(mail, settled, said);
    }

    /// The relay was not spoken to about `mail`.
    async fn put_off(&mut self, mail: Claimed, error: OutboxError) -> Result<(), OutboxError> {
        let settled = self.later(&mail);
        self.end(mail, settled, error.to_string());
        self.note(Claim::Nothing).await?;
        Err(error)
    }

    fn end(&mut self, mail: Claimed, settled: Settled, said: String) {
        self.ended.push(Arc::new((mail, settled, said)));
        self.in_hand = None;
    }

    async fn connect(&mut self) -> Result<(), SmtpError> {
        if self.connection.is_none() {
            let settings = self.shared.settings();
            let desk = &settings.config.desk;
            self.connection =
                Some(Connection::open(&settings.config.smtp.server, &desk.domain, self.dial.as_ref()).await?);
            if std::mem::take(&mut self.failures) > 0 {
                tracing::info!("the relay can be reached again");
            }
        }
        Ok(())
    }

    fn judge(&self, mail: &Claimed, outcome: Outcome) -> (Settled, String) {
        match outcome {
            Outcome::Accepted { reply } => {
                Counters::count(&self.shared.counters.sent);
                (Settled::Sent, reply)
            }
            Outcome::Later { code, reply } => {
                let said = said(code, &reply);
                match OUTBOX.next(
                    mail.attempt,
                    mail.tried_at,
                    self.shared.clock.now(),
                    self.shared.dice.draw(),
                ) {
                    Next::At(at) => (Settled::Deferred(at), said),
                    Next::GiveUp => (Settled::Failed, format!("given up after a week; last: {said}")),
                }
            }
            Outcome::Refused { code, reply } => (Settled::Failed, said(code, &reply)),
            Outcome::Unknown { why } => (Settled::Uncertain, why),
        }
    }

    /// When to try a mail again that never got as far as the relay: as soon as the relay may be back, for a week.
    fn later(&self, mail: &Claimed) -> Settled {
        let (now, roll) = (self.shared.clock.now(), self.shared.dice.draw());
        match OUTBOX.next(mail.attempt, mail.tried_at, now, roll) {
            Next::At(_) => {
                Settled::Deferred(now.plus(CONNECT.wait_secs(self.failures.saturating_add(1), roll)))
            }
            Next::GiveUp => Settled::Failed,
        }
    }
}

/// One transaction of a worker. Gives the mail it claimed.
async fn write_down(shared: &Shared, notes: Notes) -> Result<Option<Claimed>, StoreError> {
    let (settings, now, dice) = (shared.settings(), shared.clock.now(), shared.dice.clone());
    let job = move |db: &crate::store::Connection| {
        for (mail, settled, said) in notes.ended.iter().map(AsRef::as_ref) {
            rows::settle(db, mail.id, settled, said, now)?;
            let trouble = match settled {
                Settled::Failed => outcome::Trouble::Failed,
                Settled::Uncertain => outcome::Trouble::Uncertain,
                Settled::Sent | Settled::Deferred(_) => continue,
            };
            tell(db, &settings, (mail.id, said), trouble, (now, &dice))?;
        }
        if let Some(id) = notes.handed_over {
            rows::hand_over(db, id)?;
        }
        match notes.claim {
            Claim::Nothing => Ok(None),
            Claim::Next => rows::claim(db, now, 1),
            Claim::Ahead => rows::claim(db, now, BACKLOG),
        }
    };
    shared.store.write(job).await
}

/// What is over without the mail being delivered for certain is a warning.
fn tell_log(mail: &Claimed, settled: &Settled, said: &str) {
    let (outbox, template, word, short) =
        (mail.id, mail.template.as_str(), settled.word(), without_addresses(said));
    match settled {
        Settled::Failed | Settled::Uncertain => {
            tracing::warn!(outbox, template, "outgoing {outbox} ({template}): {word}: {short}");
        }
        Settled::Sent | Settled::Deferred(_) => {
            tracing::info!(outbox, template, "outgoing {outbox} ({template}): {word}: {short}");
        }
    }
    tracing::debug!(outbox, "outgoing {outbox} to {} in full: {said}", mail.recipient);
}

fn said(code: Option<u16>, reply: &str) -> String {
    match code {
        Some(code) if !reply.starts_with(&code.to_string()) => format!("{code} {reply}"),
        _ => reply.to_owned(),
    }
}

/// What follows from a mail that could not be delivered: decided by the rules, written in the same transaction.
fn tell(
    db: &crate::store::Connection,
    settings: &super::Settings,
    row: (i64, &str),
    trouble: outcome::Trouble,
    chance: (Timestamp, &crate::clock::Dice),
) -> Result<(), StoreError> {
    let Some((row_facts, ticket)) = facts::outgoing(db, row.0, chance.0)? else { return Ok(()) };
    let told = facts::told(db, chance.0)?;
    let decision: Decision =
        outcome::undelivered(&settings.config, &row_facts, ticket.as_ref(), &told, trouble, row.1);
    let keys = keys::load(db, chance.0, settings.config.desk.key_valid_secs)?;
    // A template that fails must not keep the row from being settled, or the relay would be asked for ever.
    let ready = compose_all(settings, &keys, &decision, None, chance).unwrap_or_else(|error| {
        tracing::error!(outbox = row.0, "nobody is told about outgoing {}: {error}", row.0);
        Vec::new()
    });
    file_without_mail(db, "postdesk", (&decision, &ready), chance.0)
}
