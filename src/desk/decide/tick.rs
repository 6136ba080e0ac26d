//! What follows from the passing of time: a ticket that was put off wakes.

use super::admin::tell_admins;
use super::draft::{blank, concerned, readers, values};
use super::{send, wording};
use crate::address::Address;
use crate::clock::Timestamp;
use crate::config::{Agent, Config, Queue, Reopen};
use crate::desk::decision::{BudgetKey, Decision, Disposition, Event, Outgoing, Row, Template, Values};
use crate::desk::facts::{Said, TicketFacts};
use crate::desk::ticket::{self, Action, Outcome};
use crate::mail::token::Purpose;

/// Hours after the digest's own in which it is still sent, where the desk was down at its hour.
const DIGEST_HOURS: i8 = 6;

/// Messages of a ticket that are shown when it wakes: the newest.
pub const SHOWN_AT_WAKING: i64 = 3;

/// What is known beside the ticket itself when it wakes.
#[derive(Debug, Clone, Copy)]
pub struct Waking<'a> {
    /// What was said last, at most [`SHOWN_AT_WAKING`] messages.
    pub said: &'a [Said],
    /// Addresses that mail is not sent to for now.
    pub paused: &'a [Address],
    /// How often agents were told of anything this hour: thousands of tickets may wake at once.
    pub notified: u32,
    /// What the admins have been told this hour.
    pub told: &'a [String],
}

/// A ticket whose wake time has come: the desk's turn is back, and the agents whom it concerns are told, with what was
/// said last.
pub fn wake(config: &Config, ticket: &TicketFacts, known: Waking<'_>) -> Decision {
    let number = ticket.number;
    let mut events = vec![Event::Wake(number, None)];
    let mut outgoing = Vec::new();
    if let Outcome::Become(next) = ticket::step(ticket.status, Action::Woke, Reopen::Never, 0) {
        events.push(Event::Status(number, next));
        let woken = TicketFacts { status: next, ..ticket.clone() };
        if let Some(queue) = config.queue(&ticket.queue).or(config.queues.first()) {
            let (more, mails) = call_within_budget(config, queue, &woken, known);
            events.extend(more);
            outgoing = mails;
        }
    }
    Decision {
        events,
        outgoing,
        number: Some(number),
        ..Decision::nothing(Disposition::Agent, "the date it was put off to has come")
    }
}

/// The agents' mail, as one round of notifications; when those are used up for this hour, the admins hear of that.
fn call_within_budget(
    config: &Config,
    queue: &Queue,
    ticket: &TicketFacts,
    known: Waking<'_>,
) -> (Vec<Event>, Vec<Outgoing>) {
    let bound = config.budgets.in_all;
    if known.notified >= bound {
        let (about, line) =
            send::used_up(&format!("{}: {bound} an hour", send::NOTIFICATIONS), &BudgetKey::Notifications);
        return tell_admins(config, queue, known.told, &about, &line);
    }
    let mails = call(config, queue, ticket, known.said, known.paused);
    (vec![Event::Spend(vec![BudgetKey::Notifications])], mails)
}

/// The agents' mail about a ticket that woke; a reply to it answers the ticket.
fn call(
    config: &Config,
    queue: &Queue,
    ticket: &TicketFacts,
    said: &[Said],
    paused: &[Address],
) -> Vec<Outgoing> {
    let agents = concerned(config, ticket, queue).into_iter();
    let mail = |agent: &Agent| {
        let values = Values {
            lines: vec![wording::woke(agent.language)],
            text: wording::conversation(said, wording::SHOWN_CHARS, &agent.time_zone, agent.language),
            readers: readers(ticket),
            ..values(config, ticket)
        };
        let to = agent.person.clone();
        let blank = blank(Template::Answer, to, queue, ticket.number, agent.language);
        Outgoing { values, purpose: Purpose::Agent, ..blank }
    };
    agents.filter(|agent| !paused.contains(&agent.person.address)).map(mail).collect()
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
