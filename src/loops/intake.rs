//! One mailbox: find what is not in the ledger, fetch, file, and only after the commit tell the server.
//!
//! Mail is found by UID against the ledger, never by `\Seen` or date. Mails are fetched in batches; while one batch is
//! being committed the next is on its way, and the server is told of mails only when they are on the disk.

mod fetch;
mod take;
mod turns;

use super::alarm::Outage;
use super::shared::{Shared, stopped};
use crate::address::without_addresses;
use crate::config::{Config, Mailbox};
use crate::imap::{IdleEnd, ImapError, Session};
use crate::net::Dial;
use crate::retry::CONNECT;
use crate::store::{StoreError, ledger};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use turns::Turns;

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

impl IntakeError {
    /// The server said no, and can be asked for other things.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Imap(ImapError::Refused { .. }))
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Mails filed.
    pub filed: usize,
    /// Mails found in the ledger already, of which the server was told now.
    pub settled: usize,
}

/// Looks in a row for which a server may announce mail that is not there.
const FRUITLESS_MAX: u32 = 3;
/// The pause before the next such look, doubled for each one more, and the longest.
const FLOOR: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// How long a mailbox whose server announces mail that is not there is left alone. Where each look takes something, or an
/// IDLE ends without news, it is looked at at once.
fn floor(fruitless: u32) -> Duration {
    let (first, most) = FLOOR;
    match fruitless.checked_sub(FRUITLESS_MAX) {
        None => Duration::ZERO,
        Some(more) => first.saturating_mul(2_u32.saturating_pow(more)).min(most),
    }
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
    turns: Turns,
    /// Looks in a row that took nothing, each because the server had announced mail.
    fruitless: u32,
}

/// A connection with the folder open.
struct Open {
    session: Session,
    uidvalidity: u32,
    /// UIDs from here on have not been looked at over this connection.
    next_uid: u32,
}

impl Intake {
    /// The loop of the mailbox called `name`.
    pub fn new(shared: Shared, name: &str, dial: Arc<dyn Dial>) -> Self {
        let memory = Arc::new(Semaphore::new(usize::try_from(fetch::MEMORY_KIB).unwrap_or(1)));
        Self {
            shared,
            name: name.to_owned(),
            dial,
            memory,
            session: None,
            failures: 0,
            outage: Outage::default(),
            turns: Turns::default(),
            fruitless: 0,
        }
    }

    /// Repeats [`Intake::step`], waiting by IDLE or by the clock, until told to stop. An error closes the connection;
    /// the next attempt waits longer each time. Finishes the batch in hand before it returns.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let waited = match self.step(&stop).await {
                Ok(step) => {
                    self.fruitless = if step.filed > 0 { 0 } else { self.fruitless.saturating_add(1) };
                    self.wait(&mut stop).await
                }
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
            if end != IdleEnd::News {
                self.fruitless = 0;
            }
            tokio::select! { () = tokio::time::sleep(floor(self.fruitless)) => {}, () = stopped(stop) => {} }
            return Ok(());
        }
        tokio::select! { () = tokio::time::sleep(most) => {}, () = stopped(stop) => {} }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_take_something_follow_at_once_and_those_that_do_not_ever_later() {
        assert!((0..FRUITLESS_MAX).all(|fruitless| floor(fruitless).is_zero()));
        let pauses: Vec<Duration> = (FRUITLESS_MAX..100).map(floor).collect();
        assert_eq!(pauses.first(), Some(&FLOOR.0));
        assert!(pauses.is_sorted() && pauses.last() == Some(&FLOOR.1), "{pauses:?}");
        assert_eq!(floor(u32::MAX), FLOOR.1);
    }
}
