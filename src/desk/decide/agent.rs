//! What follows from an agent's mail: a reply, a note, commands; or nothing, and a word why.

use super::send::{self, Reach};
use super::{Case, words};
use crate::address::Address;
use crate::clock::Timestamp;
use crate::config::{Agent, Assign, Config, Queue};
use crate::desk::command::{self, Assignee, Command, When};
use crate::desk::decision::{Decision, Disposition, Event, NewMessage, Outgoing, Role, Template, Values};
use crate::desk::facts::TicketFacts;
use crate::desk::thread::{Match, Threaded};
use crate::desk::ticket::{self, Action, Outcome, Status};
use crate::mail::token::Purpose;
use words::Complaint;

/// Local hour at which a ticket wakes that an agent put off until a date.
const WAKE_HOUR: i8 = 8;

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
    let mut act = Act::new(case, agent, ticket);
    act.internal = found.purpose == Some(Purpose::Note) || parsed.commands.contains(&Command::Note);
    for command in &parsed.commands {
        if let Err(complaint) = act.take(command) {
            complaints.push(complaint);
        }
    }
    if complaints.is_empty() {
        complaints.extend(act.write(&parsed.text, parsed.commands.is_empty()).err());
    }
    if complaints.is_empty() { act.decision(proof, found) } else { explain(case, agent, ticket, complaints) }
}

/// Nothing is done: the text is kept as a draft, and the agent is told what to write.
fn explain(case: &Case<'_>, agent: &Agent, ticket: &TicketFacts, complaints: Vec<Complaint>) -> Decision {
    let lines: Vec<String> = complaints.iter().map(|complaint| complaint.words(agent.language)).collect();
    let values = Values {
        lines,
        text: case.mail.fresh(),
        readers: send::readers(ticket),
        ..send::values(case.config(), ticket)
    };
    let mut reach = Reach::new();
    let mail = send::blank(
        Template::Explanation,
        agent.person.clone(),
        case.queue_of(ticket),
        ticket.number,
        agent.language,
    );
    send::tell_agent(case, &mut reach, agent, Outgoing { values, purpose: Purpose::Agent, ..mail });
    let mut events = vec![Event::Draft(ticket.number, agent.person.clone(), case.mail.fresh())];
    events.append(&mut reach.events);
    let first = complaints.first().map(|c| c.words(crate::language::Language::En)).unwrap_or_default();
    Decision {
        disposition: Disposition::Agent,
        reason: format!("nothing was done, the agent was told why: {first}"),
        number: Some(ticket.number),
        events,
        outgoing: reach.outgoing,
    }
}

/// An agent confirms mail that came without proof. What else the confirmation says does not matter.
pub(super) fn confirm(agent: &Agent, held: i64) -> Decision {
    let reason = format!("agent {} confirmed held mail {held} by its token", agent.person.address);
    Decision { events: vec![Event::Release(held)], ..Decision::nothing(Disposition::Agent, reason) }
}

/// A proven agent's mail that names no ticket: help, or a request of the agent's own.
pub(super) fn without_ticket(case: &Case<'_>, agent: &Agent, threaded: &Threaded) -> Decision {
    if case.mail.automatic.is_some() {
        return super::requester::unmatched(case, Some(&super::agent_as_writer(agent)), threaded);
    }
    let parsed = command::parse(&case.mail.fresh());
    if parsed.commands.is_empty() && parsed.faults.is_empty() {
        return super::requester::open(case, Some(&super::agent_as_writer(agent)), threaded, None);
    }
    let mut reach = Reach::new();
    let help = parsed.commands.contains(&Command::Help);
    let template = if help { Template::Help } else { Template::Explanation };
    let values = Values {
        lines: vec![Complaint::NoTicket.words(agent.language)],
        text: case.mail.fresh(),
        ..Values::default()
    };
    let mail = send::blank(template, agent.person.clone(), case.policy.queue, 0, agent.language);
    send::tell_agent(case, &mut reach, agent, Outgoing { values, purpose: Purpose::Desk, ..mail });
    let reason = if help {
        "help was asked for"
    } else {
        "commands without a ticket: nothing was done, the agent was told"
    };
    Decision {
        events: reach.events,
        outgoing: reach.outgoing,
        ..Decision::nothing(Disposition::Agent, reason)
    }
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
        send::blank(Template::Confirmation, agent.person.clone(), case.policy.queue, 0, agent.language);
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

/// What one agent's mail does to one ticket, gathered.
struct Act<'a, 'c> {
    case: &'c Case<'a>,
    agent: &'c Agent,
    /// The ticket as it becomes.
    ticket: TicketFacts,
    internal: bool,
    help: bool,
    events: Vec<Event>,
    done: Vec<&'static str>,
}

impl<'a, 'c> Act<'a, 'c> {
    fn new(case: &'c Case<'a>, agent: &'c Agent, ticket: &TicketFacts) -> Self {
        Self {
            case,
            agent,
            ticket: ticket.clone(),
            internal: false,
            help: false,
            events: Vec::new(),
            done: Vec::new(),
        }
    }

    fn config(&self) -> &'a Config {
        self.case.config()
    }

    fn queue(&self) -> &'a Queue {
        self.case.queue_of(&self.ticket)
    }

    /// Carries out one command on the ticket as it becomes.
    fn take(&mut self, command: &Command) -> Result<(), Complaint> {
        let number = self.ticket.number;
        match command {
            Command::Note => {}
            Command::Help => self.help = true,
            Command::Close => self.step(Action::Close),
            Command::Resolve => self.step(Action::Resolve),
            Command::Open => self.step(Action::Open),
            Command::Pending(until) => {
                self.step(Action::Pend);
                let until = until.as_ref().map(|when| self.time(when)).transpose()?;
                self.events.push(Event::Wake(number, until));
            }
            Command::Assign(assignee) => self.assign(assignee)?,
            Command::Priority(priority) => self.push("priority", Event::Priority(number, *priority)),
            Command::Queue(name) => self.move_to(name)?,
            Command::Label(labels) => {
                labels.iter().for_each(|l| self.push("tag", Event::Label(number, l.clone())))
            }
            Command::Unlabel(labels) => {
                labels.iter().for_each(|l| self.push("untag", Event::Unlabel(number, l.clone())))
            }
            Command::Cc(people) => people.iter().try_for_each(|address| self.join(address))?,
            Command::Uncc(people) => people.iter().try_for_each(|address| self.leave(address))?,
            Command::Watch => self.push("watch", Event::Watch(number, self.agent.person.address.clone())),
            Command::Unwatch => {
                self.push("unwatch", Event::Unwatch(number, self.agent.person.address.clone()))
            }
            Command::Merge(into) => self.merge(*into)?,
            Command::Subject(subject) => {
                self.ticket.subject.clone_from(subject);
                self.push("subject", Event::Subject(number, subject.clone()));
            }
            Command::Requester(address) => self.requester(address)?,
            Command::Undo => self.undo()?,
        }
        Ok(())
    }

    fn push(&mut self, done: &'static str, event: Event) {
        self.done.push(done);
        self.events.push(event);
    }

    fn step(&mut self, action: Action) {
        let reopen = self.queue().reopen;
        if let Outcome::Become(status) = ticket::step(self.ticket.status, action, reopen, 0) {
            self.ticket.status = status;
            self.push(status.word(), Event::Status(self.ticket.number, status));
        }
    }

    /// The moment an agent means, in the agent's time zone.
    fn time(&self, when: &When) -> Result<Timestamp, Complaint> {
        let at = match when {
            When::Hours(hours) => self.case.now.plus(hours.saturating_mul(3600)),
            When::Date(date) => {
                let zoned = date.at(WAKE_HOUR, 0, 0, 0).to_zoned(self.agent.time_zone.clone());
                Timestamp(zoned.map_err(|_| Complaint::Past(date.to_string()))?.timestamp().as_second())
            }
        };
        if at <= self.case.now { Err(Complaint::Past(at.to_string())) } else { Ok(at) }
    }

    fn assign(&mut self, assignee: &Assignee) -> Result<(), Complaint> {
        let address = match assignee {
            Assignee::Nobody => None,
            Assignee::Me => Some(self.agent.person.address.clone()),
            Assignee::Agent(address) => {
                let agent = self.config().agent(address).ok_or_else(|| self.no_agent(address))?;
                Some(agent.person.address.clone())
            }
        };
        self.ticket.assignee.clone_from(&address);
        self.push("assigned", Event::Assign(self.ticket.number, address));
        Ok(())
    }

    fn no_agent(&self, address: &Address) -> Complaint {
        let known = self.config().agents_of(self.queue()).map(|agent| agent.person.address.to_string());
        Complaint::NoAgent { found: address.to_string(), known: known.collect() }
    }

    fn move_to(&mut self, name: &str) -> Result<(), Complaint> {
        let known = || self.config().queues.iter().map(|queue| queue.name.clone()).collect();
        let queue = self
            .config()
            .queue(name)
            .ok_or_else(|| Complaint::NoQueue { found: name.to_owned(), known: known() })?;
        self.ticket.queue.clone_from(&queue.name);
        self.push("moved", Event::Queue(self.ticket.number, queue.name.clone()));
        Ok(())
    }

    fn join(&mut self, address: &Address) -> Result<(), Complaint> {
        if self.config().is_own(address) {
            return Err(Complaint::OwnAddress(address.to_string()));
        }
        if self.ticket.participants.len() >= super::requester::PARTICIPANTS_MAX {
            return Err(Complaint::TooManyParticipants(super::requester::PARTICIPANTS_MAX));
        }
        let person = crate::address::Person::new("", address.clone());
        if !self.ticket.participants.iter().any(|p| p.address == *address) {
            self.ticket.participants.push(person.clone());
        }
        self.push("cc", Event::Join(self.ticket.number, person));
        Ok(())
    }

    fn leave(&mut self, address: &Address) -> Result<(), Complaint> {
        if !self.ticket.participants.iter().any(|person| person.address == *address) {
            return Err(Complaint::NoParticipant(address.to_string()));
        }
        self.ticket.participants.retain(|person| person.address != *address);
        self.push("uncc", Event::Leave(self.ticket.number, address.clone()));
        Ok(())
    }

    fn requester(&mut self, address: &Address) -> Result<(), Complaint> {
        if self.config().is_own(address) {
            return Err(Complaint::OwnAddress(address.to_string()));
        }
        let person = crate::address::Person::new("", address.clone());
        self.ticket.requester = Some(person.clone());
        self.push("requester", Event::Requester(self.ticket.number, person));
        Ok(())
    }

    fn merge(&mut self, into: i64) -> Result<(), Complaint> {
        let target = self.case.facts.ticket(into).ok_or(Complaint::NoSuchTicket(into))?;
        if target.number == self.ticket.number || !self.case.agent_may_act(self.agent, into) {
            return Err(Complaint::NoSuchTicket(into));
        }
        self.push("merged", Event::Merge(self.ticket.number, target.number));
        Ok(())
    }

    fn undo(&mut self) -> Result<(), Complaint> {
        if !self.ticket.waiting.iter().any(|author| self.agent.is(author)) {
            return Err(Complaint::TooLate);
        }
        self.push("undone", Event::Undo(self.ticket.number, self.agent.person.address.clone()));
        Ok(())
    }

    /// The text itself: a note or a reply. Text without a reader is a complaint; no text is one only without commands.
    fn write(&mut self, text: &str, nothing_else: bool) -> Result<(), Complaint> {
        let carries = !text.is_empty() || (!self.case.mail.attachments.is_empty() && nothing_else);
        if !carries {
            return if nothing_else { Err(Complaint::Empty) } else { Ok(()) };
        }
        if !self.internal && self.ticket.requester.is_none() && self.ticket.participants.is_empty() {
            return Err(Complaint::NoReader);
        }
        let message = NewMessage {
            internal: self.internal,
            role: Role::Agent,
            author: Some(self.agent.person.clone()),
            text: text.to_owned(),
            folded: String::new(),
            attachments: true,
        };
        // The message comes first: what the commands do follows from having said it.
        self.events.insert(0, Event::Message(self.ticket.number, message));
        self.done.insert(0, if self.internal { "note" } else { "reply" });
        if self.internal {
            return Ok(());
        }
        if self.ticket.status == Status::New {
            self.step(Action::AgentReplied);
        }
        if self.ticket.assignee.is_none()
            && self.queue().assign == Assign::FirstReply
            && !self.done.contains(&"assigned")
        {
            self.assign(&Assignee::Me)?;
        }
        Ok(())
    }

    /// The decision: events as gathered, the reply to those outside, and word to the colleagues.
    fn decision(mut self, proof: &str, found: &Match) -> Decision {
        let message = self.events.iter().find_map(|event| match event {
            Event::Message(_, message) => Some(message.clone()),
            _ => None,
        });
        let mut reach = Reach::new();
        if let Some(message) = &message {
            if !message.internal {
                self.reply(&mut reach, &message.text);
            }
            self.colleagues(&mut reach, message);
        }
        if self.help {
            let values =
                Values { readers: send::readers(&self.ticket), ..send::values(self.config(), &self.ticket) };
            let mail = send::blank(
                Template::Help,
                self.agent.person.clone(),
                self.queue(),
                self.ticket.number,
                self.agent.language,
            );
            send::tell_agent(
                self.case,
                &mut reach,
                self.agent,
                Outgoing { values, purpose: Purpose::Agent, ..mail },
            );
        }
        self.events.append(&mut reach.events);
        Decision {
            disposition: Disposition::Agent,
            reason: format!(
                "agent {} ({proof}; found by {}): {}",
                self.agent.person.address,
                found.evidence.words(),
                self.done.join(", ")
            ),
            number: Some(self.ticket.number),
            events: self.events,
            outgoing: reach.outgoing,
        }
    }

    fn reply(&self, reach: &mut Reach, text: &str) {
        let mut values = send::values(self.config(), &self.ticket);
        values.requester_address = String::new();
        values.author_name.clone_from(&self.agent.person.name);
        values.text = text.to_owned();
        values.sender_is_proven = true;
        for person in send::audience(self.case, &self.ticket, &self.agent.person.address) {
            let mail = send::blank(
                Template::Reply,
                person.clone(),
                self.queue(),
                self.ticket.number,
                self.ticket.language,
            );
            reach.outgoing.push(Outgoing {
                values: values.clone(),
                author: Some(self.agent.person.address.clone()),
                from_name: self.agent.person.name.clone(),
                in_reply_to: self.ticket.message_ids.last().cloned(),
                references: self.ticket.message_ids.clone(),
                attachments: true,
                hold_secs: self.config().desk.hold_replies_secs,
                ..mail
            });
        }
    }

    fn colleagues(&self, reach: &mut Reach, message: &NewMessage) {
        let mut values = send::values(self.config(), &self.ticket);
        values.author_name = self.agent.person.label().to_owned();
        values.author_address = self.agent.person.address.to_string();
        values.text.clone_from(&message.text);
        values.internal = message.internal;
        values.readers = send::readers(&self.ticket);
        for colleague in self.listeners() {
            let mail = send::blank(
                Template::Colleague,
                colleague.person.clone(),
                self.queue(),
                self.ticket.number,
                colleague.language,
            );
            reach.outgoing.push(Outgoing {
                values: values.clone(),
                purpose: Purpose::Agent,
                from_name: self.agent.person.label().to_owned(),
                attachments: true,
                ..mail
            });
        }
    }

    /// Who hears of what this agent wrote: all of the queue and the watchers, but for the writer. (Notifications of
    /// requesters' mail go to fewer once the ticket is assigned; what colleagues do stays visible.)
    fn listeners(&self) -> Vec<&'a Agent> {
        let everybody = TicketFacts { assignee: None, ..self.ticket.clone() };
        let agents = send::concerned(self.config(), &everybody, self.queue());
        let paused = &self.case.facts.paused;
        agents
            .into_iter()
            .filter(|a| a.person.address != self.agent.person.address && !paused.contains(&a.person.address))
            .collect()
    }
}
