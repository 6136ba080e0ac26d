//! When to try again: a pure function of the attempt's number, the kind of failure and a random draw.
//!
//! Knows nothing of what is being tried.

use crate::clock::Timestamp;

/// How long the waits between attempts grow, and when to stop. All in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Wait after the first failure.
    pub first_secs: i64,
    /// No wait is longer than this, before jitter.
    pub longest_secs: i64,
    /// After this long since the first attempt, give up.
    pub give_up_secs: i64,
}

/// Outgoing mail: a minute at first, four hours at most, for a week (RFC 5321 4.5.4.1 asks for four to five days at least).
pub const OUTBOX: Backoff = Backoff { first_secs: 60, longest_secs: 4 * 3600, give_up_secs: 7 * 86400 };

/// Connections to a mailbox or relay that is down: never given up.
pub const CONNECT: Backoff = Backoff { first_secs: 1, longest_secs: 300, give_up_secs: i64::MAX };

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again at this time.
    At(Timestamp),
    /// Do not try again.
    GiveUp,
}

impl Backoff {
    /// The wait in seconds after failed attempt number `attempt` (1 is the first), doubled each time, plus up to a
    /// fifth of jitter taken from `roll` so that many waits made at once do not end at once.
    pub fn wait_secs(&self, attempt: u32, roll: u64) -> i64 {
        let doublings = attempt.saturating_sub(1).min(30);
        let wait = self.first_secs.saturating_mul(1_i64 << doublings).min(self.longest_secs);
        let jitter = i64::try_from(roll % 1000).unwrap_or(0).saturating_mul(wait) / 5000;
        wait.saturating_add(jitter)
    }

    /// When to try again after failed attempt `attempt`, for something first tried at `started`.
    pub fn next(&self, attempt: u32, started: Timestamp, now: Timestamp, roll: u64) -> Next {
        if now.since(started) >= self.give_up_secs {
            return Next::GiveUp;
        }
        Next::At(now.plus(self.wait_secs(attempt, roll)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end_after_a_week() {
        let waits: Vec<i64> = (1..=10).map(|n| OUTBOX.wait_secs(n, 0)).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3840, 7680, 14400, 14400]);
        let start = Timestamp(0);
        assert_eq!(
            OUTBOX.next(3, start, Timestamp(7 * 86400 - 1), 0),
            Next::At(Timestamp(7 * 86400 - 1 + 240))
        );
        assert_eq!(OUTBOX.next(3, start, Timestamp(7 * 86400), 0), Next::GiveUp);
    }

    #[test]
    fn jitter_adds_a_fifth_at_most() {
        assert_eq!(OUTBOX.wait_secs(1, 999), 71);
        assert_eq!(
            CONNECT.wait_secs(u32::MAX, u64::MAX),
            300 + i64::try_from(u64::MAX % 1000).unwrap() * 300 / 5000
        );
    }
}
