//! What follows from a mail in the shared account's folder of sent mail: somebody of the desk answered there, from a
//! webmail for example. Whoever wrote had the account's password, so the place is the proof; which agent it was is not known.
//!
//! It has reached its recipients already. It is filed as what it is, and goes once to participants whom it did not reach;
//! the agents are told of it as of any colleague's reply.

use super::Case;
use super::colleagues;
use super::draft;
use super::draft::folded;
use super::send::Reach;
use crate::address::{Address, Person};
use crate::desk::command::{self, Command};
use crate::desk::decision::{Decision, Disposition, Event, NewMessage, Outgoing, Role, Template};
use crate::desk::facts::TicketFacts;
use crate::desk::ticket::{self, Action, Outcome};
use crate::mail::token::{Purpose, Token};

/// Decides about one mail that was sent. What nothing is done with either is a copy of the one that was ignored before.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    match (matter(case), case.facts.ignored_before) {
        (Ok((ticket, how)), _) => file(case, ticket, how),
        (Err(_), Some(first)) => super::duplicate(first),
        (Err(why), None) => Decision::nothing(Disposition::Ignored, format!("sent mail: {why}")),
    }
}

/// The ticket that it is a matter of and how that was found, or why it is of none.
fn matter<'a>(case: &Case<'a>) -> Result<(&'a TicketFacts, &'static str), &'static str> {
    let from = case.mail.from.as_ref().ok_or("it has no From")?;
    if !case.config().is_own(&from.address) {
        return Err("From is not the queue's address");
    }
    if is_ours(case) {
        return Err("the desk itself submitted it");
    }
    if case.mail.automatic.is_some() {
        return Err("a program's mail");
    }
    find(case).ok_or("it matches no ticket")
}

/// Mail of the desk's own making, also when the outbox has forgotten it, or when the provider, that put a copy of what
/// was submitted there, gave it an id of its own.
fn is_ours(case: &Case<'_>) -> bool {
    if case.mail.of_a_desk {
        return true;
    }
    let domain = case.config().desk.domain.to_ascii_lowercase();
    let id = case.mail.message_id.as_ref();
    id.is_some_and(|id| id.right() == domain && Token::of_message_id(id).is_some())
}

/// The ticket it answers: by a known incoming mail or an id of ours that it points at, else by the tag when it went to
/// the requester. Tokens need not verify here: they were made for those whom the mail answers.
fn find<'a>(case: &Case<'a>) -> Option<(&'a TicketFacts, &'static str)> {
    let facts = case.facts;
    let known = facts.known_ids.iter().find_map(|(_, number)| facts.ticket(*number));
    let by_token = || {
        let writes = |t: &&Token| matches!(t.purpose, Purpose::Requester | Purpose::Agent | Purpose::Note);
        case.keys.reference_tokens.iter().filter(writes).find_map(|token| facts.ticket(token.number))
    };
    let by_tag = || {
        let mut tagged = case.keys.tags.iter().filter_map(|number| facts.ticket(*number));
        tagged.find(|ticket| reaches_requester(case, ticket))
    };
    known
        .map(|ticket| (ticket, "a reference to a known mail"))
        .or_else(|| by_token().map(|ticket| (ticket, "a reference to mail of ours")))
        .or_else(|| by_tag().map(|ticket| (ticket, "the tag, and its recipient")))
}

fn reached(case: &Case<'_>, address: &Address) -> bool {
    case.mail.to.iter().chain(&case.mail.cc).any(|person| person.address == *address)
}

/// Whether it went to the requester, at the address answers go to or the one they write from.
fn reaches_requester(case: &Case<'_>, ticket: &TicketFacts) -> bool {
    let asks = ticket.requester.iter().map(|person| &person.address);
    asks.chain(&ticket.writers).any(|address| reached(case, address))
}

/// A reply when the requester got it. What went to others only (a supplier, one participant) was not meant for the
/// requester's eyes: it is kept as a note.
fn file(case: &Case<'_>, ticket: &TicketFacts, how: &str) -> Decision {
    let internal = !reaches_requester(case, ticket);
    let (number, queue) = (ticket.number, case.queue_of(ticket));
    let message = NewMessage {
        internal,
        role: Role::Agent,
        author: Some(Person::new(&queue.title, queue.address.clone())),
        text: case.mail.visible(),
        folded: folded(case),
        is_the_mail: true,
    };
    let mut events = vec![Event::Message(number, message.clone())];
    // Answers to it point at it.
    events.extend(case.mail.message_id.iter().map(|id| Event::Reference(number, id.clone())));
    let action = if internal { Action::AgentNoted } else { Action::AgentReplied };
    if let Outcome::Become(status) = ticket::step(ticket.status, action, queue.reopen, 0) {
        events.push(Event::Status(number, status));
    }
    let mut reach = Reach::new();
    if !internal {
        to_the_others(case, &mut reach, ticket);
    }
    // No agent's proof stands behind it, so it counts as any other mail that agents are told of.
    if reach.spend_notification(case, number).is_ok() {
        colleagues::tell(case, &mut reach, ticket, &message, colleagues::Voice::Mailbox);
    }
    events.append(&mut reach.events);
    let what = if internal { "a note, for the requester did not get it" } else { "the reply it is" };
    Decision {
        disposition: Disposition::Agent,
        reason: format!("sent mail: filed as {what}; found by {how}"),
        number: Some(number),
        events,
        outgoing: reach.outgoing,
    }
}

/// Participants whom the reply did not reach get it, as they get every reply.
fn to_the_others(case: &Case<'_>, reach: &mut Reach, ticket: &TicketFacts) {
    let queue = case.queue_of(ticket);
    let mut values = draft::values(case.config(), ticket);
    values.requester_address = String::new();
    values.author_name.clone_from(&queue.title);
    let Some(text) = text_without_commands(case) else {
        let why = "not passed on to the other participants: its text holds a line that may be a command";
        return reach.events.push(Event::Remark(ticket.number, why.to_owned()));
    };
    values.text = text;
    values.sender_is_proven = true;
    for person in ticket.participants.iter().filter(|person| !reached(case, &person.address)) {
        reach.outgoing.push(Outgoing {
            values: values.clone(),
            in_reply_to: ticket.message_ids.last().cloned(),
            references: ticket.message_ids.clone(),
            attachments: true,
            may_leave: true,
            ..draft::blank(Template::Reply, person.clone(), queue, ticket.number, ticket.language)
        });
    }
}

/// What the desk itself sends of it. Nobody carries out commands that were written there, but they are passed on to nobody,
/// and no note is; `None` where it cannot be told what is meant.
fn text_without_commands(case: &Case<'_>) -> Option<String> {
    let parsed = command::parse(&case.mail.fresh());
    if parsed.commands.is_empty() && parsed.faults.is_empty() {
        return Some(case.mail.visible());
    }
    let is_plain = parsed.faults.is_empty() && !parsed.commands.contains(&Command::Note);
    Some(parsed.text).filter(|text| is_plain && !text.is_empty())
}
