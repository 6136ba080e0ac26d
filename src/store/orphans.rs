//! Live tickets whose agent is gone from the configuration. Nobody is answerable for them, though all agents of their
//! queue hear of them.

use super::StoreError;
use super::read::Reader;
use crate::address::Address;
use crate::config::Config;
use std::fmt;

/// Ticket numbers that are named of each agent who is gone.
const NAMED_MAX: i64 = 10;

/// What to do about them.
pub const REMEDY: &str =
    "all agents of the queue hear of them; give them to somebody: postdesk ticket assign NUMBER ADDRESS";

/// The live tickets of one agent who is no longer configured.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Orphans {
    /// Whose they were.
    pub assignee: String,
    /// How many.
    pub count: i64,
    /// The numbers of the oldest.
    pub numbers: Vec<i64>,
}

impl Reader {
    /// Live tickets assigned to somebody who is no agent in `config`.
    pub fn orphans(&self, config: &Config) -> Result<Vec<Orphans>, StoreError> {
        let known = |address: &str| Address::parse(address).is_some_and(|a| config.agent(&a).is_some());
        let assigned = self.live_by_assignee()?;
        let gone = assigned.into_iter().filter(|(assignee, _)| !assignee.is_empty() && !known(assignee));
        gone.map(|(assignee, count)| {
            Ok(Orphans { numbers: self.oldest_live_of(&assignee)?, assignee, count })
        })
        .collect()
    }

    fn oldest_live_of(&self, assignee: &str) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT number FROM ticket WHERE assignee = ?1 AND status IN ('new', 'open', 'pending') ORDER BY id LIMIT ?2";
        let mut statement = self.db().prepare_cached(sql)?;
        let rows = statement.query_map((assignee, NAMED_MAX), |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for Orphans {
    /// How many and which, without the agent's address: the log holds nobody's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(ToString::to_string).collect();
        let more = if self.count > NAMED_MAX { ", …" } else { "" };
        let noun = if self.count == 1 { "live ticket" } else { "live tickets" };
        write!(f, "{} {noun} ({}{more})", self.count, numbers.join(", "))
    }
}
