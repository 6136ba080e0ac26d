//! What follows from the passing of time: a ticket that was put off wakes.

use crate::config::Reopen;
use crate::desk::decision::{Decision, Disposition, Event};
use crate::desk::ticket::{self, Action, Outcome, Status};

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
