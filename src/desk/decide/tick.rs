//! What follows from the passing of time: a ticket that was put off wakes.

use super::draft::blank;
use crate::clock::Timestamp;
use crate::config::{Agent, Config, Reopen};
use crate::desk::decision::{Decision, Disposition, Event, Outgoing, Row, Template, Values};
use crate::desk::ticket::{self, Action, Outcome, Status};
use crate::mail::token::Purpose;

/// Hours after the digest's own in which it is still sent, where the desk was down at its hour.
const DIGEST_HOURS: i8 = 6;

/// A ticket whose wake time has come.
pub fn wake(number: i64, status: Status) -> Decision {
    let mut events = vec![Event::Wake(number, None)];
    if let Outcome::Become(next) = ticket::step(status, Action::Woke, Reopen::Never, 0) {
        events.push(Event::Status(number, next));
    }
    Decision {
        events,
        number: Some(number),
        ..Decision::nothing(Disposition::Agent, "the date it was put off to has come")
    }
}

/// The local day whose digest is due for an agent at `now`; `last` is the day of the one before.
pub fn digest_day(agent: &Agent, last: &str, now: Timestamp) -> Option<jiff::civil::Date> {
    let hour = agent.digest_hour?;
    let local = jiff::Timestamp::from_second(now.0).ok()?.to_zoned(agent.time_zone.clone());
    let is_time = (hour..hour.saturating_add(DIGEST_HOURS)).contains(&local.hour());
    (is_time && local.date().to_string() != last).then(|| local.date())
}

/// The morning digest: what waits, oldest first. A day on which nothing waits is noted, and nothing is sent.
pub fn digest(config: &Config, agent: &Agent, day: jiff::civil::Date, rows: Vec<Row>) -> Decision {
    let queue =
        config.queues.iter().find(|queue| config.agents_of(queue).any(|a| a.is(&agent.person.address)));
    let mut outgoing = Vec::new();
    if let Some(queue) = queue.or(config.queues.first()).filter(|_| !rows.is_empty()) {
        let mail = blank(Template::Digest, agent.person.clone(), queue, 0, agent.language);
        outgoing.push(Outgoing {
            values: Values { rows, ..Values::default() },
            purpose: Purpose::Desk,
            ..mail
        });
    }
    Decision {
        events: vec![Event::Digest(agent.person.address.clone(), day)],
        outgoing,
        ..Decision::nothing(Disposition::Agent, "the morning digest")
    }
}
