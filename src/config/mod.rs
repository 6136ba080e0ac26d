//! The configuration: one TOML file, read whole, refused whole with every fault named, or meant as a [`Config`].
//!
//! `secret` reads passwords, `fault` says what is wrong and where, `keys` lists what there may be, `values` reads
//! single values, `raw` is the file as tables with places, `server`, `parts` and `build` turn it into this module's
//! types. Knows no mailbox's state and connects to nothing.

pub mod secret;
pub mod fault;
pub mod keys;
mod values;
mod raw;
mod server;
mod parts;
mod canned;
pub mod build;

use crate::address::{Address, Person};
use crate::language::Language;
use jiff::tz::TimeZone;
use secret::SecretSource;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use build::{load, parse};
pub use canned::{CANNED_VALUES, Canned};
pub use fault::{Fault, Faults};

/// All that an admin decides. Made by [`load`]; every reference between parts (an agent's address in a queue, a
/// mailbox's queue) has been checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What holds for the whole desk.
    pub desk: Desk,
    /// Bounds on work.
    pub limits: Limits,
    /// Bounds on automatic answers.
    pub budgets: Budgets,
    /// The status page; `None` switches it off.
    pub web: Option<Web>,
    /// Numbers for monitoring; `None` switches them off.
    pub metrics: Option<Metrics>,
    /// The relay that takes outgoing mail.
    pub smtp: Smtp,
    /// Everybody who answers tickets.
    pub agents: Vec<Agent>,
    /// Where tickets live.
    pub queues: Vec<Queue>,
    /// Where mail comes from.
    pub mailboxes: Vec<Mailbox>,
    /// Texts that agents answer with by name.
    pub canned: Vec<Canned>,
}

/// `[desk]`.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The organisation's name, shown in mail and on the page.
    pub name: String,
    /// The SQLite file.
    pub database: PathBuf,
    /// The right side of every Message-ID we make, and the name given in EHLO.
    pub domain: String,
    /// Who is told what only an admin can mend.
    pub admins: Vec<Address>,
    /// The form of the subject tag, with `{number}` in it: `[#{number}]`.
    pub tag: String,
    /// Templates that replace the built-in ones, file by file.
    pub templates: Option<PathBuf>,
    /// Accept an agent's From without proof: for closed networks only.
    pub trust_from: bool,
    /// How long, in seconds, the link in a mail shows the conversation.
    pub link_valid_secs: i64,
    /// How long, in seconds, a retired key still verifies tokens.
    pub key_valid_secs: i64,
    /// How long, in seconds, bodies of mail that was sent are kept in the outbox.
    pub sent_kept_secs: i64,
    /// How long, in seconds, an agent's reply waits in the outbox so that `#undo` can stop it.
    pub hold_replies_secs: i64,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Larger mails stay in the mailbox, are recorded as refused, and the admin is told. Bytes.
    pub mail_max_bytes: u64,
    /// Attachments beyond this much are named in the notification to agents instead of sent with it. Bytes.
    pub forward_max_bytes: u64,
    /// UIDs asked for, and mails fetched, at once.
    pub batch_max: usize,
    /// SMTP connections used at once.
    pub smtp_connections: usize,
}

/// `[budgets]`: how many automatic mails may go out per hour. At the bound mail is stored, nothing is answered, and
/// the admin is told once an hour.
#[derive(Debug, Clone, Copy)]
pub struct Budgets {
    /// To one address.
    pub per_sender: u32,
    /// To one domain.
    pub per_domain: u32,
    /// About one ticket.
    pub per_ticket: u32,
    /// In all.
    pub in_all: u32,
}

/// `[web]`.
#[derive(Debug, Clone)]
pub struct Web {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What stands before `/t/853142` in links, without a slash at the end: `https://soporte.example.org`.
    pub base_url: String,
    /// Requests per minute and address block (IPv4 /24, IPv6 /48).
    pub requests_per_minute: u32,
    /// Take the client's address from the last `X-Forwarded-For` entry, as behind a reverse proxy on this machine.
    pub behind_proxy: bool,
}

/// `[metrics]`.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Where it listens.
    pub listen: SocketAddr,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first byte.
    Implicit,
    /// Plain greeting, then STARTTLS; a refusal is an error.
    StartTls,
    /// No TLS: taken for loopback addresses only.
    None,
}

/// A server, how to reach it and how to log in.
#[derive(Debug, Clone)]
pub struct Server {
    /// Host name or address; the name the certificate must hold.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection.
    pub tls: Tls,
    /// More roots than the system's: a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Login name; `None` logs in to nothing (SMTP only).
    pub user: Option<String>,
    /// Where the password, or for `xoauth2` the access token, comes from.
    pub secret: Option<SecretSource>,
    /// Log in with XOAUTH2 instead of a password.
    pub oauth: bool,
}

/// `[smtp]`.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// The relay.
    pub server: Server,
}

/// `[[agent]]`.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Registered address and display name.
    pub person: Person,
    /// Language of what is sent to this agent.
    pub language: Language,
    /// Time zone of what is sent to this agent.
    pub time_zone: TimeZone,
    /// Other addresses this agent writes from.
    pub aliases: Vec<Address>,
    /// Local hour (0 to 23) of the morning digest; `None`: no digest.
    pub digest_hour: Option<i8>,
}

/// What a reply to a closed ticket does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopen {
    /// Opens a new ticket linked to the old one.
    Never,
    /// Reopens it.
    Always,
    /// Reopens it until this many seconds after it was closed, then opens a linked one.
    Within(i64),
}

/// How a new ticket finds its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assign {
    /// By command only.
    ByHand,
    /// The first agent who replies takes it.
    FirstReply,
    /// In turn, at opening.
    RoundRobin,
    /// The agent with the fewest open tickets, at opening.
    LeastBusy,
}

/// What becomes of automatic mail that answers nothing of ours (alarms, lists).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutomaticMail {
    /// Opens a ticket, without an acknowledgement.
    Open,
    /// Is stored and listed in the inbox, opens nothing.
    Ignore,
}

/// When an agent's forwarded mail opens a ticket on behalf of its original sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwards {
    /// When the agent writes `#new`.
    Command,
    /// Always.
    Always,
}

/// `[[queue]]`.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Short name: `soporte`.
    pub name: String,
    /// Shown as the sender's name: `Soporte`.
    pub title: String,
    /// The address requesters write to, and the From of what they get.
    pub address: Address,
    /// Other addresses of the same queue.
    pub aliases: Vec<Address>,
    /// Language where the mail does not tell.
    pub language: Language,
    /// Time zone of times shown to requesters.
    pub time_zone: TimeZone,
    /// Indexes into [`Config::agents`].
    pub agents: Vec<usize>,
    /// What a reply to a closed ticket does.
    pub reopen: Reopen,
    /// How a new ticket finds its agent.
    pub assign: Assign,
    /// Whether the first mail of a ticket is acknowledged.
    pub acknowledge: bool,
    /// Automatic mail that answers nothing of ours.
    pub automatic: AutomaticMail,
    /// Whether people in Cc of a requester's mail take part in the ticket.
    pub cc_participates: bool,
    /// Whether the mail server delivers `address+anything` to this queue's mailbox.
    pub plus_addresses: bool,
    /// When an agent's forwarded mail opens a ticket on behalf of its original sender.
    pub forwards: Forwards,
}

/// The plus tags of the address for notes; the first is the one that is shown.
const NOTE_TAGS: [&str; 2] = ["note", "nota"];

/// What becomes of a mail on the server once it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Moved to this folder, which is created if missing.
    Move(String),
    /// Left where it is, flagged `\Seen` and `$Postdesk`.
    Flag,
    /// Deleted for good.
    Delete,
    /// Left as it is: a folder of sent mail is only read.
    Keep,
}

/// `[[mailbox]]`.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// Short name, in the log and the ledger: `soporte`.
    pub name: String,
    /// The queue it serves: index into [`Config::queues`].
    pub queue: usize,
    /// The IMAP server.
    pub server: Server,
    /// The folder read: `INBOX`.
    pub folder: String,
    /// What becomes of a mail that was taken.
    pub after: After,
    /// Use IDLE where the server offers it.
    pub idle: bool,
    /// Look for mail at least this often. Seconds.
    pub poll_secs: u64,
    /// The `Authentication-Results` id of the server in front of this mailbox, whose topmost header is believed.
    pub authserv_id: Option<String>,
    /// The folder holds what was sent with this account, and not what came in.
    pub is_sent: bool,
}

impl Config {
    /// The queue called `name`.
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.name == name)
    }

    /// The agent registered under `address`, or writing from it as an alias.
    pub fn agent(&self, address: &Address) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.is(address))
    }

    /// The canned text called `name`, in `language` where there is one.
    pub fn canned(&self, name: &str, language: Language) -> Option<&Canned> {
        let mut all = self.canned.iter().filter(|canned| canned.name == name);
        let first = all.clone().next();
        all.find(|canned| canned.language == Some(language)).or(first)
    }

    /// The agents of `queue`.
    pub fn agents_of<'a>(&'a self, queue: &'a Queue) -> impl Iterator<Item = &'a Agent> {
        queue.agents.iter().filter_map(|index| self.agents.get(*index))
    }

    /// Whether `address` is one of the desk's own: a queue's address or alias, with or without a plus tag.
    pub fn is_own(&self, address: &Address) -> bool {
        self.queues.iter().any(|queue| queue.receives(address))
    }
}

impl Agent {
    /// Whether this agent is known under `address`.
    pub fn is(&self, address: &Address) -> bool {
        self.person.address == *address || self.aliases.contains(address)
    }
}

impl Queue {
    /// Whether mail to `address` is mail to this queue.
    pub fn receives(&self, address: &Address) -> bool {
        std::iter::once(&self.address)
            .chain(&self.aliases)
            .any(|own| own == address || address.tag_of(own).is_some())
    }

    /// Where an agent's reply becomes an internal note: `soporte+note@…`, where plus addresses are delivered.
    pub fn note_address(&self) -> Option<Address> {
        if self.plus_addresses { self.address.with_tag(NOTE_TAGS[0]) } else { None }
    }

    /// Whether mail to `address` is meant for notes.
    pub fn is_note_address(&self, address: &Address) -> bool {
        let own = std::iter::once(&self.address).chain(&self.aliases);
        own.filter_map(|own| address.tag_of(own))
            .any(|tag| NOTE_TAGS.iter().any(|n| n.eq_ignore_ascii_case(tag)))
    }
}
