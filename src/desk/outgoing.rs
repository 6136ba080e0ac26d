//! An outgoing mail before a template and a token make bytes of it: to whom, from which template, with which values.

use super::ticket::Status;
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use crate::language::Language;
use crate::mail::ids::MessageId;
use crate::mail::token::Purpose;

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
    /// Somebody wrote it in the shared mailbox itself: Postdesk has sent nothing of it.
    pub from_mailbox: bool,
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
    /// Whether the recipient is a participant, who may leave the ticket: the mail says how (`List-Unsubscribe`).
    pub may_leave: bool,
}
