//! What outgoing mail is begun with: an empty one, the values of a ticket, the agents it concerns, who reads it.

use super::Case;
use crate::address::Person;
use crate::config::{Agent, Config, Queue};
use crate::desk::decision::{Outgoing, Template, Values};
use crate::desk::facts::TicketFacts;
use crate::desk::thread::bare_subject;
use crate::language::Language;
use crate::mail::token::Purpose;

/// An outgoing mail with nothing in it yet.
pub(super) fn blank(
    template: Template,
    to: Person,
    queue: &Queue,
    number: i64,
    language: Language,
) -> Outgoing {
    Outgoing {
        template,
        to,
        queue: queue.name.clone(),
        number,
        purpose: Purpose::Requester,
        token_number: number,
        language,
        author: None,
        from_name: String::new(),
        in_reply_to: None,
        references: Vec::new(),
        values: Values::default(),
        attachments: false,
        hold_secs: 0,
        may_leave: false,
    }
}

/// A mail to an agent about no ticket: what answers it is desk work. So no tag stands in its subject, by which an answer to a
/// list would be an answer to whom the ticket is with.
pub(super) fn desk_mail(case: &Case<'_>, template: Template, agent: &Agent, values: Values) -> Outgoing {
    let blank = blank(template, agent.person.clone(), case.policy.queue, 0, agent.language);
    let subject = bare_subject(&values.subject, &case.config().desk.tag);
    Outgoing { values: Values { subject, ..values }, purpose: Purpose::Desk, ..blank }
}

/// What every template about a ticket can show.
pub(super) fn values(config: &Config, ticket: &TicketFacts) -> Values {
    let assignee = ticket.assignee.as_ref().and_then(|address| config.agent(address));
    Values {
        subject: ticket.subject.clone(),
        status: ticket.status.word().to_owned(),
        priority: ticket.priority.word().to_owned(),
        opened_at: ticket.opened_at.0,
        requester_name: ticket.requester.as_ref().map(|p| p.name.clone()).unwrap_or_default(),
        requester_address: ticket.requester.as_ref().map(|p| p.address.to_string()).unwrap_or_default(),
        assignee_name: assignee.map(|agent| agent.person.label().to_owned()).unwrap_or_default(),
        continues: ticket.continues.unwrap_or(0),
        ..Values::default()
    }
}

/// The agents whom a ticket concerns: the one who has it and those who watch, else all of its queue.
pub(super) fn concerned<'a>(config: &'a Config, ticket: &TicketFacts, queue: &'a Queue) -> Vec<&'a Agent> {
    let assigned = ticket.assignee.as_ref().and_then(|address| config.agent(address));
    let mut agents: Vec<&Agent> = match assigned {
        Some(agent) => vec![agent],
        None => config.agents_of(queue).collect(),
    };
    for watcher in ticket.watchers.iter().filter_map(|address| config.agent(address)) {
        if !agents.iter().any(|agent| agent.person.address == watcher.person.address) {
            agents.push(watcher);
        }
    }
    agents
}

/// Who reads an agent's reply in this ticket.
pub(super) fn readers(ticket: &TicketFacts) -> Vec<String> {
    ticket.requester.iter().chain(&ticket.participants).map(|person| person.address.to_string()).collect()
}

/// What is folded away of the mail: everything that is not fresh.
pub(super) fn folded(case: &Case<'_>) -> String {
    let rest = case.mail.body.iter().filter(|span| span.kind != crate::mail::SpanKind::Fresh);
    rest.map(|span| span.text.as_str()).collect::<String>().trim().to_owned()
}
