//! The words agents write: fresh text into commands, the remaining text, and faults.
//!
//! A command is a line `#word arguments` at the top or at the bottom of the fresh text. Words are taken in English,
//! Spanish and Portuguese. A line of that form anywhere else is a fault, so that no command ever reaches a requester.

mod grammar;
mod shape;
mod line;
#[cfg(test)]
mod tests;

use super::ticket::Priority;
use crate::address::Address;

pub use grammar::vocabulary;
use grammar::{Takes, entry, nearest};
use line::{OPENING, bare, command_word, first_word, split_word, word_below};

/// Most commands taken of one mail.
pub const COMMANDS_MAX: usize = 20;

/// The shortest lines that programs wrap by themselves have this many characters.
const WRAPPED_AT: usize = 72;

/// Who a ticket is assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// The agent who writes.
    Me,
    /// This agent.
    Agent(Address),
    /// The agent whose name this is.
    Named(String),
    /// Nobody.
    Nobody,
}

/// A date as an agent writes it, to be read in the agent's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// `2026-12-24`: that morning.
    Date(jiff::civil::Date),
    /// `3d`, `2w`, `12h`: so many hours from now.
    Hours(i64),
}

/// Which tickets `#list` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Live ones of the agent's queues.
    Open,
    /// The agent's own.
    Mine,
    /// Those whose turn is ours and that nobody has touched for long.
    Overdue,
    /// By status, queue, label, or somebody's address.
    Matching(String),
}

/// What an agent asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The text is an internal note.
    Note,
    /// The text goes to those outside, though the mail it answers asks for a note.
    Public,
    /// Close.
    Close,
    /// Resolve.
    Resolve,
    /// The requester's turn, until a date if one is given.
    Pending(Option<When>),
    /// The desk's turn.
    Open,
    /// Give it to somebody.
    Assign(Assignee),
    /// Change the priority.
    Priority(Priority),
    /// Move it to another queue.
    Queue(String),
    /// Put labels on.
    Label(Vec<String>),
    /// Take labels off.
    Unlabel(Vec<String>),
    /// Let people take part.
    Cc(Vec<Address>),
    /// Let people take part no longer.
    Uncc(Vec<Address>),
    /// Watch it.
    Watch,
    /// Watch it no longer.
    Unwatch,
    /// Merge it into another.
    Merge(i64),
    /// Change the subject.
    Subject(String),
    /// Change the requester.
    Requester(Address),
    /// Take back replies that still wait.
    Undo,
    /// Make the requester's last message a ticket of its own, under this subject if one is given.
    Split(Option<String>),
    /// Answer with the canned text of this name.
    Reply(String),
    /// Put it off until then.
    Snooze(When),
    /// It is spam: close it, label it, answer its sender no more for a while.
    Spam,
    /// Send the conversation to somebody outside, once; the mail's text goes on top of it.
    Forward(Address),
    /// Open a ticket on behalf of the sender of the forwarded mail, or of this address.
    New {
        /// Whether the requester is acknowledged.
        acknowledge: bool,
        /// The requester, where nothing is forwarded.
        requester: Option<Address>,
    },
    /// The agent is away, until then if a time is given.
    Away(Option<When>),
    /// The agent is back.
    Back,
    /// Send a list of tickets.
    List(Listing),
    /// Send a ticket with its conversation.
    Show(i64),
    /// Send the tickets in which these words stand.
    Search(String),
    /// Send the desk's figures.
    Report,
    /// Send the list of commands.
    Help,
}

impl Command {
    /// Whether it is about the desk or its agent, and needs no ticket.
    pub fn is_desk_work(&self) -> bool {
        match self {
            Self::Away(_)
            | Self::Back
            | Self::List(_)
            | Self::Show(_)
            | Self::Search(_)
            | Self::Report
            | Self::Help => true,
            Self::Note
            | Self::Public
            | Self::Close
            | Self::Resolve
            | Self::Pending(_)
            | Self::Open
            | Self::Assign(_)
            | Self::Priority(_)
            | Self::Queue(_)
            | Self::Label(_)
            | Self::Unlabel(_)
            | Self::Cc(_)
            | Self::Uncc(_)
            | Self::Watch
            | Self::Unwatch
            | Self::Merge(_)
            | Self::Subject(_)
            | Self::Requester(_)
            | Self::Undo
            | Self::Split(_)
            | Self::Reply(_)
            | Self::Snooze(_)
            | Self::Spam
            | Self::Forward(_)
            | Self::New { .. } => false,
        }
    }
}

impl Command {
    /// Whether it asks for something to be sent to the agent.
    pub fn is_question(&self) -> bool {
        self.is_desk_work() && !matches!(self, Self::Away(_) | Self::Back)
    }
}

/// What was wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No such command; the nearest one, if any is near.
    Unknown {
        /// What was written, without `#`.
        word: String,
        /// The nearest word in the language it seems to be.
        near: Option<&'static str>,
    },
    /// The command is right, what follows it is not.
    Argument {
        /// The command's word as written.
        word: String,
        /// What was written after it.
        found: String,
        /// Examples of what would be right, in English, Spanish and Portuguese; none where it takes nothing.
        examples: Option<[&'static str; 3]>,
    },
    /// Another command stands behind one, on the same line.
    Second {
        /// The first one's word as written.
        word: String,
        /// The other's.
        second: String,
    },
    /// The line below one seems to be the end of it.
    Wrapped {
        /// The command's word as written.
        word: String,
    },
    /// Something else stands in front of the command, on the same line.
    Behind {
        /// The command's word as written.
        word: String,
    },
    /// A line that looks like a command stands in the middle of the text.
    Middle {
        /// The line's first word.
        word: String,
    },
    /// More than [`COMMANDS_MAX`].
    TooMany,
}

/// An agent's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// In the order written.
    pub commands: Vec<Command>,
    /// The text without command lines, trimmed.
    pub text: String,
    /// What was wrong; when there is anything here, nothing may be done.
    pub faults: Vec<Fault>,
}

/// Takes an agent's fresh text apart.
pub fn parse(fresh: &str) -> Parsed {
    let lines = unwrapped(fresh);
    let is_blank = |line: &String| line.trim().is_empty();
    let top = lines.iter().take_while(|line| is_blank(line) || command_word(line).is_some()).count();
    let below = lines.get(top..).unwrap_or_default();
    let is_edge = |line: &&String| is_blank(line) || word_below(line).is_some();
    let bottom = below.iter().rev().take_while(is_edge).count();
    let middle = below.get(..below.len() - bottom).unwrap_or_default();
    let edges = lines.iter().take(top).chain(below.iter().skip(middle.len()));

    let mut parsed = Parsed { text: middle.join("\n").trim().to_owned(), ..Parsed::default() };
    for line in edges.filter(|line| !is_blank(line)) {
        match read_line(line) {
            Ok(command) => parsed.commands.push(command),
            Err(fault) => parsed.faults.push(fault),
        }
    }
    for word in middle.iter().filter_map(|line| word_below(line)) {
        parsed.faults.push(Fault::Middle { word });
    }
    let above = lines.get(..top).and_then(<[String]>::last);
    if let Some(word) = above.zip(middle.first()).and_then(|(above, below)| wrapped(above, below)) {
        parsed.faults.push(Fault::Wrapped { word });
    }
    if parsed.commands.len() + parsed.faults.len() > COMMANDS_MAX {
        parsed.faults = vec![Fault::TooMany];
    }
    parsed
}

/// The lines of a text. A link that a client put behind an address and then wrapped belongs to the command above it.
fn unwrapped(fresh: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in fresh.lines() {
        let tight = line.trim();
        let is_link =
            tight.starts_with('<') && tight.ends_with('>') && tight.contains('@') && !tight.contains(' ');
        match lines.last_mut() {
            Some(above) if is_link && command_word(above).is_some() => {
                above.push(' ');
                above.push_str(tight);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// The word of a command that `below` may be the end of: programs that wrap long lines do so where the next word is too
/// long for them. Nobody can tell, and what is left of a list of addresses or of a subject must not be sent.
fn wrapped(above: &str, below: &str) -> Option<String> {
    let next = below.split_whitespace().next()?;
    let length = above.trim_end().chars().count() + 1 + next.chars().count();
    command_word(above).filter(|_| length > WRAPPED_AT)
}

fn read_line(line: &str) -> Result<Command, Fault> {
    let bare = bare(line);
    if first_word(&bare).is_none() {
        return Err(Fault::Behind { word: command_word(line).unwrap_or_default() });
    }
    let (word, argument) = split_word(bare.trim_start_matches(['#', ' ']));
    let lower = word.to_lowercase();
    let Some(entry) = entry(&lower) else {
        return Err(Fault::Unknown { word: word.to_owned(), near: nearest(&lower) });
    };
    let wrong = |examples| Fault::Argument { word: word.to_owned(), found: argument.to_owned(), examples };
    let command = match entry.takes {
        Takes::Nothing(make) if argument.is_empty() => Ok(make()),
        Takes::Nothing(_) => Err(wrong(None)),
        Takes::Perhaps(make, examples) => make(argument).ok_or_else(|| wrong(Some(examples))),
    };
    match second(argument) {
        // What is searched for may be anything.
        Some(second) if !matches!(command, Ok(Command::Search(_))) => {
            Err(Fault::Second { word: word.to_owned(), second })
        }
        _ => command,
    }
}

/// The word of another command among what follows one.
fn second(argument: &str) -> Option<String> {
    let words =
        argument.split([' ', ',', ';']).filter_map(|word| word.trim_start_matches(OPENING).strip_prefix('#'));
    let known = |word: &&str| entry(&word.to_lowercase()).is_some();
    words.map(|word| split_word(word).0).find(known).map(str::to_owned)
}
