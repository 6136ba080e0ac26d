//! What the loops count while they run, for whoever watches: since the start, in memory, and nobody's mail in it.

use crate::clock::Timestamp;
use crate::desk::decision::Disposition;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How an attempt to send ended, as counted.
pub const ENDS: [&str; 4] = ["sent", "deferred", "uncertain", "failed"];

/// How one mailbox fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// When it was last looked through without an error.
    pub looked: Option<Timestamp>,
    /// Whether the last attempt failed.
    pub is_down: bool,
    /// Attempts that failed.
    pub failures: u64,
}

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Counters {
    mails: [AtomicU64; Disposition::ALL.len()],
    attempts: [AtomicU64; ENDS.len()],
    falls: AtomicU64,
    mailboxes: Mutex<BTreeMap<String, Mailbox>>,
}

impl Counters {
    /// A mail was filed, or dealt with anew.
    pub fn mail(&self, disposition: Disposition) {
        bump(Disposition::ALL.iter().position(|known| *known == disposition), &self.mails);
    }

    /// Mails filed or dealt with anew, by disposition.
    pub fn mails(&self) -> impl Iterator<Item = (Disposition, u64)> {
        Disposition::ALL.into_iter().zip(self.mails.iter().map(value))
    }

    /// How many of them ended as `disposition`.
    pub fn mails_of(&self, disposition: Disposition) -> u64 {
        self.mails().find(|(known, _)| *known == disposition).map_or(0, |(_, count)| count)
    }

    /// An attempt to send ended so, in the words of [`ENDS`].
    pub fn attempt(&self, end: &str) {
        bump(ENDS.iter().position(|known| *known == end), &self.attempts);
    }

    /// Attempts to send, by their end.
    pub fn attempts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ENDS.into_iter().zip(self.attempts.iter().map(value))
    }

    /// A loop fell over.
    pub fn fall(&self) {
        self.falls.fetch_add(1, Ordering::Relaxed);
    }

    /// Loops that fell over.
    pub fn falls(&self) -> u64 {
        value(&self.falls)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Mailbox>> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mailbox was looked through.
    pub fn looked(&self, mailbox: &str, now: Timestamp) {
        let mut all = self.lock();
        let entry = all.entry(mailbox.to_owned()).or_default();
        (entry.looked, entry.is_down) = (Some(now), false);
    }

    /// A mailbox could not be looked through.
    pub fn failed(&self, mailbox: &str) {
        let mut all = self.lock();
        let entry = all.entry(mailbox.to_owned()).or_default();
        (entry.failures, entry.is_down) = (entry.failures.saturating_add(1), true);
    }

    /// How `mailbox` fares; all zero when it was never tried.
    pub fn mailbox(&self, mailbox: &str) -> Mailbox {
        self.lock().get(mailbox).copied().unwrap_or_default()
    }
}

fn bump(place: Option<usize>, counters: &[AtomicU64]) {
    if let Some(counter) = place.and_then(|place| counters.get(place)) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn value(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
