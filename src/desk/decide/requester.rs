//! What follows from a requester's, participant's, stranger's or robot's mail.

use super::draft;
use super::send::{self, Reach};
use super::{Case, Writer};
use crate::address::Person;
use crate::config::{Assign, AutomaticMail, Queue};
use crate::desk::decision::{Decision, Disposition, Event, NewMessage, NewTicket, Role};
use crate::desk::facts::{Load, TicketFacts};
use crate::desk::thread::{Match, Threaded, bare_subject};
use crate::desk::ticket::{self, Action, Outcome, Priority, Status};
use crate::mail::automatic::{Automatic, AutomaticKind};
use crate::mail::{SpanKind, thanks};

/// Most participants of one ticket.
pub const PARTICIPANTS_MAX: usize = 20;

/// Mail that belongs to no ticket: opens one, or is only stored when a robot answers something we did not send.
pub(super) fn unmatched(case: &Case<'_>, writer: Option<&Writer>, threaded: &Threaded) -> Decision {
    let Some(automatic) = &case.mail.automatic else { return open(case, writer, threaded, None) };
    let opens = match automatic.kind {
        AutomaticKind::Reply | AutomaticKind::Report => false,
        AutomaticKind::Generated | AutomaticKind::List => case.policy.queue.automatic == AutomaticMail::Open,
    };
    if opens {
        return open(case, writer, threaded, None);
    }
    Decision::nothing(
        Disposition::Ignored,
        format!("automatic mail that answers nothing of ours ({})", automatic.evidence),
    )
}

/// Opens a ticket.
pub(super) fn open(
    case: &Case<'_>,
    writer: Option<&Writer>,
    threaded: &Threaded,
    continues: Option<&TicketFacts>,
) -> Decision {
    let number = case.facts.fresh_number;
    let queue = continues.map_or(case.policy.queue, |ticket| case.queue_of(ticket));
    let language = case.mail.language.or(continues.map(|t| t.language)).unwrap_or(queue.language);
    let subject = bare_subject(&case.mail.subject, &case.config().desk.tag);
    let new = NewTicket {
        queue: queue.name.clone(),
        subject: subject.clone(),
        requester: writer.map(|w| w.person.clone()),
        language,
        continues: continues.map(|ticket| ticket.number),
        mentions: threaded
            .mentions
            .iter()
            .copied()
            .filter(|n| Some(*n) != continues.map(|t| t.number))
            .collect(),
    };
    let mut ticket = fresh_facts(case, &new, number);
    let mut events = vec![
        Event::Open(number, new.clone()),
        message(case, number, writer.map(|w| w.person.clone()), role_of_opener(case)),
    ];
    for event in joins(case, &ticket, writer, queue) {
        if let Event::Join(_, person) = &event {
            ticket.participants.push(person.clone());
        }
        events.push(event);
    }
    if let Some(agent) = turn(queue, &case.facts.loads, case.now) {
        ticket.assignee = Some(agent.agent.clone());
        events.push(Event::Assign(number, Some(agent.agent.clone())));
    }
    let mut reach = Reach::new();
    let answer = send::acknowledge(case, &mut reach, &ticket, queue, threaded.found.as_ref());
    send::notify(case, &mut reach, &ticket, queue, &new.mentions, true);
    events.append(&mut reach.events);
    let because = match continues {
        Some(old) => format!("a reply to the closed ticket {}", old.number),
        None if new.mentions.is_empty() => "no ticket is named".to_owned(),
        None => format!("mentions {:?} without the right to write there", new.mentions),
    };
    Decision {
        disposition: Disposition::Opened,
        reason: format!("opened a ticket: {because}; {answer}"),
        number: Some(number),
        events,
        outgoing: reach.outgoing,
    }
}

fn role_of_opener(case: &Case<'_>) -> Role {
    if case.mail.automatic.is_some() { Role::Robot } else { Role::Requester }
}

/// The ticket that is being opened, as the rules see it.
pub(super) fn fresh_facts(case: &Case<'_>, new: &NewTicket, number: i64) -> TicketFacts {
    TicketFacts {
        number,
        queue: new.queue.clone(),
        subject: new.subject.clone(),
        status: Status::New,
        priority: Priority::Normal,
        requester: new.requester.clone(),
        language: new.language,
        assignee: None,
        participants: Vec::new(),
        writers: Vec::new(),
        watchers: Vec::new(),
        left: Vec::new(),
        opened_at: case.now,
        closed_at: None,
        continues: new.continues,
        message_ids: case.mail.message_id.iter().cloned().collect(),
        waiting: Vec::new(),
    }
}

/// A message made of the mail being decided.
pub(super) fn message(case: &Case<'_>, number: i64, author: Option<Person>, role: Role) -> Event {
    Event::Message(
        number,
        NewMessage {
            internal: false,
            role,
            author,
            text: case.mail.fresh(),
            folded: draft::folded(case),
            is_the_mail: true,
        },
    )
}

/// People in To and Cc who take part from now on, and the From of somebody who wants answers elsewhere.
fn joins(case: &Case<'_>, ticket: &TicketFacts, writer: Option<&Writer>, queue: &Queue) -> Vec<Event> {
    let Some(writer) = writer else { return Vec::new() };
    let mut events = Vec::new();
    if writer.from != writer.person.address && !ticket.has_part(&writer.from) {
        events.push(Event::Writer(ticket.number, writer.from.clone()));
    }
    if !queue.cc_participates || case.mail.automatic.is_some() {
        return events;
    }
    let room = PARTICIPANTS_MAX.saturating_sub(ticket.participants.len());
    let others = case.mail.to.iter().chain(&case.mail.cc).filter(|person| {
        let known = ticket.has_part(&person.address)
            || ticket.left.contains(&person.address)
            || person.address == writer.from
            || person.address == writer.person.address;
        !known && !case.config().is_own(&person.address) && case.config().agent(&person.address).is_none()
    });
    let mut seen = Vec::new();
    for person in others {
        if seen.len() < room && !seen.contains(&&person.address) {
            seen.push(&person.address);
            events.push(Event::Join(ticket.number, person.clone()));
        }
    }
    events
}

/// The agent whose turn it is, by the queue's policy.
pub(super) fn turn<'a>(queue: &Queue, loads: &'a [Load], now: crate::clock::Timestamp) -> Option<&'a Load> {
    let present = loads.iter().filter(|load| load.away_until.is_none_or(|until| until <= now));
    match queue.assign {
        Assign::ByHand | Assign::FirstReply => None,
        Assign::RoundRobin => present.min_by_key(|load| (load.last_ticket, load.agent.clone())),
        Assign::LeastBusy => present.min_by_key(|load| (load.live, load.last_ticket, load.agent.clone())),
    }
}

/// Mail that joins a ticket.
pub(super) fn follow_up(
    case: &Case<'_>,
    writer: &Writer,
    ticket: &TicketFacts,
    found: &Match,
    threaded: &Threaded,
) -> Decision {
    if let Some(automatic) = &case.mail.automatic {
        return robot(case, writer, ticket, automatic, found);
    }
    let queue = case.queue_of(ticket);
    let closed_for = ticket::closed_for_secs(ticket.closed_at, case.now);
    let thanked = only_thanks(case, ticket);
    let action = if thanked { Action::RequesterThanked } else { Action::RequesterWrote };
    let outcome = ticket::step(ticket.status, action, queue.reopen, closed_for);
    if outcome == Outcome::NewTicket {
        return open(case, Some(writer), threaded, Some(ticket));
    }
    let number = ticket.number;
    let is_requester = ticket
        .requester
        .as_ref()
        .is_some_and(|p| p.address == writer.from || p.address == writer.person.address);
    let role = if is_requester { Role::Requester } else { Role::Participant };
    let mut events = vec![message(case, number, Some(writer.person.clone()), role)];
    let mut ticket = ticket.clone();
    let stays = match ticket.status {
        Status::Resolved | Status::Closed if thanked => {
            format!(", only thanks: it stays {}", ticket.status.word())
        }
        _ => String::new(),
    };
    if let Outcome::Become(status) = outcome {
        events.push(Event::Status(number, status));
        ticket.status = status;
    }
    events.extend(joins(case, &ticket, Some(writer), queue));
    let mut reach = Reach::new();
    send::notify(case, &mut reach, &ticket, queue, &[], false);
    send::copies(case, &mut reach, &ticket, queue, &writer.from);
    events.append(&mut reach.events);
    Decision {
        disposition: Disposition::FollowUp,
        reason: format!("joined by {}{stays}", found.evidence.words()),
        number: Some(number),
        events,
        outgoing: reach.outgoing,
    }
}

/// Whether the mail says thank you and nothing else: no file, no other matter in the subject, nothing that is forwarded,
/// no question in a signature, nothing between the lines of a quotation.
fn only_thanks(case: &Case<'_>, ticket: &TicketFacts) -> bool {
    let (mail, config) = (case.mail, case.config());
    let subject = bare_subject(&mail.subject, &config.desk.tag);
    let asks = mail.body.iter().any(|span| span.kind == SpanKind::Signature && span.text.contains('?'));
    if !mail.attachments.is_empty()
        || mail.is_forward()
        || asks
        || mail.body.iter().any(|span| span.kind == SpanKind::Quote && has_lines_between(&span.text))
        || !subject.eq_ignore_ascii_case(&ticket.subject)
    {
        return false;
    }
    let people = mail.from.iter().chain(&ticket.requester).map(|person| person.name.as_str());
    let agents = config.agents.iter().map(|agent| agent.person.name.as_str());
    let desk = [case.queue_of(ticket).title.as_str(), config.desk.name.as_str()];
    let names: Vec<&str> = people.chain(agents).chain(desk).collect();
    thanks::only(&mail.fresh(), &names)
}

/// Whether lines stand among quoted ones that are neither marked as quoted nor introduce them: they may be answers. Where
/// no line is marked this cannot be told.
fn has_lines_between(quote: &str) -> bool {
    let mut lines = quote.lines().map(str::trim).filter(|line| !line.is_empty());
    let (mut introduction, mut marked) = ("", false);
    for line in lines.by_ref() {
        if line.starts_with('>') {
            marked = true;
            break;
        }
        introduction = line;
    }
    let introduces = introduction.is_empty() || introduction.ends_with([':', '：']);
    marked && (!introduces || lines.any(|line| !line.starts_with('>')))
}

/// A robot's mail in a ticket: kept, changes no status, is answered by nothing. Agents hear of it unless it is an
/// out-of-office, which says nothing about the matter.
fn robot(
    case: &Case<'_>,
    writer: &Writer,
    ticket: &TicketFacts,
    automatic: &Automatic,
    found: &Match,
) -> Decision {
    let number = ticket.number;
    let mut events = vec![message(case, number, Some(writer.person.clone()), Role::Robot)];
    let mut reach = Reach::new();
    if matches!(automatic.kind, AutomaticKind::Generated | AutomaticKind::List) {
        send::notify(case, &mut reach, ticket, case.queue_of(ticket), &[], false);
    }
    events.append(&mut reach.events);
    Decision {
        disposition: Disposition::FollowUp,
        reason: format!(
            "automatic mail ({}), joined by {}, status kept, nothing answered",
            automatic.evidence,
            found.evidence.words()
        ),
        number: Some(number),
        events,
        outgoing: reach.outgoing,
    }
}
