//! Tickets on behalf: an agent forwards what a requester wrote to somewhere else, or writes for somebody who called.
//!
//! The original sender becomes the requester, and hears nothing unless the agent asks for it. What the agent writes on
//! top is a note. Nothing of the agent's own mail, its Message-ID included, ever reaches the requester.

use super::act::Act;
use super::draft;
use super::send::Reach;
use super::words::Complaint;
use super::{Case, desk_work, refuse, requester};
use crate::address::Person;
use crate::config::Agent;
use crate::desk::command::{Command, Parsed};
use crate::desk::decision::{Decision, Disposition, Event, NewMessage, NewTicket, Outgoing, Role, Template};
use crate::desk::facts::TicketFacts;
use crate::desk::thread::bare_subject;
use crate::mail::forward::Forwarded;
use crate::mail::ids::MessageId;
use crate::mail::token::Purpose;

/// Most forwards of one mail that are looked beneath.
const FORWARDS_MAX: usize = 5;

/// What the ticket is made of.
struct Origin {
    requester: Person,
    subject: String,
    /// The requester's words, where something is forwarded; empty where that is a picture, say, and nothing else.
    text: Option<String>,
    id: Option<MessageId>,
}

/// Opens the ticket, with the commands of the same mail at work on it.
pub(super) fn open(case: &Case<'_>, agent: &Agent, command: &Command, parsed: &Parsed) -> Decision {
    let Command::New { acknowledge, requester } = command else {
        return refuse::without_ticket(case, agent, vec![Complaint::NothingForwarded]);
    };
    let named = requester.as_ref().map(|address| Person::new("", address.clone()));
    let origin = match origin(case, named) {
        Ok(origin) => origin,
        Err(complaint) => return refuse::without_ticket(case, agent, vec![complaint]),
    };
    let new = new_ticket(case, &origin);
    let mut ticket = requester::fresh_facts(case, &new, case.facts.fresh_number);
    ticket.message_ids = origin.id.iter().cloned().collect();
    let mut act = Act::new(case, agent, &ticket);
    act.internal = true;
    let mut complaints: Vec<Complaint> = parsed.faults.iter().cloned().map(Complaint::Fault).collect();
    complaints.extend(parsed.commands.iter().filter_map(|command| act.take(command).err()));
    if complaints.is_empty() && !parsed.text.is_empty() {
        complaints.extend(act.write(&parsed.text, false).err());
    }
    if !complaints.is_empty() {
        return refuse::without_ticket(case, agent, complaints);
    }
    decision(case, agent, *acknowledge, (new, origin), act)
}

/// Who is meant: the address that the command names, with the words of what is forwarded where something is.
fn origin(case: &Case<'_>, named: Option<Person>) -> Result<Origin, Complaint> {
    let outer = case.mail.forwarded();
    let known = |id: &MessageId| case.facts.known_ids.iter().find(|(known, _)| known == id).map(|(_, n)| *n);
    let id = outer.as_ref().and_then(|mail| mail.message_id.clone().or_else(|| referenced(case)));
    if let Some(number) = id.as_ref().and_then(known) {
        return Err(Complaint::AlreadyThere(number));
    }
    let of_agents = outer.as_ref().and_then(|mail| beneath_agents(case, mail));
    // The outer mail's id is an agent's, of which the requester must not hear.
    let id = id.filter(|_| of_agents.is_none());
    let forwarded = of_agents.or(outer);
    let subject = match &forwarded {
        Some(mail) if !mail.subject.is_empty() => mail.subject.clone(),
        _ => case.mail.subject.clone(),
    };
    let text = forwarded.as_ref().map(|mail| mail.text.clone());
    let requester = named.or(forwarded.map(|mail| mail.from)).ok_or(Complaint::NothingForwarded)?;
    if case.config().is_own(&requester.address) {
        return Err(Complaint::OwnAddress(requester.address.to_string()));
    }
    Ok(Origin { requester, subject, text, id })
}

/// What agents forwarded to one another on the way to the desk: the mail beneath theirs.
fn beneath_agents(case: &Case<'_>, outer: &Forwarded) -> Option<Forwarded> {
    let is_agents = |mail: &Forwarded| case.config().agent(&mail.from.address).is_some();
    let mut beneath = None;
    for _ in 0..FORWARDS_MAX {
        let mail = beneath.as_ref().unwrap_or(outer);
        if !is_agents(mail) {
            break;
        }
        let Some(inner) = mail.inner() else { break };
        beneath = Some(inner);
    }
    beneath
}

/// Clients name what they forward inline in References or In-Reply-To; the nearest that is not ours.
fn referenced(case: &Case<'_>) -> Option<MessageId> {
    let ours = case.config().desk.domain.to_ascii_lowercase();
    case.mail.points_at().find(|id| id.right() != ours).cloned()
}

fn new_ticket(case: &Case<'_>, origin: &Origin) -> NewTicket {
    let queue = case.policy.queue;
    NewTicket {
        queue: queue.name.clone(),
        subject: bare_subject(&origin.subject, &case.config().desk.tag),
        requester: Some(origin.requester.clone()),
        language: origin.text.as_deref().and_then(crate::mail::language::of_text).unwrap_or(queue.language),
        continues: None,
        mentions: Vec::new(),
    }
}

fn decision(
    case: &Case<'_>,
    agent: &Agent,
    acknowledge: bool,
    made: (NewTicket, Origin),
    mut act: Act<'_, '_>,
) -> Decision {
    let (new, origin) = made;
    let number = case.facts.fresh_number;
    let mut events = vec![Event::Open(number, new)];
    events.extend(origin.id.iter().map(|id| Event::Reference(number, id.clone())));
    events.extend(the_mail(agent, &origin, &act).map(|message| Event::Message(number, message)));
    if act.ticket.assignee.is_none()
        && let Some(load) = requester::turn(case.policy.queue, &case.facts.loads, case.now)
    {
        act.ticket.assignee = Some(load.agent.clone());
        act.events.push(Event::Assign(number, Some(load.agent.clone())));
    }
    if origin.text.is_some() {
        // The mail is what it forwards; the note stands beside it.
        act.note_is_beside();
    }
    events.append(&mut act.events);
    events.push(Event::Remark(
        number,
        format!("opened on behalf of {} by {}", origin.requester.address, agent.person.address),
    ));
    let mut reach = Reach::new();
    if acknowledge {
        acknowledgement(case, &mut reach, &act.ticket);
    }
    tell(case, &mut reach, &act.ticket, &origin);
    for command in &act.asked {
        desk_work::answer(case, &mut reach, agent, Some((&act.ticket, false)), command);
    }
    events.append(&mut reach.events);
    Decision {
        disposition: Disposition::Agent,
        reason: format!(
            "agent {} opened a ticket on behalf of {}",
            agent.person.address, origin.requester.address
        ),
        number: Some(number),
        events,
        outgoing: reach.outgoing,
    }
}

/// The message that the mail becomes: the requester's own words, however few, for what is attached belongs to them; without
/// any the agent's note. `None` when what the agent wrote is there already.
fn the_mail(agent: &Agent, origin: &Origin, act: &Act<'_, '_>) -> Option<NewMessage> {
    let is_written = act.events.iter().any(|event| matches!(event, Event::Message(..)));
    if origin.text.is_none() && is_written {
        return None;
    }
    let (role, author) = match origin.text {
        Some(_) => (Role::Requester, &origin.requester),
        None => (Role::Agent, &agent.person),
    };
    Some(NewMessage {
        internal: origin.text.is_none(),
        role,
        author: Some(author.clone()),
        text: origin.text.clone().unwrap_or_default(),
        folded: String::new(),
        is_the_mail: true,
    })
}

/// The agent asks for it and is proven, so the requester's own words may be repeated; it answers the original mail.
fn acknowledgement(case: &Case<'_>, reach: &mut Reach, ticket: &TicketFacts) {
    let Some(requester) = &ticket.requester else { return };
    if reach.spend_answer(case, &requester.address, ticket.number).is_err() {
        return;
    }
    let mut values = draft::values(case.config(), ticket);
    values.sender_is_proven = true;
    let queue = case.queue_of(ticket);
    reach.outgoing.push(Outgoing {
        values,
        in_reply_to: ticket.message_ids.last().cloned(),
        references: ticket.message_ids.clone(),
        ..draft::blank(Template::Acknowledgement, requester.clone(), queue, ticket.number, ticket.language)
    });
}

/// All whom the ticket concerns hear of it, the agent who opened it too: there must be something to reply to.
fn tell(case: &Case<'_>, reach: &mut Reach, ticket: &TicketFacts, origin: &Origin) {
    let queue = case.queue_of(ticket);
    let mut values = draft::values(case.config(), ticket);
    values.author_name = origin.requester.label().to_owned();
    values.author_address = origin.requester.address.to_string();
    let words = origin.text.clone().filter(|text| !text.is_empty());
    values.text = words.unwrap_or_else(|| case.mail.fresh());
    values.readers = draft::readers(ticket);
    values.is_new = true;
    for agent in draft::concerned(case.config(), ticket, queue) {
        if case.facts.paused.contains(&agent.person.address) {
            continue;
        }
        reach.outgoing.push(Outgoing {
            values: values.clone(),
            purpose: Purpose::Agent,
            from_name: origin.requester.label().to_owned(),
            attachments: true,
            ..draft::blank(Template::Notification, agent.person.clone(), queue, ticket.number, agent.language)
        });
    }
}
