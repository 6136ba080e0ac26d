//! What was read about a mail's surroundings before deciding. Plain data; `store/facts.rs` fills it in.

use super::command::Listing;
use super::decision::{BudgetKey, Role, Row, Template};
use super::ticket::{Priority, Status};
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::language::Language;
use crate::mail::ids::MessageId;
use std::collections::BTreeMap;

/// Most tickets of one list by mail.
pub const LISTED_MAX: usize = 100;

/// Most tickets of one search by mail.
pub const FOUND_MAX: usize = 30;

/// A ticket as it stands before the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketFacts {
    /// Ticket number.
    pub number: i64,
    /// Queue name.
    pub queue: String,
    /// Subject.
    pub subject: String,
    /// Status.
    pub status: Status,
    /// Priority.
    pub priority: Priority,
    /// Whose ticket it is.
    pub requester: Option<Person>,
    /// Language of mail to the requester.
    pub language: Language,
    /// The agent who has it.
    pub assignee: Option<Address>,
    /// Who else takes part.
    pub participants: Vec<Person>,
    /// Addresses that may write in without getting copies.
    pub writers: Vec<Address>,
    /// Agents who watch.
    pub watchers: Vec<Address>,
    /// Who took part and left, or was taken out: nobody's Cc brings them back.
    pub left: Vec<Address>,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When it was closed, while it is.
    pub closed_at: Option<Timestamp>,
    /// The closed ticket it continues.
    pub continues: Option<i64>,
    /// Message-IDs of its incoming mail: the first, then the newest, oldest first.
    pub message_ids: Vec<MessageId>,
    /// Authors of replies that still wait in the outbox and can be taken back.
    pub waiting: Vec<Address>,
}

impl TicketFacts {
    /// Whether mail from `address` may join this ticket without a token (whole addresses compared).
    pub fn has_part(&self, address: &Address) -> bool {
        let requester = self.requester.as_ref().is_some_and(|person| person.address == *address);
        requester
            || self.participants.iter().any(|person| person.address == *address)
            || self.writers.contains(address)
    }
}

/// An outgoing mail that a delivery report may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxFacts {
    /// Row.
    pub id: i64,
    /// Message-ID it was sent with.
    pub message_id: MessageId,
    /// Ticket it was about.
    pub number: Option<i64>,
    /// To whom.
    pub recipient: Address,
    /// What it was.
    pub template: Template,
    /// The agent whose reply it was.
    pub author: Option<Address>,
    /// Whether a report has been recorded on it before.
    pub bounced: bool,
}

/// How busy an agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The agent's registered address.
    pub agent: Address,
    /// Live tickets assigned.
    pub live: i64,
    /// When a ticket was last given in turn.
    pub last_ticket: Timestamp,
    /// Away until then.
    pub away_until: Option<Timestamp>,
}

/// What a mail asks to be looked up before it is decided. Only mail that names an agent in From asks; whether the agent
/// gets to see it is decided afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A ticket that a command names.
    Ticket(i64),
    /// A ticket's line of the list and its conversation.
    Show(i64),
    /// The conversation of the tickets that the mail belongs to.
    Conversation,
    /// A list.
    List(Listing),
    /// A search for these words.
    Search(String),
    /// The desk's figures, and the oldest tickets that wait for it.
    Report,
}

/// A message as it stands in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// A note.
    pub internal: bool,
    /// In what capacity the author wrote.
    pub role: Role,
    /// The author.
    pub author: Option<Person>,
    /// What was written.
    pub text: String,
    /// Names of attachments.
    pub attachments: Vec<String>,
}

impl Said {
    /// The author for readers: agents by name only, others by name or address.
    pub fn label(&self) -> &str {
        match (&self.author, self.role) {
            (Some(person), Role::Agent) => &person.name,
            (Some(person), _) => person.label(),
            (None, _) => "?",
        }
    }
}

/// The desk's figures in an agent's queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Tickets that nobody has answered.
    pub new: i64,
    /// Tickets whose turn is ours.
    pub open: i64,
    /// Tickets whose turn is the requester's.
    pub pending: i64,
    /// Live tickets that nobody has.
    pub unassigned: i64,
    /// Opened in the last seven days.
    pub opened_lately: i64,
    /// Closed in the last seven days.
    pub closed_lately: i64,
    /// Live tickets of each agent, most first.
    pub by_agent: Vec<(String, i64)>,
}

/// All that is known before deciding about one mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The id this mail will have in the ledger.
    pub mail_id: i64,
    /// The mail that was filed with the same content.
    pub duplicate_of: Option<i64>,
    /// Of sent mail: its copy that came to the desk itself, and was ignored there for want of proof.
    pub ignored_before: Option<i64>,
    /// The mail's own Message-ID is one we made: our own mail has come back.
    pub is_our_mail: bool,
    /// The tickets named by the mail's keys, by number, merges followed.
    pub tickets: BTreeMap<i64, TicketFacts>,
    /// Where a number named leads: itself, or the ticket it was merged into.
    pub leads_to: BTreeMap<i64, i64>,
    /// Message-IDs the mail points at that belong to incoming mail, with the ticket's number (merges followed).
    pub known_ids: Vec<(MessageId, i64)>,
    /// Outgoing mail that a delivery report names.
    pub outbox: Vec<OutboxFacts>,
    /// The held mail that a confirmation names: id, and the From it came with.
    pub held: Option<(i64, Address)>,
    /// Counts of this hour.
    pub spent: BTreeMap<BudgetKey, u32>,
    /// What an admin has been told this hour.
    pub told: Vec<String>,
    /// Recipients that mail is not sent to for now.
    pub paused: Vec<Address>,
    /// A ticket number that is free.
    pub fresh_number: i64,
    /// The sender's earlier tickets, newest first, at most three.
    pub history: Vec<Row>,
    /// How many there are.
    pub history_count: i64,
    /// The queue's agents, how busy they are.
    pub loads: Vec<Load>,
    /// Conversations that were asked for, by ticket number, oldest message first.
    pub conversations: BTreeMap<i64, Vec<Said>>,
    /// Lists that were asked for.
    pub found: Vec<(Ask, Vec<Row>)>,
    /// The figures, where they were asked for.
    pub figures: Figures,
}

impl Facts {
    /// The ticket that `number` leads to.
    pub fn ticket(&self, number: i64) -> Option<&TicketFacts> {
        self.tickets.get(self.leads_to.get(&number).unwrap_or(&number))
    }

    /// What has been spent of a budget this hour.
    pub fn spent(&self, key: &BudgetKey) -> u32 {
        self.spent.get(key).copied().unwrap_or(0)
    }
}
