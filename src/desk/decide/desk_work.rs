//! Desk work by mail: lists, one ticket, a search, figures, help, an agent's absence. What is shown was read before, in
//! answer to the questions that `thread::keys` found in the mail; here it is put into words.

use super::colleagues::answers;
use super::draft;
use super::send::{self, Reach};
use super::when::away_until;
use super::words::Complaint;
use super::{Case, wording};
use crate::config::Agent;
use crate::desk::command::{Command, Parsed};
use crate::desk::decision::{Decision, Disposition, Event, Outgoing, Row, Template, Values};
use crate::desk::facts::{Ask, TicketFacts};
use crate::mail::token::Purpose;

/// Fewest words of a line that is more than a part of a signature.
const SENTENCE_WORDS: usize = 4;

/// A proven agent's mail with nothing but desk work in it.
pub(super) fn decide(case: &Case<'_>, agent: &Agent, parsed: &Parsed) -> Decision {
    let mut reach = Reach::new();
    let mut events = Vec::new();
    let me = &agent.person.address;
    for command in &parsed.commands {
        match command {
            Command::Away(until) => match away_until(case, agent, until.as_ref()) {
                Ok(until) => events.push(Event::Away(me.clone(), Some(until))),
                Err(complaint) => return super::refuse::without_ticket(case, agent, vec![complaint]),
            },
            Command::Back => events.push(Event::Away(me.clone(), None)),
            other => answer(case, &mut reach, agent, None, other),
        }
    }
    if has_a_sentence(&parsed.text) {
        say(case, &mut reach, agent, wording::beside(agent.language));
    }
    events.append(&mut reach.events);
    Decision {
        events,
        outgoing: reach.outgoing,
        ..Decision::nothing(Disposition::Agent, format!("agent {me}: desk work, answered by mail"))
    }
}

/// Whether there is more in a text than a name, a greeting or a telephone.
fn has_a_sentence(text: &str) -> bool {
    text.lines().any(|line| line.split_whitespace().count() >= SENTENCE_WORDS)
}

/// One line to the agent, about no ticket.
fn say(case: &Case<'_>, reach: &mut Reach, agent: &Agent, line: String) {
    let values = Values { subject: case.mail.subject.clone(), lines: vec![line], ..Values::default() };
    send::tell_agent(case, reach, agent, draft::desk_mail(case, Template::Answer, agent, values));
}

/// The answer to one request. `ticket` is the one the mail is about, where it is about one, and whether what the mail
/// says there is a note.
pub(super) fn answer(
    case: &Case<'_>,
    reach: &mut Reach,
    agent: &Agent,
    ticket: Option<(&TicketFacts, bool)>,
    command: &Command,
) {
    let found = match command {
        Command::Help => return help(case, reach, agent, ticket),
        Command::Show(number) => return show(case, reach, agent, *number),
        Command::List(listing) => Ask::List(listing.clone()),
        Command::Search(words) => Ask::Search(words.clone()),
        Command::Report => Ask::Report,
        _ => return,
    };
    let rows = rows(case, &found);
    let lines = match command {
        Command::List(listing) => vec![wording::list(listing, rows.len(), agent.language)],
        Command::Search(words) => vec![wording::search(words, rows.len(), agent.language)],
        _ => wording::figures(&case.facts.figures, agent.language),
    };
    let values = Values { subject: case.mail.subject.clone(), lines, rows, ..Values::default() };
    send::tell_agent(case, reach, agent, draft::desk_mail(case, Template::Answer, agent, values));
}

fn rows(case: &Case<'_>, ask: &Ask) -> Vec<Row> {
    let found = case.facts.found.iter().find(|(asked, _)| asked == ask);
    found.map(|(_, rows)| rows.clone()).unwrap_or_default()
}

/// One ticket with its conversation, notes included; a reply to this mail is a reply in the ticket.
fn show(case: &Case<'_>, reach: &mut Reach, agent: &Agent, number: i64) {
    let ticket = case.facts.ticket(number).filter(|ticket| case.agent_may_act(agent, ticket.number));
    let Some(ticket) = ticket else {
        return say(case, reach, agent, Complaint::NoSuchTicket(number).words(agent.language));
    };
    let said = case.facts.conversations.get(&ticket.number).map(Vec::as_slice).unwrap_or_default();
    let values = Values {
        rows: rows(case, &Ask::Show(number)),
        text: wording::conversation(said, wording::SHOWN_CHARS, &agent.time_zone, agent.language),
        readers: draft::readers(ticket),
        ..draft::values(case.config(), ticket)
    };
    let mail = draft::blank(
        Template::Answer,
        agent.person.clone(),
        case.queue_of(ticket),
        ticket.number,
        agent.language,
    );
    send::tell_agent(case, reach, agent, Outgoing { values, purpose: Purpose::Agent, ..mail });
}

fn help(case: &Case<'_>, reach: &mut Reach, agent: &Agent, ticket: Option<(&TicketFacts, bool)>) {
    let to = agent.person.clone();
    let mail = match ticket {
        None => draft::desk_mail(case, Template::Help, agent, Values::default()),
        Some((ticket, internal)) => Outgoing {
            values: Values { readers: draft::readers(ticket), ..draft::values(case.config(), ticket) },
            purpose: answers(internal),
            ..draft::blank(Template::Help, to, case.queue_of(ticket), ticket.number, agent.language)
        },
    };
    send::tell_agent(case, reach, agent, mail);
}
