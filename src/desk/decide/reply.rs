//! The mail that an agent's work on a ticket causes: the reply, word to the colleagues, answers to what was asked.

use super::act::Act;
use super::draft;
use super::send::{self, Reach};
use super::{colleagues, desk_work, wording};
use crate::address::{Address, Person};
use crate::desk::decision::{Decision, Disposition, Event, NewMessage, Outgoing, Role, Template, Values};
use crate::desk::facts::Said;
use crate::desk::thread::Match;
use crate::mail::Attachment;
use crate::mail::token::Purpose;

impl<'a> Act<'a, '_> {
    /// The decision: events as gathered, the reply to those outside, and word to the colleagues.
    pub(super) fn decision(mut self, proof: &str, found: &Match) -> Decision {
        let message = self.events.iter().find_map(|event| match event {
            Event::Message(number, message) if *number == self.ticket.number => Some(message.clone()),
            _ => None,
        });
        let mut reach = Reach::new();
        if self.took_back {
            colleagues::taken_back(self.case, &mut reach, &self.ticket, self.agent);
        }
        if let Some(message) = &message {
            if !message.internal {
                self.reply(&mut reach, &message.text);
            }
            let voice = colleagues::Voice::Agent(self.agent);
            colleagues::tell(self.case, &mut reach, &self.ticket, message, voice);
        }
        self.pass_on(&mut reach, message.as_ref());
        self.hand_over_split(&mut reach);
        if !self.asked.is_empty() {
            self.done.push("answered by mail");
        }
        for command in &self.asked {
            let about = Some((&self.ticket, self.internal));
            desk_work::answer(self.case, &mut reach, self.agent, about, command);
        }
        if self.is_withheld {
            self.tell_author(&mut reach, wording::withheld(self.agent.language));
        }
        self.warn_of_copies(&mut reach, message.as_ref());
        self.say_where_it_is(&mut reach, message.as_ref());
        self.say_what_stayed(&mut reach, message.as_ref());
        self.say_what_had_no_text(&mut reach, message.as_ref());
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
        let folded = wording::conversation(public, wording::PASSED_ON_CHARS, zone, self.ticket.language);
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
        let line = wording::copied(&outside, message.internal, self.agent.language);
        self.tell_author(reach, line);
    }

    /// A forwarded mail that was found to belong into the ticket is a note there. An agent who meant to open a ticket
    /// with it must not wait for one.
    fn say_where_it_is(&self, reach: &mut Reach, message: Option<&NewMessage>) {
        if self.is_brought && message.is_some() {
            self.tell_author(reach, wording::brought(self.ticket.number, self.agent.language));
        }
    }

    /// Commands without a text send nothing, for programs attach pictures to every mail. A document is meant to go somewhere.
    fn say_what_had_no_text(&self, reach: &mut Reach, message: Option<&NewMessage>) {
        let is_document = |file: &&Attachment| {
            !file.inline && !file.is_agents_own() && !file.content_type.starts_with("image/")
        };
        let files = self.case.mail.attachments.iter().filter(is_document);
        let names: Vec<&str> = files.map(|file| file.name.as_str()).collect();
        if message.is_none() && !names.is_empty() {
            self.tell_author(reach, wording::without_text(&names.join(", "), self.agent.language));
        }
    }

    /// Mail of the desk's own that the agent's mail brought along went to nobody outside.
    fn say_what_stayed(&self, reach: &mut Reach, message: Option<&NewMessage>) {
        let files = self.case.mail.attachments.iter().filter(|file| file.holds_token);
        let names: Vec<&str> = files.map(|file| file.name.as_str()).collect();
        if message.is_some_and(|message| !message.internal) && !names.is_empty() {
            self.tell_author(reach, wording::stayed(&names.join(", "), self.agent.language));
        }
    }

    /// One line to the agent about the agent's own mail.
    fn tell_author(&self, reach: &mut Reach, line: String) {
        let values = Values {
            lines: vec![line],
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
        let purpose = colleagues::answers(self.internal);
        send::tell_agent(self.case, reach, self.agent, Outgoing { values, purpose, ..mail });
    }
}
