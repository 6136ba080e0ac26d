//! What follows from a delivery report: the outgoing mail it is about is marked, the ticket remembers it, the agents
//! hear of it. A report that names no mail of ours changes nothing.

use super::send::Reach;
use super::{Case, outcome};
use crate::desk::decision::{Decision, Disposition, Event};
use crate::desk::facts::OutboxFacts;
use crate::mail::bounce::{Bounce, BounceKind};

/// How long nothing is sent to an address that does not exist, in seconds: two weeks.
pub const PAUSE_SECS: i64 = 14 * 86400;

/// Decides about a delivery report.
pub(super) fn decide(case: &Case<'_>, report: &Bounce) -> Decision {
    // Our Message-IDs hold an unguessable token, so naming one is the proof that the reporter saw the mail.
    let about: Vec<&OutboxFacts> = case.facts.outbox.iter().collect();
    let Some(first) = about.first() else {
        return Decision::nothing(
            Disposition::Bounce,
            "a delivery report about nothing we sent: nothing changed",
        );
    };
    let (mut events, mut reach) = (Vec::new(), Reach::new());
    for row in about.iter().filter(|row| !row.bounced || report.kind == BounceKind::Hard) {
        let said = said(report, row);
        events.push(Event::Bounced {
            outbox: row.id,
            number: row.number,
            kind: report.kind,
            said: said.clone(),
        });
        if report.kind == BounceKind::Hard && address_is_dead(report, row) {
            events.push(Event::Pause(row.recipient.clone(), case.now.plus(PAUSE_SECS)));
        }
        if report.kind != BounceKind::Delayed && !row.bounced {
            tell(case, &mut reach, row, &said);
        }
    }
    events.append(&mut reach.events);
    Decision {
        disposition: Disposition::Bounce,
        reason: format!("a {:?} delivery report about mail to {}", report.kind, first.recipient),
        number: first.number,
        events,
        outgoing: reach.outgoing,
    }
}

/// Those who should know, within the budget: acknowledgements of a flood of forged senders all come back.
fn tell(case: &Case<'_>, reach: &mut Reach, row: &OutboxFacts, said: &str) {
    let ticket = row.number.and_then(|number| case.facts.ticket(number));
    let to_agents = ticket.filter(|_| !row.template.is_internal());
    if to_agents.is_some_and(|ticket| reach.spend_notification(case, ticket.number).is_err()) {
        return;
    }
    let (events, mails) = outcome::tell(case.config(), row, ticket, &case.facts.told, said);
    reach.events.extend(events);
    reach.outgoing.extend(mails);
}

/// The report's words about this recipient; of the first where it names another (a forwarder's target).
fn said(report: &Bounce, row: &OutboxFacts) -> String {
    let own = report.recipients.iter().find(|r| r.address == row.recipient).or(report.recipients.first());
    own.map_or_else(
        || "no recipient is named in the report".to_owned(),
        |r| {
            format!("{}: {} {}", r.address, r.status.as_deref().unwrap_or("no status"), r.diagnostic)
                .trim()
                .to_owned()
        },
    )
}

/// What is wrong with the sender's address and not the recipient's: RFC 3463 X.1.7 and X.1.8, and Exchange's "the sender
/// wrote to too many". Our own fault must not silence everybody.
const OF_SENDER: [&str; 3] = ["5.1.7", "5.1.8", "5.1.90"];

/// Whether the report says that the address itself is bad (RFC 3463 X.1.x), not that this mail was unwelcome.
fn address_is_dead(report: &Bounce, row: &OutboxFacts) -> bool {
    report
        .recipients
        .iter()
        .filter(|r| r.address == row.recipient)
        .any(|r| r.status.as_deref().is_some_and(|s| s.starts_with("5.1.") && !OF_SENDER.contains(&s)))
}
