//! Word to the other agents of what somebody of the desk wrote, and of a reply that was taken back.

use super::Case;
use super::draft;
use super::send::Reach;
use super::wording;
use crate::config::Agent;
use crate::desk::decision::{NewMessage, Outgoing, Template, Values};
use crate::desk::facts::TicketFacts;
use crate::mail::token::Purpose;

/// Whose words they are.
#[derive(Clone, Copy)]
pub(super) enum Voice<'a> {
    /// This agent's, who needs no word of it.
    Agent(&'a Agent),
    /// Somebody's who used the shared mailbox itself: which agent it was is not known, so all hear of it.
    Mailbox,
}

impl Voice<'_> {
    fn is(self, agent: &Agent) -> bool {
        match self {
            Self::Agent(author) => author.person.address == agent.person.address,
            Self::Mailbox => false,
        }
    }
}

/// Tells the colleagues what was written.
pub(super) fn tell(
    case: &Case<'_>,
    reach: &mut Reach,
    ticket: &TicketFacts,
    message: &NewMessage,
    voice: Voice<'_>,
) {
    let queue = case.queue_of(ticket);
    let mut values = draft::values(case.config(), ticket);
    let name = match voice {
        Voice::Agent(agent) => {
            values.author_address = agent.person.address.to_string();
            agent.person.label().to_owned()
        }
        Voice::Mailbox => queue.title.clone(),
    };
    values.author_name.clone_from(&name);
    values.from_mailbox = matches!(voice, Voice::Mailbox);
    values.text.clone_from(&message.text);
    values.internal = message.internal;
    values.readers = draft::readers(ticket);
    for colleague in listeners(case, ticket, voice) {
        let to = colleague.person.clone();
        let mail = draft::blank(Template::Colleague, to, queue, ticket.number, colleague.language);
        reach.outgoing.push(Outgoing {
            values: values.clone(),
            purpose: answers(message.internal),
            from_name: name.clone(),
            attachments: true,
            ..mail
        });
    }
}

/// Tells the colleagues, who heard of a reply when it was written, that its author took it back before it left.
pub(super) fn taken_back(case: &Case<'_>, reach: &mut Reach, ticket: &TicketFacts, author: &Agent) {
    let queue = case.queue_of(ticket);
    for colleague in listeners(case, ticket, Voice::Agent(author)) {
        let values = Values {
            lines: vec![wording::taken_back(author.person.label(), colleague.language)],
            readers: draft::readers(ticket),
            ..draft::values(case.config(), ticket)
        };
        let to = colleague.person.clone();
        let mail = draft::blank(Template::Answer, to, queue, ticket.number, colleague.language);
        // What was taken back is a note by now.
        reach.outgoing.push(Outgoing {
            values,
            purpose: answers(true),
            from_name: author.person.label().to_owned(),
            ..mail
        });
    }
}

/// What a reply to mail about a message may do: what answers a note is a note, or a remark among agents would slip out.
pub(super) fn answers(internal: bool) -> Purpose {
    if internal { Purpose::Note } else { Purpose::Agent }
}

/// Who hears of it: all of the queue and the watchers, but for the writer. (Notifications of requesters' mail go to
/// fewer once the ticket is assigned; what colleagues do stays visible.)
fn listeners<'a>(case: &Case<'a>, ticket: &TicketFacts, voice: Voice<'_>) -> Vec<&'a Agent> {
    let everybody = TicketFacts { assignee: None, ..ticket.clone() };
    let agents = draft::concerned(case.config(), &everybody, case.queue_of(ticket));
    let paused = &case.facts.paused;
    agents.into_iter().filter(|agent| !voice.is(agent) && !paused.contains(&agent.person.address)).collect()
}
