//! The vocabulary of results: what was decided about a mail, and what changes. What is sent is `outgoing`'s.

use super::ticket::{Priority, Status};
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::language::Language;
use crate::mail::bounce::BounceKind;
use crate::mail::ids::MessageId;

pub use super::outgoing::{Outgoing, Row, Template, Values};

/// The one way in which each mail is accounted for (promise 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Opened a ticket.
    Opened,
    /// Joined a ticket as a requester's, participant's or robot's message.
    FollowUp,
    /// Acted upon as an agent's mail.
    Agent,
    /// An agent's mail by its From alone: kept until the agent confirms it.
    Held,
    /// A delivery report.
    Bounce,
    /// Stored, answered by nothing and no message: a robot's answer, our own mail come back, a participant's leave.
    Ignored,
    /// Not taken: over the size limit. It stays in the mailbox.
    Refused,
    /// Had been filed before.
    Duplicate,
    /// Something went wrong in reading or deciding; raw bytes kept, can be retried.
    Quarantined,
}

impl Disposition {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Opened,
        Self::FollowUp,
        Self::Agent,
        Self::Held,
        Self::Bounce,
        Self::Ignored,
        Self::Refused,
        Self::Duplicate,
        Self::Quarantined,
    ];

    /// The word in the database and the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::FollowUp => "follow-up",
            Self::Agent => "agent",
            Self::Held => "held",
            Self::Bounce => "bounce",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
        }
    }

    /// The disposition of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disposition| disposition.word() == word)
    }
}

/// Everything that follows from one mail, one command or one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// How the mail is accounted for.
    pub disposition: Disposition,
    /// Why, in one English sentence for the ledger, the log and `explain`.
    pub reason: String,
    /// The ticket it ended in, if any.
    pub number: Option<i64>,
    /// What changes, in order.
    pub events: Vec<Event>,
    /// What is sent, in order.
    pub outgoing: Vec<Outgoing>,
}

impl Decision {
    /// A decision that changes nothing.
    pub fn nothing(disposition: Disposition, reason: impl Into<String>) -> Self {
        Self { disposition, reason: reason.into(), number: None, events: Vec::new(), outgoing: Vec::new() }
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person whose ticket it is.
    Requester,
    /// Somebody else who takes part.
    Participant,
    /// The desk's side.
    Agent,
    /// A robot: out-of-office, delivery report.
    Robot,
    /// Postdesk itself.
    System,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Requester, Self::Participant, Self::Agent, Self::Robot, Self::System];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Participant => "participant",
            Self::Agent => "agent",
            Self::Robot => "robot",
            Self::System => "system",
        }
    }

    /// The role of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// A message to be added to a ticket. It belongs to the mail being decided, whose raw bytes hold its attachments.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// An internal note: never shown or sent to anybody but agents (promise 8).
    pub internal: bool,
    /// In what capacity the author wrote.
    pub role: Role,
    /// The author; `None` for mail without a usable From.
    pub author: Option<Person>,
    /// What was written for this message.
    pub text: String,
    /// The rest of the mail's text (quotes, signature), folded away but kept.
    pub folded: String,
    /// Whether it is the mail itself, with its attachments. One message of a mail is; another may be made beside it: an
    /// agent's note on what is forwarded, a message that is split off.
    pub is_the_mail: bool,
}

/// A ticket to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    /// Queue name.
    pub queue: String,
    /// Subject without tags and reply prefixes.
    pub subject: String,
    /// Who asks; `None` for mail without a usable From.
    pub requester: Option<Person>,
    /// Language of mail to the requester.
    pub language: Language,
    /// The closed ticket this one continues.
    pub continues: Option<i64>,
    /// Tickets that the mail named without the right to write into them; shown to agents only.
    pub mentions: Vec<i64>,
}

/// One change; a first field that is a number is the ticket's.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A ticket opens, under a number that was free.
    Open(i64, NewTicket),
    /// A message is added.
    Message(i64, NewMessage),
    /// The status changes.
    Status(i64, Status),
    /// An agent takes it, or nobody has it.
    Assign(i64, Option<Address>),
    /// Somebody takes part, and gets what is public.
    Join(i64, Person),
    /// Mail that names this Message-ID belongs to the ticket, as if it had been filed there.
    Reference(i64, MessageId),
    /// May write into the ticket without getting copies: the From of a requester who wants answers elsewhere.
    Writer(i64, Address),
    /// Somebody takes part no longer.
    Leave(i64, Address),
    /// An agent watches it.
    Watch(i64, Address),
    /// An agent watches it no longer.
    Unwatch(i64, Address),
    /// The priority changes.
    Priority(i64, Priority),
    /// It moves to another queue.
    Queue(i64, String),
    /// A label is put on.
    Label(i64, String),
    /// A label is taken off.
    Unlabel(i64, String),
    /// The subject changes.
    Subject(i64, String),
    /// Another person is the requester.
    Requester(i64, Person),
    /// The desk's turn comes back at this time (`#pending until`, `#snooze`); `None` takes that back.
    Wake(i64, Option<Timestamp>),
    /// It is merged into another, which is followed from now on.
    Merge(i64, i64),
    /// An outgoing mail came back. The outbox row, the report's kind, status and words.
    Bounced {
        /// Outbox row.
        outbox: i64,
        /// Ticket, where the mail was about one.
        number: Option<i64>,
        /// Hard, soft or delayed.
        kind: BounceKind,
        /// Status and diagnostic, for people.
        said: String,
    },
    /// Nothing is sent to this address until that time: it is dead.
    Pause(Address, Timestamp),
    /// An agent's text that could not be acted upon is kept.
    Draft(i64, Person, String),
    /// Agent's replies that still wait in the outbox are taken back: those of this author.
    Undo(i64, Address),
    /// The held mail with this id is released; the loop decides it anew, as proven.
    Release(i64),
    /// An agent has had the morning digest of that local day.
    Digest(Address, jiff::civil::Date),
    /// An agent is away until that time (`None`: back).
    Away(Address, Option<Timestamp>),
    /// One more automatic mail counts against these budgets.
    Spend(Vec<BudgetKey>),
    /// An admin has been told, this hour, about this.
    Told(String),
    /// Something for the ticket's history that changes nothing else. For people, in English.
    Remark(i64, String),
}

/// What an automatic mail counts against, per hour.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub enum BudgetKey {
    /// To this address.
    Sender(Address),
    /// To this domain.
    Domain(String),
    /// About this ticket.
    Ticket(i64),
    /// In all, to people outside.
    Answers,
    /// In all, messages told to agents.
    Notifications,
    /// About this ticket, messages told to agents: two robots, one of them an agent's, may not write to each other for ever.
    Notices(i64),
}
