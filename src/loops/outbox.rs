//! Outgoing mail: claim what is due, send it, settle it. Several workers do so beside each other, each with a
//! connection that it keeps while there is work.
//!
//! The attempt is recorded before the relay is spoken to, and the end of the data before it is sent: whatever dies
//! when, it is known afterwards which mail may have been taken (promise 5).

mod notes;

use super::in_hand::InHand;
use super::shared::{Shared, stopped};
use crate::address::without_addresses;
use crate::net::Dial;
use crate::retry::{CONNECT, Next, OUTBOX};
use crate::smtp::{Connection, Outcome, SmtpError};
use crate::store::StoreError;
use crate::store::outbox::{self as rows, Claimed, Settled};
use notes::{Ended, Held, Notes, Wanted, pick_up, write_down};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

pub use notes::recover;

/// How long a connection is kept that nothing is sent over.
const KEPT: Duration = Duration::from_secs(20);

/// How long an idle worker sleeps at most before it looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

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
    /// Claimed while the mail before it was on its way.
    ahead: Option<Held>,
    /// How mails ended: kept until it is on the disk, for a disk that is full must not make us forget what the relay
    /// said. Written down together with what comes next.
    ended: Vec<(Arc<Ended>, InHand)>,
}

impl Outbox {
    /// A worker.
    pub fn new(shared: Shared, dial: Arc<dyn Dial>) -> Self {
        Self { shared, dial, connection: None, failures: 0, ahead: None, ended: Vec::new() }
    }

    /// Repeats [`Outbox::step`] until told to stop, sleeping until mail is due. The mail in hand is finished first.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            // Made before looking, so that a bell rung in between is heard.
            let bell = Arc::clone(&self.shared.outbox_bell);
            let rung = bell.notified();
            let pause = match self.step(&stop).await {
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
            let _ = self.note(Wanted::Nothing).await;
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
            pick_up(&self.shared).await?;
            let held = match self.ahead.take() {
                Some(held) => held,
                None => {
                    let wanted = if *stop.borrow() { Wanted::Nothing } else { Wanted::Next };
                    let Some(held) = self.note(wanted).await? else { return Ok(tried) };
                    held
                }
            };
            tried += 1;
            self.send(held, stop).await?;
        }
    }

    /// Writes down how the last mails ended and claims what is wanted, in one transaction.
    async fn note(&mut self, wanted: Wanted) -> Result<Option<Held>, StoreError> {
        let claimed = write_down(&self.shared, self.notes(None, wanted)).await?;
        self.noted();
        Ok(claimed)
    }

    fn notes(&self, handed_over: Option<i64>, wanted: Wanted) -> Notes {
        Notes { ended: self.ended.iter().map(|(ended, _)| Arc::clone(ended)).collect(), handed_over, wanted }
    }

    /// How the last mails ended is on the disk.
    fn noted(&mut self) {
        self.ended.drain(..).for_each(|(_, in_hand)| in_hand.settled());
    }

    /// One attempt; how it ended is kept to be written down with what comes next. When the relay cannot be reached the
    /// mail waits, or after a week fails.
    async fn send(&mut self, (mail, in_hand): Held, stop: &watch::Receiver<bool>) -> Result<(), OutboxError> {
        let id = mail.id;
        let bytes = match self.shared.readers.ask(move |reader| rows::bytes(reader.db(), id)).await {
            Ok(bytes) => bytes,
            Err(error) if error.is_of_the_disk() => return self.put_off((mail, in_hand), error.into()).await,
            Err(error) => {
                tracing::error!(outbox = id, "outgoing {id} cannot be put together: {error}");
                self.ended_with((mail, in_hand), Outcome::Later { code: None, reply: error.to_string() });
                return Ok(());
            }
        };
        if let Err(error) = self.connect().await {
            return self.put_off((mail, in_hand), error.into()).await;
        }
        let wanted = if *stop.borrow() { Wanted::Nothing } else { Wanted::Ahead };
        let notes = self.notes(Some(id), wanted);
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let from = (!mail.envelope_from.is_empty()).then_some(mail.envelope_from.as_str());
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
            self.noted();
            self.ahead = ahead;
        }
        self.ended_with((mail, in_hand), outcome);
        Ok(())
    }

    fn ended_with(&mut self, (mail, in_hand): Held, outcome: Outcome) {
        let (settled, said) = self.judge(&mail, outcome);
        tell_log(&mail, &settled, &said);
        self.end((mail, in_hand), settled, said);
    }

    /// Keeps how an attempt ended, to be written down.
    fn end(&mut self, (mail, in_hand): Held, settled: Settled, said: String) {
        self.shared.counters.attempt(settled.word());
        self.ended.push((Arc::new((mail, settled, said)), in_hand));
    }

    /// The relay was not spoken to about `mail`.
    async fn put_off(&mut self, (mail, in_hand): Held, error: OutboxError) -> Result<(), OutboxError> {
        let settled = self.later(&mail);
        self.end((mail, in_hand), settled, error.to_string());
        self.note(Wanted::Nothing).await?;
        Err(error)
    }

    async fn connect(&mut self) -> Result<(), SmtpError> {
        if self.connection.is_none() {
            let settings = self.shared.settings();
            let (desk, server) = (&settings.config.desk, &settings.config.smtp.server);
            self.connection = Some(
                Connection::open_with(server, &desk.domain, self.dial.as_ref(), self.shared.waits.smtp)
                    .await?,
            );
            if std::mem::take(&mut self.failures) > 0 {
                tracing::info!("the relay can be reached again");
            }
        }
        Ok(())
    }

    fn judge(&self, mail: &Claimed, outcome: Outcome) -> (Settled, String) {
        match outcome {
            Outcome::Accepted { reply } => (Settled::Sent, reply),
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
