//! What the loops have in common: the store, the settings in force, the clock, and the bells they ring for each other.

use super::in_hand::Fallen;
use super::tally::Counters;
use crate::clock::{Clock, Dice};
use crate::compose::Templates;
use crate::config::Config;
use crate::store::read::Readers;
use crate::store::{Store, StoreError};
use crate::{imap, smtp};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Most read-only connections at once.
const READERS_MAX: usize = 4;

/// What an admin can change while the daemon runs.
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// The templates, built-in and replaced.
    pub templates: Templates,
}

/// How long servers may take; shorter in tests.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// Mailboxes.
    pub imap: imap::Waits,
    /// The relay.
    pub smtp: smtp::Waits,
}

impl Waits {
    /// What the daemon uses.
    pub const SERVICE: Self = Self { imap: imap::Waits::SERVICE, smtp: smtp::Waits::SERVICE };
}

/// Handles that every loop holds; clones share everything.
#[derive(Clone)]
pub struct Shared {
    /// For writing.
    pub store: Store,
    /// For questions.
    pub readers: Readers,
    /// The settings in force.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Time.
    pub clock: Clock,
    /// Chance.
    pub dice: Dice,
    /// How long servers may take.
    pub waits: Waits,
    /// Rung when a commit left something in the outbox.
    pub outbox_bell: Arc<Notify>,
    /// Outgoing mail that a worker held when it fell over.
    pub fallen: Fallen,
    /// Counters since the start.
    pub counters: Arc<Counters>,
}

impl Shared {
    /// Opens the store at `path` and joins it with the settings.
    pub fn open(
        path: &Path,
        settings: watch::Receiver<Arc<Settings>>,
        clock: Clock,
        dice: Dice,
    ) -> Result<Self, StoreError> {
        let store = Store::open(path, &clock, &dice)?;
        let readers = Readers::new(path, READERS_MAX);
        Ok(Self {
            store,
            readers,
            settings,
            clock,
            dice,
            waits: Waits::SERVICE,
            outbox_bell: Arc::default(),
            fallen: Fallen::default(),
            counters: Arc::default(),
        })
    }

    /// The settings in force now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }
}

/// Resolves when the program is to stop, or when whoever would say so is gone.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
