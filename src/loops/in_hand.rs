//! Outgoing mail in a worker's hands. A worker that falls over, or is cut off by a reload that could not wait, leaves word
//! here of what it held, and the next worker puts that where it belongs: no row is left to be found at the next start.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// One attempt at one row of the outbox. A row that is claimed again is another claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The row.
    pub id: i64,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// Claims whose workers are gone, and those whose workers live. Clones are the same lists.
#[derive(Debug, Clone, Default)]
pub struct Fallen(Arc<Mutex<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    fallen: Vec<(u64, Claim)>,
    held: Vec<i64>,
    /// How many claims were left behind so far.
    count: u64,
}

impl Fallen {
    fn lists(&self) -> std::sync::MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All whose workers are gone, each with its number in the order of their leaving.
    pub fn all(&self) -> Vec<(u64, Claim)> {
        self.lists().fallen.clone()
    }

    /// Whether a living worker holds the row. A claim that could not be committed is left behind as well, and the row may
    /// have been claimed again since, with the same number: ask where claims are made, on the writing thread.
    pub fn is_held(&self, id: i64) -> bool {
        self.lists().held.contains(&id)
    }

    /// The one that left as this number has been seen to. Another that left since may name the same row and attempt: the
    /// first was perhaps never committed, for the disk was full.
    pub fn forget(&self, left: u64) {
        self.lists().fallen.retain(|(number, _)| *number != left);
    }
}

/// A claim in the hands of a living worker. Dropped without [`InHand::settled`], it is among the [`Fallen`].
#[derive(Debug)]
pub struct InHand {
    claim: Claim,
    is_settled: bool,
    fallen: Fallen,
    bell: Arc<Notify>,
}

impl InHand {
    /// `bell` wakes the other workers.
    pub fn new(claim: Claim, fallen: Fallen, bell: Arc<Notify>) -> Self {
        fallen.lists().held.push(claim.id);
        Self { claim, is_settled: false, fallen, bell }
    }

    /// How the attempt ended is on the disk.
    pub fn settled(mut self) {
        self.is_settled = true;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut lists = self.fallen.lists();
        if let Some(at) = lists.held.iter().position(|id| *id == self.claim.id) {
            lists.held.swap_remove(at);
        }
        if !self.is_settled {
            lists.count += 1;
            let left = (lists.count, self.claim);
            lists.fallen.push(left);
            self.bell.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_settled_is_left_behind_once_and_can_be_forgotten() {
        let (fallen, bell) = (Fallen::default(), Arc::new(Notify::new()));
        let held = |id| InHand::new(Claim { id, attempt: 1 }, fallen.clone(), Arc::clone(&bell));
        held(1).settled();
        let second = held(2);
        assert!(fallen.is_held(2) && !fallen.is_held(1));
        drop(second);
        assert!(!fallen.is_held(2));
        let fell = held(3);
        let worker = std::thread::spawn(move || {
            let _held = fell;
            panic!("on purpose");
        });
        assert!(worker.join().is_err());
        let left = fallen.all();
        assert_eq!(left.iter().map(|(_, claim)| claim.id).collect::<Vec<_>>(), [2, 3]);
        fallen.forget(left[0].0);
        assert_eq!(fallen.all(), left[1..]);
    }

    #[test]
    fn a_row_that_is_left_behind_again_while_the_first_time_is_seen_to_is_not_forgotten() {
        let (fallen, bell) = (Fallen::default(), Arc::new(Notify::new()));
        let held = || InHand::new(Claim { id: 1, attempt: 1 }, fallen.clone(), Arc::clone(&bell));
        // A claim that a full disk did not take: the row is claimed again, as the same attempt.
        drop(held());
        let seen = fallen.all();
        let again = held();
        assert!(fallen.is_held(1), "so the first needs nothing done");
        drop(again);
        fallen.forget(seen[0].0);
        assert_eq!(fallen.all().len(), 1, "the worker that fell over meanwhile");
    }
}
