//! Which ticket a mail belongs to: the keys it carries, and the first that holds, with its evidence.
//!
//! Order and proof are those of the design: token in an address, token in In-Reply-To or References, a reference to
//! known incoming mail, the subject tag. For the last two the sender must take part in the ticket.

use super::command::{self, Command};
use super::facts::{Ask, Facts};
use crate::address::Address;
use crate::config::{Config, Queue};
use crate::mail::Mail;
use crate::mail::ids::MessageId;
use crate::mail::token::{Keys, Purpose, Token};

/// Most tags read of one subject, and most tokens of one mail.
pub const KEYS_MAX: usize = 20;

/// Everything in a mail that may name a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailKeys {
    /// Tokens in addresses the mail was sent or delivered to.
    pub address_tokens: Vec<Token>,
    /// Tokens in Message-IDs it points at, nearest first.
    pub reference_tokens: Vec<Token>,
    /// Tokens for leaving a ticket, in an address or, where the mailbox takes no plus addresses, as a word of the subject.
    pub leave_tokens: Vec<Token>,
    /// Message-IDs it points at that are not of our making, nearest first, with its own Message-ID last.
    pub ids: Vec<MessageId>,
    /// Ticket numbers in the subject's tags, then those of our pseudo-references.
    pub tags: Vec<i64>,
    /// What an agent's commands need to be looked up; it says nothing about where the mail belongs.
    pub asked: Vec<Ask>,
}

impl MailKeys {
    /// All ticket numbers named, of whatever strength.
    pub fn numbers(&self) -> impl Iterator<Item = i64> {
        let tokens = self
            .tokens()
            .filter(|t| !matches!(t.purpose, Purpose::Confirm | Purpose::Desk | Purpose::Leave))
            .map(|t| t.number);
        tokens.chain(self.tags.iter().copied()).chain(self.leave_tokens.iter().map(|t| t.number))
    }

    /// All tokens, those in addresses first.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.address_tokens.iter().chain(&self.reference_tokens)
    }

    /// Whether it replies to mail of the desk's about no ticket: a list, the digest, the list of commands.
    pub fn answers_the_desk(&self) -> bool {
        self.reference_tokens.first().is_some_and(|nearest| nearest.purpose == Purpose::Desk)
    }
}

/// Reads the keys of a mail.
pub fn keys(mail: &Mail, config: &Config) -> MailKeys {
    let mut found = MailKeys { tags: tags(&mail.subject, &config.desk.tag), ..MailKeys::default() };
    let addresses =
        mail.delivered_to.iter().chain(mail.to.iter().chain(&mail.cc).map(|person| &person.address));
    for address in addresses {
        let token = config.queues.iter().find_map(|queue| plus_token(address, queue));
        push_new(&mut found.address_tokens, token);
    }
    let of_subject: Vec<Token> = mail.subject.split_whitespace().filter_map(Token::parse).collect();
    for token in found.address_tokens.iter().chain(&of_subject).filter(|t| t.purpose == Purpose::Leave) {
        push_new(&mut found.leave_tokens, Some(token.clone()));
    }
    let is_agent = mail.from.as_ref().is_some_and(|from| config.agent(&from.address).is_some());
    for id in mail.points_at() {
        if id.right() != config.desk.domain.to_ascii_lowercase() {
            push_new(&mut found.ids, Some(id.clone()));
        } else if let Some(token) = Token::of_message_id(id) {
            push_new(&mut found.reference_tokens, Some(token));
        } else if let Some(number) = pseudo_reference(id) {
            let counts = !is_agent || !found.answers_the_desk();
            push_new(&mut found.tags, counts.then_some(number));
        } else {
            // Of our domain and none of ours: of a webmail, for example.
            push_new(&mut found.ids, Some(id.clone()));
        }
    }
    if is_agent {
        let commands = command::parse(&mail.fresh()).commands;
        // What an agent brings in by #new may be in a ticket already.
        let new = commands.iter().any(|command| matches!(command, Command::New { .. }));
        let attached = mail.attached.as_ref().filter(|_| new);
        push_new(&mut found.ids, attached.and_then(|attached| attached.message_id.clone()));
        found.asked = commands.iter().filter_map(asks).collect();
    }
    push_new(&mut found.ids, mail.message_id.clone());
    found
}

fn asks(command: &Command) -> Option<Ask> {
    match command {
        Command::Merge(number) => Some(Ask::Ticket(*number)),
        Command::Show(number) => Some(Ask::Show(*number)),
        Command::Split(_) | Command::Forward(_) => Some(Ask::Conversation),
        Command::List(listing) => Some(Ask::List(listing.clone())),
        Command::Search(words) => Some(Ask::Search(words.clone())),
        Command::Report => Some(Ask::Report),
        _ => None,
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: Option<T>) {
    if let Some(item) = item
        && list.len() < KEYS_MAX
        && !list.contains(&item)
    {
        list.push(item);
    }
}

fn plus_token(address: &Address, queue: &Queue) -> Option<Token> {
    std::iter::once(&queue.address).chain(&queue.aliases).find_map(|own| Token::parse(address.tag_of(own)?))
}

/// The number in `ticket.NUMBER@…` or `ticket.NUMBER.agents@…`: anybody can write it, so it is a hint like a tag.
fn pseudo_reference(id: &MessageId) -> Option<i64> {
    id.left().strip_prefix("ticket.")?.split('.').next()?.parse().ok().filter(|number| *number > 0)
}

/// The ticket numbers in `subject` in the form of `tag` (`[#{number}]`), in order, each once, at most [`KEYS_MAX`].
pub fn tags(subject: &str, tag: &str) -> Vec<i64> {
    let Some((before, after)) = tag.split_once("{number}") else { return Vec::new() };
    let mut numbers = Vec::new();
    for (at, _) in subject.match_indices(before) {
        let rest = subject.get(at + before.len()..).unwrap_or("");
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, rest) = rest.split_at_checked(digits).unwrap_or(("", ""));
        let number = number.parse().ok().filter(|n| *n > 0 && rest.starts_with(after));
        push_new(&mut numbers, number);
    }
    numbers
}

/// How a ticket was found, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// A token in the address it was sent to.
    TokenInAddress,
    /// A token in a Message-ID it points at.
    TokenInReferences,
    /// It points at a mail of the ticket, and the sender takes part.
    KnownReference,
    /// The subject's tag, and the sender takes part.
    SubjectTag,
}

impl Evidence {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::TokenInAddress => "a token in the address",
            Self::TokenInReferences => "a token in References or In-Reply-To",
            Self::KnownReference => "a reference to a known mail, from somebody who takes part",
            Self::SubjectTag => "the subject's tag, from somebody who takes part",
        }
    }
}

/// The ticket a mail belongs to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Match {
    /// Its number, merges followed.
    pub number: i64,
    /// How it was found.
    pub evidence: Evidence,
    /// What the token permits, where one was found.
    pub purpose: Option<Purpose>,
}

/// What threading found.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Threaded {
    /// The ticket.
    pub found: Option<Match>,
    /// Existing tickets that were named without the right to write into them.
    pub mentions: Vec<i64>,
}

/// Finds the ticket. `owners` are the addresses the sender is known under (From, and an agent's other addresses);
/// `may_join` says whether the sender may join a ticket that it names without a token. To one who is no agent, an agent's
/// token opens nothing: whoever has ceased to be one still has the mails of that time, and may think to write a note.
pub fn find(
    keys: &MailKeys,
    facts: &Facts,
    signing: &Keys,
    owners: &[Address],
    is_agent: bool,
    may_join: impl Fn(i64) -> bool,
) -> Threaded {
    let by_token = |tokens: &[Token], evidence: Evidence| {
        let mut good = tokens.iter().filter(|token| writes(token.purpose, is_agent));
        let token =
            good.find(|t| facts.ticket(t.number).is_some() && owners.iter().any(|o| signing.verifies(t, o)))?;
        let number = facts.ticket(token.number)?.number;
        Some(Match { number, evidence, purpose: Some(token.purpose) })
    };
    // A list came in answer to mail of a ticket, and points at it. What answers the list is not meant for the requester.
    let answers_the_desk = is_agent && keys.answers_the_desk();
    let referenced = if answers_the_desk { &[] } else { keys.reference_tokens.as_slice() };
    let claimed = claims(keys, facts);
    let by_claim = || {
        let counts = |evidence| !answers_the_desk || evidence == Evidence::SubjectTag;
        let (number, evidence) =
            claimed.iter().find(|(number, evidence)| counts(*evidence) && may_join(*number))?;
        Some(Match { number: *number, evidence: *evidence, purpose: None })
    };
    let found = by_token(&keys.address_tokens, Evidence::TokenInAddress)
        .or_else(|| by_token(referenced, Evidence::TokenInReferences))
        .or_else(by_claim);
    let mut mentions = Vec::new();
    for number in
        keys.numbers().filter_map(|n| Some(facts.ticket(n)?.number)).chain(claimed.iter().map(|(n, _)| *n))
    {
        let is_found = found.as_ref().is_some_and(|f| f.number == number);
        push_new(&mut mentions, (!is_found).then_some(number));
    }
    Threaded { found, mentions }
}

fn writes(purpose: Purpose, is_agent: bool) -> bool {
    match purpose {
        Purpose::Requester => true,
        Purpose::Agent | Purpose::Note => is_agent,
        Purpose::Confirm | Purpose::Bounce | Purpose::Desk | Purpose::Leave => false,
    }
}

/// Tickets named without proof: by references to known mail, then by tags.
fn claims(keys: &MailKeys, facts: &Facts) -> Vec<(i64, Evidence)> {
    let known = facts.known_ids.iter().map(|(_, number)| (*number, Evidence::KnownReference));
    let tagged = keys.tags.iter().filter_map(|n| Some((facts.ticket(*n)?.number, Evidence::SubjectTag)));
    known.chain(tagged).collect()
}

/// The subject without tags of the desk and without reply and forward prefixes, for the ticket.
pub fn bare_subject(subject: &str, tag: &str) -> String {
    let mut rest = subject.to_owned();
    for number in tags(subject, tag) {
        rest = rest.replace(&tag.replace("{number}", &number.to_string()), " ");
    }
    let mut words: &str = rest.trim();
    while let Some(shorter) = without_prefix(words) {
        words = shorter;
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prefixes that clients put before a subject when replying or forwarding, in the languages seen in the field.
const PREFIXES: [&str; 22] = [
    "re", "fw", "fwd", "rv", "res", "enc", "aw", "wg", "sv", "vs", "tr", "rif", "r", "i", "ynt", "odp",
    "antw", "doorst", "回复", "转发", "答复", "ref",
];

fn without_prefix(subject: &str) -> Option<&str> {
    let (prefix, rest) = subject.split_once([':', '：'])?;
    let word = prefix.split(['[', '(']).next().unwrap_or(prefix).trim().to_lowercase();
    PREFIXES.contains(&word.as_str()).then(|| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_only_in_their_whole_form() {
        let tag = "[#{number}]";
        assert_eq!(tags("Re: [#853142] x [#853142] [#7]", tag), [853_142, 7]);
        for none in ["#853142", "[#]", "[#12a]", "[# 12]", "[#-5]", "[#99999999999999999999]", "[#0]", "[#5"]
        {
            assert_eq!(tags(none, tag), Vec::<i64>::new(), "{none}");
        }
        assert_eq!(tags("Caso-55 y caso-6", "Caso-{number}"), [55]);
        assert_eq!(tags(&"[#1][#2]".repeat(40), tag), [1, 2]);
        let many: String = (1..100).map(|n| format!("[#{n}]")).collect();
        assert_eq!(tags(&many, tag).len(), KEYS_MAX);
    }

    #[test]
    fn a_bare_subject_has_neither_tags_nor_prefixes() {
        let bare = |s| bare_subject(s, "[#{number}]");
        assert_eq!(bare("RE: [#853142] Fwd: RV: No puedo  entrar"), "No puedo entrar");
        assert_eq!(bare("Re[2]: AW: x: y"), "x: y");
        assert_eq!(bare("Regarding: my order"), "Regarding: my order");
        assert_eq!(bare("[#1] Re: [#2] Re:"), "");
    }
}
