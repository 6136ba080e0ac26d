//! One agent's mail at work on one ticket: each command, and the text itself. Gathers; `reply` makes the mail.

use super::Case;
use super::when::{away_until, time};
use super::who;
use super::words::Complaint;
use crate::address::Address;
use crate::config::{Agent, Assign, Config, Queue};
use crate::desk::command::{Assignee, Command};
use crate::desk::decision::{Event, NewMessage, NewTicket, Role};
use crate::desk::facts::{Said, TicketFacts};
use crate::desk::ticket::{self, Action, Outcome, Status};

/// How long the sender of spam gets no automatic mail, in seconds: 90 days.
const SPAM_SILENCE_SECS: i64 = 90 * 86400;

/// What one agent's mail does to one ticket, gathered.
pub(super) struct Act<'a, 'c> {
    pub(super) case: &'c Case<'a>,
    pub(super) agent: &'c Agent,
    /// The ticket as it becomes.
    pub(super) ticket: TicketFacts,
    /// What is written is for agents only.
    pub(super) internal: bool,
    /// It is a forwarded mail, which nobody has called a note.
    pub(super) is_brought: bool,
    /// The text goes to nobody, for the mail only asks the desk for something.
    pub(super) is_withheld: bool,
    /// Replies that waited were taken back.
    pub(super) took_back: bool,
    /// Requests of desk work, to be answered.
    pub(super) asked: Vec<Command>,
    /// Texts taken by name, behind the agent's own.
    canned: Vec<String>,
    /// To whom the conversation is sent, once.
    pub(super) forward: Option<Address>,
    /// The ticket made of the requester's last message.
    pub(super) split: Option<TicketFacts>,
    pub(super) events: Vec<Event>,
    pub(super) done: Vec<&'static str>,
}

impl<'a, 'c> Act<'a, 'c> {
    pub(super) fn new(case: &'c Case<'a>, agent: &'c Agent, ticket: &TicketFacts) -> Self {
        Self {
            case,
            agent,
            ticket: ticket.clone(),
            internal: false,
            is_brought: false,
            is_withheld: false,
            took_back: false,
            asked: Vec::new(),
            canned: Vec::new(),
            forward: None,
            split: None,
            events: Vec::new(),
            done: Vec::new(),
        }
    }

    pub(super) fn config(&self) -> &'a Config {
        self.case.config()
    }

    pub(super) fn queue(&self) -> &'a Queue {
        self.case.queue_of(&self.ticket)
    }

    /// Carries out one command on the ticket as it becomes.
    pub(super) fn take(&mut self, command: &Command) -> Result<(), Complaint> {
        let number = self.ticket.number;
        match command {
            Command::Note => {}
            Command::Public if self.internal => return Err(Complaint::PublicAndNote),
            Command::Public => {}
            Command::Help | Command::List(_) | Command::Show(_) | Command::Search(_) | Command::Report => {
                self.asked.push(command.clone());
            }
            Command::Away(until) => {
                let until = away_until(self.case, self.agent, until.as_ref())?;
                self.push("away", Event::Away(self.agent.person.address.clone(), Some(until)));
            }
            Command::Back => self.push("back", Event::Away(self.agent.person.address.clone(), None)),
            Command::Split(subject) => self.split(subject.as_deref())?,
            Command::Reply(name) => self.take_canned(name)?,
            Command::Snooze(when) => {
                let until = time(self.case, self.agent, when)?;
                self.step(Action::Pend);
                self.push("snoozed", Event::Wake(number, Some(until)));
            }
            Command::Spam => self.spam(),
            Command::Forward(address) => self.forward(address)?,
            // Read before anything else; inside a ticket's own commands it has been seen to.
            Command::New { .. } => {}
            Command::Close => self.step(Action::Close),
            Command::Resolve => self.step(Action::Resolve),
            Command::Open => self.step(Action::Open),
            Command::Pending(until) => {
                self.step(Action::Pend);
                let until = until.as_ref().map(|when| time(self.case, self.agent, when)).transpose()?;
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

    fn assign(&mut self, assignee: &Assignee) -> Result<(), Complaint> {
        let address = match assignee {
            Assignee::Nobody => None,
            Assignee::Me => Some(self.agent.person.address.clone()),
            Assignee::Agent(address) => {
                let agent = self.config().agent(address);
                let known = || who::listed(self.config().agents_of(self.queue()));
                let no_agent = || Complaint::NoAgent { found: address.to_string(), known: known() };
                Some(agent.ok_or_else(no_agent)?.person.address.clone())
            }
            Assignee::Named(name) => Some(who::named(self.config(), self.queue(), name)?.clone()),
        };
        self.ticket.assignee.clone_from(&address);
        self.push("assigned", Event::Assign(self.ticket.number, address));
        Ok(())
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
        // What a participant writes goes to everybody outside: an agent among them would be one of those outside.
        self.is_outside(address)?;
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

    fn is_outside(&self, address: &Address) -> Result<(), Complaint> {
        let agent = self.config().agent(address).map(|agent| agent.person.address.to_string());
        agent.map_or(Ok(()), |agent| Err(Complaint::IsAgent(agent)))
    }

    fn leave(&mut self, address: &Address) -> Result<(), Complaint> {
        if !self.ticket.participants.iter().any(|person| person.address == *address) {
            let known = self.ticket.participants.iter().map(|person| person.address.to_string());
            return Err(Complaint::NoParticipant { found: address.to_string(), known: known.collect() });
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
        if self.done.contains(&"merged") {
            return Err(Complaint::Once(["merge", "fusionar", "mesclar"]));
        }
        self.push("merged", Event::Merge(self.ticket.number, target.number));
        Ok(())
    }

    fn undo(&mut self) -> Result<(), Complaint> {
        if !self.ticket.waiting.iter().any(|author| self.agent.is(author)) {
            return Err(Complaint::TooLate);
        }
        self.took_back = true;
        self.push("undone", Event::Undo(self.ticket.number, self.agent.person.address.clone()));
        Ok(())
    }

    /// The requester's last message becomes a ticket of the agent's own making.
    fn split(&mut self, subject: Option<&str>) -> Result<(), Complaint> {
        let said = self.case.facts.conversations.get(&self.ticket.number);
        let outside =
            |said: &&Said| matches!(said.role, Role::Requester | Role::Participant) && !said.internal;
        let last = said.and_then(|said| said.iter().rev().find(outside)).ok_or(Complaint::NothingToSplit)?;
        if self.split.is_some() {
            return Err(Complaint::Once(["split", "dividir", "dividir"]));
        }
        let number = self.case.facts.fresh_number;
        let (old, me) = (self.ticket.number, self.agent.person.address.clone());
        let new = NewTicket {
            queue: self.ticket.queue.clone(),
            subject: subject.unwrap_or(&self.ticket.subject).to_owned(),
            requester: last.author.clone().or_else(|| self.ticket.requester.clone()),
            language: self.ticket.language,
            continues: None,
            mentions: Vec::new(),
        };
        let message = NewMessage {
            internal: false,
            role: Role::Requester,
            author: last.author.clone(),
            text: last.text.clone(),
            folded: String::new(),
            is_the_mail: false,
        };
        let mut ticket = super::requester::fresh_facts(self.case, &new, number);
        ticket.assignee = Some(me.clone());
        ticket.message_ids = self.ticket.message_ids.clone();
        self.done.push("split");
        self.events.extend([
            Event::Open(number, new),
            Event::Message(number, message),
            Event::Assign(number, Some(me)),
            Event::Remark(number, format!("split from ticket {old}")),
            Event::Remark(old, format!("its last message was made ticket {number}")),
        ]);
        self.split = Some(ticket);
        Ok(())
    }

    /// The message written is not the mail itself.
    pub(super) fn note_is_beside(&mut self) {
        for event in &mut self.events {
            if let Event::Message(_, message) = event {
                message.is_the_mail = false;
            }
        }
    }

    fn take_canned(&mut self, name: &str) -> Result<(), Complaint> {
        let config = self.config();
        let canned = config.canned(name, self.ticket.language).ok_or_else(|| {
            let mut known: Vec<String> = config.canned.iter().map(|canned| canned.name.clone()).collect();
            known.dedup();
            Complaint::NoCanned { found: name.to_owned(), known }
        })?;
        let number = self.ticket.number.to_string();
        let text = canned.fill(|value| match value {
            "requester_name" => self.ticket.requester.as_ref().map_or("", |person| person.label()).to_owned(),
            "agent_name" => self.agent.person.name.clone(),
            "tag" => config.desk.tag.replace("{number}", &number),
            "subject" => self.ticket.subject.clone(),
            "queue" => self.queue().title.clone(),
            "desk" => config.desk.name.clone(),
            _ => number.clone(),
        });
        self.canned.push(text);
        Ok(())
    }

    /// Closed and labelled; its sender gets no automatic mail for a while. Nothing that the sender writes is lost: it
    /// opens tickets as ever, without an acknowledgement.
    fn spam(&mut self) {
        self.step(Action::Close);
        self.push("spam", Event::Label(self.ticket.number, "spam".to_owned()));
        if let Some(person) = &self.ticket.requester {
            self.events.push(Event::Pause(person.address.clone(), self.case.now.plus(SPAM_SILENCE_SECS)));
        }
    }

    fn forward(&mut self, address: &Address) -> Result<(), Complaint> {
        if self.config().is_own(address) {
            return Err(Complaint::OwnAddress(address.to_string()));
        }
        self.is_outside(address)?;
        if self.forward.is_some() {
            return Err(Complaint::Once(["forward", "reenviar", "encaminhar"]));
        }
        self.forward = Some(address.clone());
        self.push("forwarded", Event::Remark(self.ticket.number, format!("conversation sent to {address}")));
        Ok(())
    }

    /// Keeps the text as a draft.
    pub(super) fn withhold(&mut self) {
        self.is_withheld = true;
        let (agent, text) = (self.agent.person.clone(), self.case.mail.fresh());
        self.push("its text kept as a draft", Event::Draft(self.ticket.number, agent, text));
    }

    /// The text itself: a note or a reply. Text without a reader is a complaint; no text is one only without commands.
    pub(super) fn write(&mut self, text: &str, nothing_else: bool) -> Result<(), Complaint> {
        let own = Some(text.to_owned()).filter(|text| !text.is_empty());
        let text = own.into_iter().chain(std::mem::take(&mut self.canned)).collect::<Vec<_>>().join("\n\n");
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
            text,
            folded: String::new(),
            is_the_mail: true,
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
}
