//! Nothing is done with an agent's mail, and the agent is told why and what to write.

use super::Case;
use super::colleagues::answers;
use super::draft;
use super::send::{self, Reach};
use super::wording;
use super::words::Complaint;
use crate::config::Agent;
use crate::desk::decision::{Decision, Disposition, Event, Outgoing, Template, Values};
use crate::desk::facts::TicketFacts;
use crate::language::Language;

/// Nothing is done: the text is kept as a draft, and the agent is told what to write. `written` is the ticket, and
/// whether it was to be a note in it: then the text that is sent again is one too.
pub(super) fn in_ticket(
    case: &Case<'_>,
    agent: &Agent,
    written: (&TicketFacts, bool),
    complaints: Vec<Complaint>,
) -> Decision {
    let (ticket, internal) = written;
    let values = Values {
        lines: lines(&complaints, agent.language),
        text: case.mail.fresh(),
        readers: draft::readers(ticket),
        ..draft::values(case.config(), ticket)
    };
    let mut reach = Reach::new();
    let mail = draft::blank(
        Template::Explanation,
        agent.person.clone(),
        case.queue_of(ticket),
        ticket.number,
        agent.language,
    );
    send::tell_agent(case, &mut reach, agent, Outgoing { values, purpose: answers(internal), ..mail });
    let mut events = vec![Event::Draft(ticket.number, agent.person.clone(), case.mail.fresh())];
    events.append(&mut reach.events);
    let first = complaints.first().map(|c| c.words(Language::En)).unwrap_or_default();
    Decision {
        disposition: Disposition::Agent,
        reason: format!("nothing was done, the agent was told why: {first}"),
        number: Some(ticket.number),
        events,
        outgoing: reach.outgoing,
    }
}

/// Nothing is done: the agent is told what to write, and gets the text back.
pub(super) fn without_ticket(case: &Case<'_>, agent: &Agent, complaints: Vec<Complaint>) -> Decision {
    let mut reach = Reach::new();
    let values =
        Values { lines: lines(&complaints, agent.language), text: case.mail.fresh(), ..Values::default() };
    let mail = draft::desk_mail(case, Template::Explanation, agent, values);
    send::tell_agent(case, &mut reach, agent, mail);
    let first = complaints.first().map(|c| c.words(Language::En)).unwrap_or_default();
    Decision {
        events: reach.events,
        outgoing: reach.outgoing,
        ..Decision::nothing(Disposition::Agent, format!("nothing was done, the agent was told why: {first}"))
    }
}

/// What was wrong, and once, where a line may be no command at all, how it is sent.
fn lines(complaints: &[Complaint], language: Language) -> Vec<String> {
    let words = complaints.iter().map(|complaint| complaint.words(language));
    let may_be_text = complaints.iter().any(Complaint::may_be_text);
    words.chain(may_be_text.then(|| wording::meant_for_the_reader(language))).collect()
}
