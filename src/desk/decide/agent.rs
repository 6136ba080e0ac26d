//! What follows from an agent's mail: a reply, a note, commands; or nothing, and a word why.

use super::act::Act;
use super::draft;
use super::send::{self, Reach};
use super::words::Complaint;
use super::{Case, behalf, desk_work, refuse, wording};
use crate::config::{Agent, Forwards};
use crate::desk::command::{self, Command};
use crate::desk::decision::{Decision, Disposition, Event, Outgoing, Template, Values};
use crate::desk::facts::TicketFacts;
use crate::desk::thread::{Match, Threaded};
use crate::mail::token::Purpose;

/// Most words of a line that says "I did not write this".
const DENIAL_WORDS_MAX: usize = 10;

/// A proven agent's mail in a ticket.
pub(super) fn in_ticket(
    case: &Case<'_>,
    agent: &Agent,
    proof: &str,
    ticket: &TicketFacts,
    found: &Match,
) -> Decision {
    if let Some(automatic) = &case.mail.automatic {
        let reason = format!("an agent's automatic mail ({}) goes to nobody", automatic.evidence);
        return Decision { number: Some(ticket.number), ..Decision::nothing(Disposition::Ignored, reason) };
    }
    let parsed = command::parse(&case.mail.fresh());
    let mut complaints: Vec<Complaint> = parsed.faults.iter().cloned().map(Complaint::Fault).collect();
    if let Some(new) = parsed.commands.iter().find(|command| matches!(command, Command::New { .. })) {
        return behalf::open(case, agent, new, &parsed);
    }
    let mut act = Act::new(case, agent, ticket);
    let is_forward = case.mail.has_forward_subject();
    let stays_inside = is_forward || case.is_for_notes() || parsed.commands.iter().any(makes_internal);
    let goes_out = parsed.commands.contains(&Command::Public);
    act.internal = stays_inside || (case.answers_a_note() && !goes_out);
    act.is_brought = is_forward && !case.is_for_notes() && !parsed.commands.contains(&Command::Note);
    for command in &parsed.commands {
        if let Err(complaint) = act.take(command) {
            complaints.push(complaint);
        }
    }
    // A question to the desk may have words of its own, or a signature: they are nobody else's.
    let only_asks = !parsed.commands.is_empty() && parsed.commands.iter().all(Command::is_question);
    if only_asks && !act.internal && !parsed.text.is_empty() {
        act.withhold();
    } else if complaints.is_empty() {
        complaints.extend(act.write(&parsed.text, parsed.commands.iter().all(is_about_the_text)).err());
    }
    if complaints.is_empty() {
        act.decision(proof, found)
    } else {
        refuse::in_ticket(case, agent, (ticket, act.internal), complaints)
    }
}

/// An agent answers the question about mail that came without proof. Any answer confirms it but one that says no: what
/// else stands in it does not matter.
pub(super) fn confirm(case: &Case<'_>, agent: &Agent, held: i64) -> Decision {
    if denies(&case.mail.fresh()) {
        let mut reach = Reach::new();
        let lines = vec![wording::denied(agent.language)];
        let values = Values { subject: case.mail.subject.clone(), lines, ..Values::default() };
        send::tell_agent(case, &mut reach, agent, draft::desk_mail(case, Template::Answer, agent, values));
        let reason = format!("agent {} says that held mail {held} is another's", agent.person.address);
        return Decision {
            events: reach.events,
            outgoing: reach.outgoing,
            ..Decision::nothing(Disposition::Agent, reason)
        };
    }
    let reason = format!("agent {} confirmed held mail {held} by its token", agent.person.address);
    Decision { events: vec![Event::Release(held)], ..Decision::nothing(Disposition::Agent, reason) }
}

/// Whether the first line is short and holds a no in English, Spanish or Portuguese. Longer lines may be those that a
/// company's server puts under each mail.
fn denies(text: &str) -> bool {
    const NO: [&str; 13] = [
        "no", "not", "never", "nope", "didn't", "didnt", "wasn't", "wasnt", "nunca", "jamás", "não", "nao",
        "jamais",
    ];
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let lower = first.to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).collect();
    words.len() <= DENIAL_WORDS_MAX && words.iter().any(|word| NO.contains(word))
}

/// Commands whose mail's text is for agents only.
fn makes_internal(command: &Command) -> bool {
    matches!(command, Command::Note | Command::Spam | Command::Forward(_))
}

/// Commands that only say who reads the text, and are nothing without one.
fn is_about_the_text(command: &Command) -> bool {
    matches!(command, Command::Note | Command::Public)
}

/// Whether the mail is a forward that opens a ticket on behalf by the queue's policy, without a command. Only an agent's
/// is looked at so: what anybody else forwards is a mail like any other. What a program forwards in an agent's name can
/// be confirmed by nobody and is a mail like any other too.
pub(super) fn forwards(case: &Case<'_>) -> bool {
    let by_policy = case.policy.queue.forwards == Forwards::Always && case.mail.automatic.is_none();
    by_policy && case.mail.is_forward() && case.mail.forwarded().is_some()
}

/// A proven agent's mail that names no ticket: desk work, a ticket on behalf of somebody, or a request of the agent's own.
pub(super) fn without_ticket(case: &Case<'_>, agent: &Agent, threaded: &Threaded) -> Decision {
    let writer = super::agent_as_writer(agent);
    if case.mail.automatic.is_some() {
        return super::requester::unmatched(case, Some(&writer), threaded);
    }
    let parsed = command::parse(&case.mail.fresh());
    if !parsed.faults.is_empty() {
        let complaints = parsed.faults.into_iter().map(Complaint::Fault).collect();
        return refuse::without_ticket(case, agent, complaints);
    }
    if let Some(new) = parsed.commands.iter().find(|command| matches!(command, Command::New { .. })) {
        return behalf::open(case, agent, new, &parsed);
    }
    if parsed.commands.is_empty() {
        if forwards(case) {
            return behalf::open(case, agent, &Command::New { acknowledge: false, requester: None }, &parsed);
        }
        if case.keys.answers_the_desk() {
            return refuse::without_ticket(case, agent, vec![Complaint::AnswersDesk]);
        }
        return super::requester::open(case, Some(&writer), threaded, None);
    }
    if parsed.commands.iter().all(Command::is_desk_work) {
        return desk_work::decide(case, agent, &parsed);
    }
    refuse::without_ticket(case, agent, vec![Complaint::NoTicket])
}

/// An agent's mail by From alone: kept without effect; the registered address is asked to confirm.
pub(super) fn hold(case: &Case<'_>, agent: &Agent, missing: &str) -> Decision {
    if let Some(automatic) = &case.mail.automatic {
        return Decision::nothing(
            Disposition::Ignored,
            format!("an agent's automatic mail ({}) goes to nobody", automatic.evidence),
        );
    }
    let mut reach = Reach::new();
    let values = Values { subject: case.mail.subject.clone(), text: case.mail.fresh(), ..Values::default() };
    let mail =
        draft::blank(Template::Confirmation, agent.person.clone(), case.policy.queue, 0, agent.language);
    let mail = Outgoing { values, purpose: Purpose::Confirm, token_number: case.facts.mail_id, ..mail };
    send::tell_agent(case, &mut reach, agent, mail);
    Decision {
        events: reach.events,
        outgoing: reach.outgoing,
        ..Decision::nothing(
            Disposition::Held,
            format!(
                "From names agent {}, without proof: {missing}; held until confirmed",
                agent.person.address
            ),
        )
    }
}
