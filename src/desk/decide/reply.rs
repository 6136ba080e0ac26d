//! The mail that an agent's work on a ticket causes: the reply, word to the colleagues, answers to what was asked.

use super::act::Act;
use super::draft;
use super::send::{self, Reach};
use super::{desk_work, wording};
use crate::address::{Address, Person};
use crate::config::Agent;
use crate::desk::decision::{Decision, Disposition, Event, NewMessage, Outgoing, Role, Template, Values};
use crate::desk::facts::{Said, TicketFacts};
use crate::desk::thread::Match;
use crate::mail::token::Purpose;

impl<'a> Act<'a, '_> {
    /// The decision: events as gathered, the reply to those outside, and word to the colleagues.
    pub(super) fn decision(mut self, proof: &str, found: &Match) -> Decision {
        let message = self.events.iter().find_map(|event| match event {
            Event::Message(number, message) if *number == self.ticket.number => Some(message.clone()),
            _ => None,
        });
        let mut reach = Reach::new();
        if let Some(message) = &message {
            if !message.internal {
                self.reply(&mut reach, &message.text);
            }
            self.colleagues(&mut reach, message);
        }
        self.pass_on(&mut reach, message.as_ref());
        self.hand_over_split(&mut reach);
        if !self.asked.is_empty() {
            self.done.push("answered by mail");
        }
        for command in &self.asked {
            desk_work::answer(self.case, &mut reach, self.agent, Some(&self.ticket), command);
        }
        self.warn_of_copies(&mut reach, message.as_ref());
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
        let mut values = draft::values(self.config(), &self.ticket);
        values.requester_address = String::new();
        values.author_name.clone_from(&self.agent.person.name);
        values.text = text.to_owned();
        values.sender_is_proven = true;
        for person in self.audience() {
            let mail = draft::blank(
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
                may_leave: send::takes_part(&self.ticket, &person.address),
                ..mail
            });
        }
    }

    fn colleagues(&self, reach: &mut Reach, message: &NewMessage) {
        let mut values = draft::values(self.config(), &self.ticket);
        values.author_name = self.agent.person.label().to_owned();
        values.author_address = self.agent.person.address.to_string();
        values.text.clone_from(&message.text);
        values.internal = message.internal;
        values.readers = draft::readers(&self.ticket);
        // They hear of a reply when it goes out: one that is taken back was never sent.
        let hold_secs = if message.internal { 0 } else { self.config().desk.hold_replies_secs };
        for colleague in self.listeners() {
            let mail = draft::blank(
                Template::Colleague,
                colleague.person.clone(),
                self.queue(),
                self.ticket.number,
                colleague.language,
            );
            reach.outgoing.push(Outgoing {
                values: values.clone(),
                // What answers a note is a note: a remark among agents must not slip out by a reply.
                purpose: if message.internal { Purpose::Note } else { Purpose::Agent },
                from_name: self.agent.person.label().to_owned(),
                attachments: true,
                hold_secs,
                ..mail
            });
        }
    }

    /// Who hears of what this agent wrote: all of the queue and the watchers, but for the writer. (Notifications of
    /// requesters' mail go to fewer once the ticket is assigned; what colleagues do stays visible.)
    fn listeners(&self) -> Vec<&'a Agent> {
        let everybody = TicketFacts { assignee: None, ..self.ticket.clone() };
        let agents = draft::concerned(self.config(), &everybody, self.queue());
        let paused = &self.case.facts.paused;
        agents
            .into_iter()
            .filter(|a| a.person.address != self.agent.person.address && !paused.contains(&a.person.address))
            .collect()
    }

    /// Everybody outside who is in the ticket, but for participants whom the mail reached already. An address that mail
    /// came back from lately is tried all the same: a person wrote this, and hears of it if it fails.
    fn audience(&self) -> Vec<&Person> {
        let reached = |person: &&Person| {
            !self.case.mail.to.iter().chain(&self.case.mail.cc).any(|p| p.address == person.address)
        };
        self.ticket.requester.iter().chain(self.ticket.participants.iter().filter(reached)).collect()
    }

    /// The conversation to somebody outside, once: public messages only, and no token that lets anybody write.
    fn pass_on(&self, reach: &mut Reach, note: Option<&NewMessage>) {
        let Some(address) = &self.forward else { return };
        let said = self.case.facts.conversations.get(&self.ticket.number);
        let public = said.into_iter().flatten().filter(|said| !said.internal);
        let zone = &self.queue().time_zone;
        let folded = public
            .map(|said| wording::said(said, zone, self.ticket.language))
            .collect::<Vec<_>>()
            .join("\n\n");
        let values = Values {
            requester_address: String::new(),
            author_name: self.agent.person.name.clone(),
            text: note.map(|note| note.text.clone()).unwrap_or_default(),
            folded,
            ..draft::values(self.config(), &self.ticket)
        };
        let to = Person::new("", address.clone());
        let mail =
            draft::blank(Template::Forward, to, self.queue(), self.ticket.number, self.ticket.language);
        reach.outgoing.push(Outgoing {
            values,
            purpose: Purpose::Desk,
            token_number: 0,
            author: Some(self.agent.person.address.clone()),
            from_name: self.agent.person.name.clone(),
            ..mail
        });
    }

    /// The ticket that was split off comes to the agent as a new one, to be answered by reply.
    fn hand_over_split(&self, reach: &mut Reach) {
        let (Some(ticket), Some(said)) = (&self.split, self.last_said()) else { return };
        let mut values = draft::values(self.config(), ticket);
        values.text.clone_from(&said.text);
        values.author_name.clone_from(&values.requester_name);
        values.author_address.clone_from(&values.requester_address);
        values.readers = draft::readers(ticket);
        values.is_new = true;
        let agent = self.agent;
        let mail = draft::blank(
            Template::Notification,
            agent.person.clone(),
            self.queue(),
            ticket.number,
            agent.language,
        );
        reach.outgoing.push(Outgoing { values, purpose: Purpose::Agent, ..mail });
    }

    fn last_said(&self) -> Option<&Said> {
        let said = self.case.facts.conversations.get(&self.ticket.number)?;
        said.iter().rev().find(|s| matches!(s.role, Role::Requester | Role::Participant) && !s.internal)
    }

    /// Who stands in To or Cc of the agent's own mail has it already, as it was typed, with the agent's own address:
    /// the agent is told, for it cannot be taken back.
    fn warn_of_copies(&self, reach: &mut Reach, message: Option<&NewMessage>) {
        let Some(message) = message else { return };
        let takes_part = |address: &Address| {
            let person = |p: &Person| p.address == *address;
            self.ticket.requester.iter().any(person) || self.ticket.participants.iter().any(person)
        };
        let copied = self.case.mail.to.iter().chain(&self.case.mail.cc).map(|person| &person.address);
        let outside: Vec<String> = copied
            .filter(|address| !self.config().is_own(address) && self.config().agent(address).is_none())
            .filter(|address| message.internal || !takes_part(address))
            .map(ToString::to_string)
            .collect();
        if outside.is_empty() {
            return;
        }
        let lines = vec![wording::copied(&outside, message.internal, self.agent.language)];
        let values = Values {
            lines,
            readers: draft::readers(&self.ticket),
            ..draft::values(self.config(), &self.ticket)
        };
        let mail = draft::blank(
            Template::Answer,
            self.agent.person.clone(),
            self.queue(),
            self.ticket.number,
            self.agent.language,
        );
        send::tell_agent(self.case, reach, self.agent, Outgoing { values, purpose: Purpose::Agent, ..mail });
    }
}
