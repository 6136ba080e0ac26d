//! Times as agents write them, in their own time zone, into moments.

use super::Case;
use super::words::Complaint;
use crate::clock::Timestamp;
use crate::config::Agent;
use crate::desk::command::When;

/// Local hour at which a ticket wakes that an agent put off until a date.
const WAKE_HOUR: i8 = 8;

/// How long an agent is away who names no day, in seconds: until `#back`, or ten years.
const AWAY_SECS: i64 = 3650 * 86400;

/// Until when an agent is away.
pub(super) fn away_until(
    case: &Case<'_>,
    agent: &Agent,
    until: Option<&When>,
) -> Result<Timestamp, Complaint> {
    until.map_or(Ok(case.now.plus(AWAY_SECS)), |when| time(case, agent, when))
}

/// The moment an agent means, in the agent's time zone; it must be to come.
pub(super) fn time(case: &Case<'_>, agent: &Agent, when: &When) -> Result<Timestamp, Complaint> {
    match when {
        When::Hours(hours) => Ok(case.now.plus(hours.saturating_mul(3600))),
        When::Date(date) => {
            let past = || Complaint::Past(date.to_string());
            let zoned = date.at(WAKE_HOUR, 0, 0, 0).to_zoned(agent.time_zone.clone()).map_err(|_| past())?;
            let at = Timestamp(zoned.timestamp().as_second());
            if at <= case.now { Err(past()) } else { Ok(at) }
        }
    }
}
