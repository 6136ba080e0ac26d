//! The vocabulary of results: what was decided about a mail, what changes, and what is sent.

use super::ticket::{Priority, Status};
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::language::Language;
use crate::mail::bounce::BounceKind;
use crate::mail::ids::MessageId;
use crate::mail::token::Purpose;

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
    /// Stored, nothing done: a robot's answer, our own mail come back.
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

/// Which template an outgoing mail is made from. The names are the file names in `mail-templates/LANGUAGE/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Template {
    /// To a requester: your mail arrived, this is its number.
    Acknowledgement,
    /// To requester and participants: an agent's answer.
    Reply,
    /// To participants: what the requester or another participant wrote.
    Copy,
    /// To agents: a new ticket, or a new message in one.
    Notification,
    /// To agents: a colleague's reply or note.
    Colleague,
    /// To an agent: what was not understood, and what to write; nothing was done.
    Explanation,
    /// To an agent: the help asked for with `#help`.
    Help,
    /// To an agent: a mail in your name came without proof; reply to confirm it.
    Confirmation,
    /// To a requester: the link to the conversation that was asked for.
    Link,
    /// To agents: a mail of this ticket could not be delivered.
    Undelivered,
    /// To an admin: something only an admin can mend.
    Admin,
    /// To an agent: the answer to a request such as `#list`.
    Answer,
    /// To an agent: what waits, each morning.
    Digest,
    /// To somebody outside, once: a conversation that an agent passes on.
    Forward,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Acknowledgement,
        Self::Reply,
        Self::Copy,
        Self::Notification,
        Self::Colleague,
        Self::Explanation,
        Self::Help,
        Self::Confirmation,
        Self::Link,
        Self::Undelivered,
        Self::Admin,
        Self::Answer,
        Self::Digest,
        Self::Forward,
    ];

    /// The file name without its ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::Reply => "reply",
            Self::Copy => "copy",
            Self::Notification => "notification",
            Self::Colleague => "colleague",
            Self::Explanation => "explanation",
            Self::Help => "help",
            Self::Confirmation => "confirmation",
            Self::Link => "link",
            Self::Undelivered => "undelivered",
            Self::Admin => "admin",
            Self::Answer => "answer",
            Self::Digest => "digest",
            Self::Forward => "forward",
        }
    }

    /// The template of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }

    /// Whether mail from it is made by a program on its own account (RFC 3834 `Auto-Submitted: auto-replied` or
    /// `auto-generated`). An agent's reply, and the copies of a person's message, are a person's mail.
    pub fn is_automatic(self) -> bool {
        !matches!(self, Self::Reply | Self::Forward)
    }

    /// Whether it goes to agents or admins only.
    pub fn is_internal(self) -> bool {
        !matches!(self, Self::Acknowledgement | Self::Reply | Self::Copy | Self::Link | Self::Forward)
    }
}

/// One line of a table in a mail to agents: a ticket as it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// Ticket number.
    pub number: i64,
    /// Status word.
    pub status: Status,
    /// Queue name.
    pub queue: String,
    /// Subject.
    pub subject: String,
    /// Requester's name or address.
    pub requester: String,
    /// Assignee's address, or nothing.
    pub assignee: String,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// What a template can show. Every field is there for every template; those without meaning for it are empty.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Values {
    /// Subject of the ticket (the requester's words).
    pub subject: String,
    /// Whether the requester's own words may be repeated to the requester: only when authenticated.
    pub sender_is_proven: bool,
    /// Status word of the ticket after this decision.
    pub status: String,
    /// Priority word.
    pub priority: String,
    /// When the ticket opened, UTC seconds; templates show it with the `time` filter in the recipient's zone and language.
    pub opened_at: i64,
    /// Requester's name, or empty.
    pub requester_name: String,
    /// Requester's address, or empty. Never for other requesters' eyes.
    pub requester_address: String,
    /// Display name of the person whose words this mail carries.
    pub author_name: String,
    /// Address of that person; agents' templates only.
    pub author_address: String,
    /// Assignee's display name, or empty; agents' templates only.
    pub assignee_name: String,
    /// The message itself, plain text.
    pub text: String,
    /// The quoted rest, where the recipient should have it.
    pub folded: String,
    /// Whether `text` is an internal note.
    pub internal: bool,
    /// Who will read a reply to this mail (agents' templates): addresses or names.
    pub readers: Vec<String>,
    /// Names of attachments that are named but not sent with it (over the bound).
    pub left_out: Vec<String>,
    /// What was wrong, or what is to be told, one line each, in the recipient's language.
    pub lines: Vec<String>,
    /// Tickets in a table.
    pub rows: Vec<Row>,
    /// What the sender's history is: earlier tickets, newest first.
    pub history: Vec<Row>,
    /// How many earlier tickets the requester has.
    pub history_count: i64,
    /// The closed ticket this one continues; 0 for none.
    pub continues: i64,
    /// Tickets named without the right to write into them.
    pub mentions: Vec<i64>,
    /// The ticket is new with this mail.
    pub is_new: bool,
}

/// A mail to be sent to one recipient, before a template and a token make bytes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What it is.
    pub template: Template,
    /// The one recipient.
    pub to: Person,
    /// Queue whose name and address it goes out under.
    pub queue: String,
    /// Ticket number; 0 when it is about none (for [`Purpose::Confirm`] use `token_number`).
    pub number: i64,
    /// What a reply that carries this mail's token may do.
    pub purpose: Purpose,
    /// Number inside the token: the ticket's, or the held mail's for [`Purpose::Confirm`].
    pub token_number: i64,
    /// Language of the template.
    pub language: Language,
    /// The agent whose reply it is, who may take it back while it waits. Not shown to anybody.
    pub author: Option<Address>,
    /// Display name before the queue's: an agent's or requester's, or empty for the queue's own.
    pub from_name: String,
    /// The mail this one answers, for `In-Reply-To`.
    pub in_reply_to: Option<MessageId>,
    /// For `References`, oldest first; the ticket's pseudo-reference is added in composing.
    pub references: Vec<MessageId>,
    /// What the template shows.
    pub values: Values,
    /// Whether the attachments of the mail being decided go with it.
    pub attachments: bool,
    /// Not before this many seconds from now, so that it can be taken back.
    pub hold_secs: i64,
}
