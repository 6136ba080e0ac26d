//! The life of a ticket: its statuses, what moves it from one to another, its number and its priority.

use crate::clock::Timestamp;
use crate::config::Reopen;
use std::fmt;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody at the desk has touched it.
    New,
    /// The desk's turn.
    Open,
    /// The requester's turn.
    Pending,
    /// Answered; a reply reopens it.
    Resolved,
    /// Final; what a reply does is the queue's policy.
    Closed,
}

impl Status {
    /// All of them, in the order of a ticket's life.
    pub const ALL: [Self; 5] = [Self::New, Self::Open, Self::Pending, Self::Resolved, Self::Closed];

    /// The word in the database, in `--json`, and in templates as a key.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether somebody still has to do something.
    pub fn is_live(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Pending)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What happens to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A requester or participant wrote.
    RequesterWrote,
    /// A requester or participant said thank you and nothing else.
    RequesterThanked,
    /// A robot wrote (out-of-office, a bounce): says nothing about whose turn it is.
    RobotWrote,
    /// An agent answered the requester.
    AgentReplied,
    /// An agent wrote a note.
    AgentNoted,
    /// `#open`.
    Open,
    /// `#pending`.
    Pend,
    /// `#resolve`.
    Resolve,
    /// `#close`.
    Close,
    /// The date of `#pending until` or `#snooze` came.
    Woke,
}

/// What an action does to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It stays as it is.
    Stay,
    /// It becomes this.
    Become(Status),
    /// The message belongs into a new ticket, linked to this one.
    NewTicket,
}

/// The table of a ticket's life, total over status and action. `closed_for_secs` counts for closed tickets only.
pub fn step(status: Status, action: Action, reopen: Reopen, closed_for_secs: i64) -> Outcome {
    use Outcome::{Become, NewTicket, Stay};
    match (action, status) {
        (Action::RequesterWrote | Action::RequesterThanked, Status::New | Status::Open) => Stay,
        (Action::RequesterThanked, Status::Resolved | Status::Closed) => Stay,
        (Action::RequesterWrote, Status::Resolved) => Become(Status::Open),
        (Action::RequesterWrote | Action::RequesterThanked, Status::Pending) => Become(Status::Open),
        (Action::RequesterWrote, Status::Closed) => match reopen {
            Reopen::Always => Become(Status::Open),
            Reopen::Within(secs) if closed_for_secs < secs => Become(Status::Open),
            Reopen::Within(_) | Reopen::Never => NewTicket,
        },
        (Action::RobotWrote | Action::AgentNoted, _) => Stay,
        (Action::AgentReplied, Status::New) => Become(Status::Open),
        (Action::AgentReplied, Status::Open | Status::Pending | Status::Resolved | Status::Closed) => Stay,
        (Action::Open, Status::Open) => Stay,
        (Action::Open, Status::New | Status::Pending | Status::Resolved | Status::Closed) => {
            Become(Status::Open)
        }
        (Action::Pend, Status::Pending) => Stay,
        (Action::Pend, Status::New | Status::Open | Status::Resolved | Status::Closed) => {
            Become(Status::Pending)
        }
        (Action::Resolve, Status::Resolved) => Stay,
        (Action::Resolve, Status::New | Status::Open | Status::Pending | Status::Closed) => {
            Become(Status::Resolved)
        }
        (Action::Close, Status::Closed) => Stay,
        (Action::Close, Status::New | Status::Open | Status::Pending | Status::Resolved) => {
            Become(Status::Closed)
        }
        (Action::Woke, Status::Pending) => Become(Status::Open),
        (Action::Woke, Status::New | Status::Open | Status::Resolved | Status::Closed) => Stay,
    }
}

/// How much a ticket hurries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Can wait.
    Low,
    /// As most.
    Normal,
    /// Before the others.
    High,
    /// Now.
    Urgent,
}

impl Priority {
    /// All of them, lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Urgent];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// The priority of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.word() == word)
    }
}

/// Fewest digits of a ticket's number.
pub const NUMBER_DIGITS_MIN: u32 = 6;

/// The range ticket numbers are drawn from: six digits, and one digit more each time a fifth of the space is used.
/// `taken` is the count of all tickets ever opened. The first number and how many there are.
pub fn number_space(taken: u64) -> (u64, u64) {
    let mut digits = NUMBER_DIGITS_MIN;
    let space = |digits: u32| 9 * 10_u64.saturating_pow(digits - 1);
    while digits < 18 && taken >= space(digits) / 5 {
        digits += 1;
    }
    (10_u64.saturating_pow(digits - 1), space(digits))
}

/// Seconds since a ticket was closed; 0 while it is not.
pub fn closed_for_secs(closed_at: Option<Timestamp>, now: Timestamp) -> i64 {
    closed_at.map_or(0, |at| now.since(at).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_of_a_tickets_life() {
        let actions = [
            Action::RequesterWrote,
            Action::RequesterThanked,
            Action::RobotWrote,
            Action::AgentReplied,
            Action::AgentNoted,
            Action::Open,
            Action::Pend,
            Action::Resolve,
            Action::Close,
            Action::Woke,
        ];
        let mut table = format!("{:18}", "");
        for status in Status::ALL {
            table += &format!("{:10}", status.word());
        }
        for action in actions {
            table += &format!("\n{:18}", format!("{action:?}"));
            for status in Status::ALL {
                let cell = match step(status, action, Reopen::Within(14 * 86400), 14 * 86400) {
                    Outcome::Stay => "-".to_owned(),
                    Outcome::Become(next) => next.word().to_owned(),
                    Outcome::NewTicket => "linked".to_owned(),
                };
                table += &format!("{cell:10}");
            }
        }
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
                          new       open      pending   resolved  closed
        RequesterWrote    -         -         open      open      linked
        RequesterThanked  -         -         open      -         -
        RobotWrote        -         -         -         -         -
        AgentReplied      open      -         -         -         -
        AgentNoted        -         -         -         -         -
        Open              open      -         open      open      open
        Pend              pending   pending   -         pending   pending
        Resolve           resolved  resolved  resolved  -         resolved
        Close             closed    closed    closed    closed    -
        Woke              -         -         open      -         -
        ");
    }

    #[test]
    fn a_reply_to_a_closed_ticket_follows_the_policy() {
        let at = |reopen, secs| step(Status::Closed, Action::RequesterWrote, reopen, secs);
        assert_eq!(at(Reopen::Never, 0), Outcome::NewTicket);
        assert_eq!(at(Reopen::Always, i64::MAX), Outcome::Become(Status::Open));
        assert_eq!(at(Reopen::Within(100), 99), Outcome::Become(Status::Open));
        assert_eq!(at(Reopen::Within(100), 100), Outcome::NewTicket);
    }

    #[test]
    fn numbers_grow_when_a_fifth_of_the_space_is_used() {
        assert_eq!(number_space(0), (100_000, 900_000));
        assert_eq!(number_space(179_999), (100_000, 900_000));
        assert_eq!(number_space(180_000), (1_000_000, 9_000_000));
        assert_eq!(number_space(1_800_000), (10_000_000, 90_000_000));
    }
}
