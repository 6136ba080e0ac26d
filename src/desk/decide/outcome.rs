//! What follows when an outgoing mail could not be delivered, or may not have been: those who should know are told.

use super::admin::tell_admins;
use super::draft::{blank, concerned, readers, values};
use crate::config::Config;
use crate::desk::decision::{Decision, Disposition, Event, Outgoing, Template, Values};
use crate::desk::facts::{OutboxFacts, TicketFacts};
use crate::mail::token::Purpose;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The relay refused it for good, or did not take it for a week.
    Failed,
    /// The connection died before the relay's word: it may have arrived or not, and is not sent again by itself.
    Uncertain,
}

/// Decides about an outgoing mail that the relay refused, or about which it never said a word.
pub fn undelivered(
    config: &Config,
    row: &OutboxFacts,
    ticket: Option<&TicketFacts>,
    told: &[String],
    trouble: Trouble,
    said: &str,
) -> Decision {
    let what = match trouble {
        Trouble::Failed => "could not be delivered",
        Trouble::Uncertain => "may not have been delivered",
    };
    let said = format!("{}: {said}", row.recipient);
    let (mut events, outgoing) = tell(config, row, ticket, told, &said);
    events.extend(
        ticket.map(|ticket| {
            Event::Remark(ticket.number, format!("mail {what} ({}) {said}", row.template.name()))
        }),
    );
    Decision {
        events,
        outgoing,
        number: row.number,
        ..Decision::nothing(Disposition::Bounce, format!("mail {what}"))
    }
}

/// Agents hear of mail to requesters that did not arrive; admins of mail to agents. About such words themselves nobody
/// is told, or two dead addresses would keep each other busy.
pub(super) fn tell(
    config: &Config,
    row: &OutboxFacts,
    ticket: Option<&TicketFacts>,
    told: &[String],
    said: &str,
) -> (Vec<Event>, Vec<Outgoing>) {
    let queue = ticket.and_then(|ticket| config.queue(&ticket.queue)).or(config.queues.first());
    let Some(queue) = queue else { return (Vec::new(), Vec::new()) };
    if row.template.is_internal() {
        if matches!(row.template, Template::Admin | Template::Undelivered) {
            return (Vec::new(), Vec::new());
        }
        let line = format!("Mail to the agent {} was not delivered: {said}", row.recipient);
        return tell_admins(config, queue, told, &format!("undelivered {}", row.recipient), &line);
    }
    let Some(ticket) = ticket else { return (Vec::new(), Vec::new()) };
    let values = Values {
        lines: vec![said.to_owned()],
        author_address: row.recipient.to_string(),
        readers: readers(ticket),
        ..values(config, ticket)
    };
    let mut agents = concerned(config, ticket, queue);
    // Who wrote it waits for the answer most, whoever has the ticket by now.
    let author = row.author.as_ref().and_then(|author| config.agent(author));
    agents.extend(author.filter(|a| agents.iter().all(|known| known.person.address != a.person.address)));
    let mails = agents.into_iter().map(|agent| {
        let mail = blank(Template::Undelivered, agent.person.clone(), queue, ticket.number, agent.language);
        Outgoing { values: values.clone(), purpose: Purpose::Agent, ..mail }
    });
    (Vec::new(), mails.collect())
}
