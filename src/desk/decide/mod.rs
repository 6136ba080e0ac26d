//! THE RULES: what follows from one mail. (mail, keys, facts, policy, now) -> [`Decision`].
//!
//! This file finds out who writes and about what; `requester`, `agent` and `bounce` say what follows; `send` makes the
//! outgoing mail and keeps the budgets; `words` holds what agents are told in their language.

pub mod admin;
mod act;
mod agent;
mod behalf;
mod bounce;
mod colleagues;
mod draft;
mod desk_work;
pub mod leave;
pub mod link;
pub mod outcome;
mod refuse;
mod reply;
mod requester;
mod send;
mod sent;
pub mod tick;
mod when;
mod who;
pub mod words;
mod wording;

#[cfg(test)]
mod tests;

use super::command;
use super::decision::{Decision, Disposition};
use super::facts::{Facts, TicketFacts};
use super::thread::{self, MailKeys, Match, Threaded};
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::config::{Agent, Config, Queue};
use crate::mail::Mail;
use crate::mail::automatic::AutomaticKind;
use crate::mail::proof::{Authentication, authentication, may_be_readdressed};
use crate::mail::token::{Keys, Purpose, Token};

/// What the admin has decided, as far as it concerns one mail.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// The whole configuration.
    pub config: &'a Config,
    /// Keys that verify tokens.
    pub keys: &'a Keys,
    /// The queue whose mailbox the mail came to.
    pub queue: &'a Queue,
    /// Whose `Authentication-Results` are believed for this mailbox.
    pub authserv_id: Option<&'a str>,
    /// The agent named in From has confirmed this very mail.
    pub confirmed: bool,
    /// It lies in the account's folder of sent mail.
    pub is_sent: bool,
}

/// Everything a rule looks at, in one hand.
#[derive(Clone, Copy)]
struct Case<'a> {
    mail: &'a Mail,
    keys: &'a MailKeys,
    facts: &'a Facts,
    policy: Policy<'a>,
    now: Timestamp,
}

/// Who wrote a mail, as far as is proven.
#[derive(Clone, Debug)]
enum Author<'a> {
    /// No usable From.
    Nobody,
    /// The desk's own address, and nobody else to answer.
    Own,
    /// An agent, with the proof.
    Agent(&'a Agent, String),
    /// An agent who confirms the held mail with this id.
    Confirming(&'a Agent, i64),
    /// An agent by From alone, with what is missing.
    Claimed(&'a Agent, String),
    /// Anybody else.
    Outsider(Writer),
}

/// Somebody outside who writes.
#[derive(Clone, Debug)]
struct Writer {
    /// Where answers go, with the display name.
    person: Person,
    /// The From address, which decides what the mail may join.
    from: Address,
}

/// What was found out before deciding: shown by `postdesk explain`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Findings {
    /// Who wrote, in words.
    pub author: String,
    /// Which ticket, with the evidence.
    pub threaded: Threaded,
}

/// Decides about one mail. Total: every mail gets a disposition.
pub fn decide(
    mail: &Mail,
    keys: &MailKeys,
    facts: &Facts,
    policy: Policy<'_>,
    now: Timestamp,
) -> (Decision, Findings) {
    let case = Case { mail, keys, facts, policy, now };
    let (author, threaded) = case.author(keys);
    let findings = Findings { author: author.words(), threaded: threaded.clone() };
    let decision = match early(&case).or_else(|| leave::by_mail(&case)) {
        Some(decision) => decision,
        None => by_author(&case, author, &threaded),
    };
    (decision, findings)
}

/// Mail that was filed before.
fn duplicate(first: i64) -> Decision {
    Decision::nothing(Disposition::Duplicate, format!("the same mail was filed before as mail {first}"))
}

/// Mail whose author does not matter.
fn early(case: &Case<'_>) -> Option<Decision> {
    if let Some(first) = case.facts.duplicate_of {
        return Some(duplicate(first));
    }
    if case.facts.is_our_mail {
        let ignored = || Decision::nothing(Disposition::Ignored, "our own mail came back to us");
        return Some(case.facts.ignored_before.map_or_else(ignored, duplicate));
    }
    if case.policy.is_sent {
        return Some(sent::decide(case));
    }
    case.mail.bounce.as_ref().map(|report| bounce::decide(case, report))
}

fn by_author(case: &Case<'_>, author: Author<'_>, threaded: &Threaded) -> Decision {
    let ticket = threaded.found.as_ref().and_then(|found| Some((case.facts.ticket(found.number)?, found)));
    match (author, ticket) {
        (Author::Own, _) => from_ourselves(case),
        (Author::Confirming(agent, held), _) => agent::confirm(case, agent, held),
        (Author::Agent(agent, proof), Some((ticket, found))) => {
            agent::in_ticket(case, agent, &proof, ticket, found)
        }
        (Author::Agent(agent, _), None) => agent::without_ticket(case, agent, threaded),
        (Author::Claimed(agent, missing), Some(_)) => agent::hold(case, agent, &missing),
        (Author::Claimed(agent, missing), None) if has_commands(case.mail) || agent::forwards(case) => {
            agent::hold(case, agent, &missing)
        }
        (Author::Claimed(agent, _), None) => {
            requester::open(case, Some(&agent_as_writer(agent)), threaded, None)
        }
        (Author::Outsider(writer), Some((ticket, found))) => {
            requester::follow_up(case, &writer, ticket, found, threaded)
        }
        (Author::Outsider(writer), None) => requester::unmatched(case, Some(&writer), threaded),
        (Author::Nobody, _) => requester::unmatched(case, None, threaded),
    }
}

/// Mail in the desk's own name with nobody to answer: it opens nothing, or two of the desk's own addresses would write to
/// each other. It may be the form of a website all the same, so the admins hear of it, once an hour.
fn from_ourselves(case: &Case<'_>) -> Decision {
    let mut reach = send::Reach::new();
    let kind = case.mail.automatic.as_ref().map(|automatic| automatic.kind);
    let mut named = case.mail.to.iter().chain(&case.mail.cc);
    let only_to_us = named.all(|person| case.config().is_own(&person.address));
    if only_to_us && matches!(kind, None | Some(AutomaticKind::Generated)) {
        reach.tell_admins_lines(case, "own address", admin::FROM_OURSELVES);
    }
    Decision {
        events: reach.events,
        outgoing: reach.outgoing,
        ..Decision::nothing(
            Disposition::Ignored,
            "From is the desk's own address, and nobody else is named to answer",
        )
    }
}

fn has_commands(mail: &Mail) -> bool {
    let parsed = command::parse(&mail.fresh());
    !parsed.commands.is_empty() || !parsed.faults.is_empty()
}

fn agent_as_writer(agent: &Agent) -> Writer {
    Writer { person: agent.person.clone(), from: agent.person.address.clone() }
}

impl<'a> Case<'a> {
    fn config(&self) -> &'a Config {
        self.policy.config
    }

    /// The queue a ticket lives in; the mailbox's own when its queue is no longer configured.
    fn queue_of(&self, ticket: &TicketFacts) -> &'a Queue {
        self.config().queue(&ticket.queue).unwrap_or(self.policy.queue)
    }

    /// Finds out who writes and about which ticket; the one depends on the other, for a token proves both.
    fn author(&self, keys: &MailKeys) -> (Author<'a>, Threaded) {
        let Some(writer) = self.writer() else {
            let author = if self.mail.from.is_some() { Author::Own } else { Author::Nobody };
            return (author, self.thread(keys, &[], |_| false));
        };
        let agent = self.config().agent(&writer.from);
        let Some(agent) = agent else {
            let owners = [writer.from.clone(), writer.person.address.clone()];
            let may_join = |number| self.facts.ticket(number).is_some_and(|t| t.has_part(&writer.from));
            let threaded = self.thread(keys, &owners, may_join);
            return (Author::Outsider(writer), threaded);
        };
        let owners: Vec<Address> =
            std::iter::once(&agent.person.address).chain(&agent.aliases).cloned().collect();
        let threaded = self.thread(keys, &owners, |number| self.agent_may_act(agent, number));
        if let Some(held) = self.confirms(agent, keys, &owners) {
            return (Author::Confirming(agent, held), threaded);
        }
        if self.writes_as_requester(agent, threaded.found.as_ref()) {
            return (Author::Outsider(writer), threaded);
        }
        (self.prove(agent, &owners), threaded)
    }

    fn thread(&self, keys: &MailKeys, owners: &[Address], may_join: impl Fn(i64) -> bool) -> Threaded {
        let is_agent =
            self.mail.from.as_ref().is_some_and(|from| self.config().agent(&from.address).is_some());
        thread::find(keys, self.facts, self.policy.keys, owners, is_agent, may_join)
    }

    /// Whom to answer. A form or robot that mails as the desk or as nobody, with a Reply-To, speaks for that person.
    fn writer(&self) -> Option<Writer> {
        let from = self.mail.from.as_ref()?;
        let own = self.config().is_own(&from.address);
        let elsewhere = self
            .mail
            .reply_to
            .iter()
            .find(|p| p.address != from.address && !self.config().is_own(&p.address));
        match elsewhere {
            Some(person) if own => Some(Writer { person: person.clone(), from: person.address.clone() }),
            Some(person) => {
                let name = if person.name.is_empty() { &from.name } else { &person.name };
                Some(Writer { person: Person::new(name, person.address.clone()), from: from.address.clone() })
            }
            None if own => None,
            None => Some(Writer { person: from.clone(), from: from.address.clone() }),
        }
    }

    /// Agents act in tickets of their own queues, and in those they have or watch.
    fn agent_may_act(&self, agent: &Agent, number: i64) -> bool {
        let Some(ticket) = self.facts.ticket(number) else { return false };
        let in_queue =
            self.config().agents_of(self.queue_of(ticket)).any(|a| a.person.address == agent.person.address);
        let concerned = ticket.assignee.iter().chain(&ticket.watchers).any(|address| agent.is(address));
        in_queue || concerned || ticket.has_part(&agent.person.address)
    }

    /// The held mail that this mail's token releases. A robot confirms nothing: an out-of-office would return the token
    /// of a forged mail's confirmation. Neither does mail with more than one From.
    fn confirms(&self, agent: &Agent, keys: &MailKeys, owners: &[Address]) -> Option<i64> {
        let (held, from) = self.facts.held.as_ref()?;
        let mut tokens = keys.tokens().filter(|t| t.purpose == Purpose::Confirm && t.number == *held);
        let genuine = tokens.any(|t| owners.iter().any(|o| self.policy.keys.verifies(t, o)));
        let by_hand = self.mail.automatic.is_none() && !self.mail.from_many;
        (genuine && by_hand && agent.is(from)).then_some(*held)
    }

    /// An agent who asked something as a requester answers as one, unless the token says otherwise, or commands do: they
    /// are for an agent's mail only, and would be read by all who take part.
    fn writes_as_requester(&self, agent: &Agent, found: Option<&Match>) -> bool {
        let Some(found) = found.filter(|_| !has_commands(self.mail)) else { return false };
        let Some(ticket) = self.facts.ticket(found.number) else { return false };
        let is_requester = ticket.requester.as_ref().is_some_and(|person| agent.is(&person.address));
        match found.purpose {
            Some(purpose) => purpose == Purpose::Requester,
            None => is_requester,
        }
    }

    /// Whether the mail is the agent's own: by token, by the trusted server's word, by confirmation or by policy.
    ///
    /// Any token of an agent's that was made for this agent counts, whatever ticket or list it came with: only the agent
    /// has it, and what the agent may touch is looked at elsewhere.
    fn prove(&self, agent: &'a Agent, owners: &[Address]) -> Author<'a> {
        if self.policy.confirmed {
            return Author::Agent(agent, "the agent confirmed this mail".to_owned());
        }
        if self.mail.from_many {
            return Author::Claimed(agent, "there is more than one From".to_owned());
        }
        if let Some(other) =
            self.mail.reply_to.iter().find(|p| !agent.is(&p.address) && !self.config().is_own(&p.address))
        {
            return Author::Claimed(
                agent,
                format!("Reply-To names {}, From names {}", other.address, agent.person.address),
            );
        }
        let of_agents =
            |token: &&Token| matches!(token.purpose, Purpose::Agent | Purpose::Note | Purpose::Desk);
        if self.keys.tokens().filter(of_agents).any(|token| self.is_genuine(token, owners)) {
            return Author::Agent(agent, "the token made for this agent".to_owned());
        }
        match authentication(self.mail, self.policy.authserv_id) {
            Authentication::Pass(said) => match self.may_be_passed_on() {
                None => Author::Agent(agent, said),
                Some(doubt) => Author::Claimed(agent, format!("{said}, but {doubt}")),
            },
            _ if self.config().desk.trust_from => Author::Agent(agent, "trust_from is on".to_owned()),
            Authentication::Fail(said) => Author::Claimed(agent, said),
            Authentication::Unknown => Author::Claimed(agent, "neither token nor authentication".to_owned()),
        }
    }

    /// Why a mail that the agent did sign may have been brought here by somebody else. A signature tells who wrote a mail
    /// and not whom it reached: everybody who has got a mail of an agent's can send it on to the desk, with fields of
    /// their own above the signed ones.
    fn may_be_passed_on(&self) -> Option<String> {
        if let Some(field) = self.mail.doubled {
            return Some(format!("there is more than one {field} field"));
        }
        if self.mail.oddities.iter().any(|oddity| oddity.code == "headers-bound") {
            return Some("it has more header fields than are read".to_owned());
        }
        let is_for_us = |people: &[Person]| people.iter().any(|person| self.config().is_own(&person.address));
        let fields = [("to", &self.mail.to), ("cc", &self.mail.cc)];
        let fields: Vec<&str> =
            fields.into_iter().filter(|(_, people)| is_for_us(people)).map(|(name, _)| name).collect();
        if fields.is_empty() {
            return Some("neither To nor Cc names an address of the desk".to_owned());
        }
        may_be_readdressed(self.mail, self.policy.authserv_id, &fields).then(|| {
            format!("its signature leaves out the field that names the desk ({})", fields.join(", "))
        })
    }

    fn is_genuine(&self, token: &Token, owners: &[Address]) -> bool {
        owners.iter().any(|owner| self.policy.keys.verifies(token, owner))
    }

    /// Whether the mail went to an address for notes, alone or beside others: the note wins. Such an address carries no
    /// proof; it can only make a mail less public.
    fn is_for_notes(&self) -> bool {
        let named = self.mail.to.iter().chain(&self.mail.cc).map(|person| &person.address);
        let takes_notes =
            |address: &Address| self.config().queues.iter().any(|queue| queue.is_note_address(address));
        named.chain(&self.mail.delivered_to).any(takes_notes)
    }

    /// Whether the mail answers one whose answers are notes. Of several mails that it points at the nearest counts, for
    /// that is the one whose first lines the agent has read; of several addresses any. As it can only make a mail less
    /// public, the token need not be good any more: the mail that is answered has said so all the same.
    fn answers_a_note(&self) -> bool {
        let is_note = |token: &Token| token.purpose == Purpose::Note;
        let tells = |token: &&Token| matches!(token.purpose, Purpose::Agent | Purpose::Note);
        let nearest = self.keys.reference_tokens.iter().find(tells);
        self.keys.address_tokens.iter().any(is_note) || nearest.is_some_and(is_note)
    }

    /// Whether the sender's own words may be repeated to the From address.
    fn sender_is_proven(&self, found: Option<&Match>) -> bool {
        let by_token = found.is_some_and(|f| f.purpose.is_some());
        by_token || matches!(authentication(self.mail, self.policy.authserv_id), Authentication::Pass(_))
    }
}

impl Author<'_> {
    fn words(&self) -> String {
        match self {
            Self::Nobody => "nobody (no usable From)".to_owned(),
            Self::Own => "the desk's own address".to_owned(),
            Self::Agent(agent, proof) => format!("agent {}, proven: {proof}", agent.person.address),
            Self::Confirming(agent, held) => {
                format!("agent {}, confirming held mail {held}", agent.person.address)
            }
            Self::Claimed(agent, missing) => {
                format!("agent {} by From alone: {missing}", agent.person.address)
            }
            Self::Outsider(writer) => format!("{}", writer.from),
        }
    }
}
