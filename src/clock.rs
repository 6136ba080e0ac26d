//! Time and dice: the only reader of the system's clock and of its randomness.
//!
//! Knows nothing of mail. Pure modules receive a [`Timestamp`] or numbers drawn from [`Dice`] as arguments.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A point in time: whole seconds since 1970-01-01 00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time moved by `secs` seconds (negative: earlier), held at the ends of the range.
    pub fn plus(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "@{}", self.0),
        }
    }
}

/// A clock that can be handed around: the system's, or one set by hand in tests and simulation.
#[derive(Debug, Clone)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    pub fn real() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until it is moved.
    pub fn by_hand(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.0))))
    }

    /// The time now, UTC.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(hand) => Timestamp(hand.load(Ordering::SeqCst)),
            None => Timestamp(jiff_now()),
        }
    }

    /// Moves a clock set by hand by `secs` (negative: a jump back); the system's clock is left alone.
    pub fn advance(&self, secs: i64) {
        if let Some(hand) = &self.0 {
            hand.fetch_add(secs, Ordering::SeqCst);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A source of random numbers: the operating system's, or a seed that replays exactly.
#[derive(Debug, Clone)]
pub struct Dice(Option<Arc<AtomicU64>>);

impl Dice {
    /// Dice of the operating system, fit for keys.
    pub fn real() -> Self {
        Self(None)
    }

    /// Dice that give the same numbers for the same seed; never for keys in service.
    pub fn from_seed(seed: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(seed))))
    }

    /// Eight random bytes as a number.
    pub fn draw(&self) -> u64 {
        match &self.0 {
            Some(state) => splitmix64(state),
            None => os_random(),
        }
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// Thirty-two random bytes, as for a key.
    pub fn key(&self) -> [u8; 32] {
        let mut key = [0u8; 32];
        for chunk in key.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes());
        }
        key
    }
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014).
fn splitmix64(state: &AtomicU64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = state.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads randomness")]
fn os_random() -> u64 {
    let mut bytes = [0u8; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        // The kernel has no entropy source at all: going on would hand out guessable keys.
        Err(_) => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_exactly() {
        let (a, b) = (Dice::from_seed(7), Dice::from_seed(7));
        let rolls = |d: &Dice| (0..100).map(|_| d.draw()).collect::<Vec<_>>();
        assert_eq!(rolls(&a), rolls(&b));
    }

    #[test]
    fn a_clock_set_by_hand_moves_only_by_hand() {
        let clock = Clock::by_hand(Timestamp(1000));
        let copy = clock.clone();
        clock.advance(-10);
        assert_eq!(copy.now(), Timestamp(990));
    }
}
