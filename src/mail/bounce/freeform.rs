//! Delivery reports in words, as mail systems wrote them before RFC 3464 and some still do.
//!
//! One reader for all of them, by what they have in common: a mail system as the sender, words of failure, the
//! recipient on a line of its own or beside the reason, and the returned mail below.

use super::super::automatic;
use super::super::header::Headers;
use super::phrases::{ANNOUNCEMENTS, DELAYS, FAILURES, FINALS, ROBOTIC, SUBJECTS};
use super::{BounceKind, FailedRecipient, addresses, status};
use crate::address::Address;

/// Bytes of text that are looked at.
const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Recipients kept.
const RECIPIENTS_MAX: usize = 50;
/// Lines below an announcement ("the following addresses") in which its recipients stand.
const REACH_LINES: usize = 12;

/// Whether the mail is a report.
pub(super) fn is_one(headers: &Headers, text: &str) -> bool {
    if headers.has("x-failed-recipients") {
        return true;
    }
    let subject = headers.text("subject").to_lowercase();
    let system = automatic::is_mail_system(headers);
    let strong = SUBJECTS.iter().any(|words| subject.contains(words));
    let answered = ["re:", "fwd:", "fw:", "rv:", "aw:", "res:", "enc:", "tr:"]
        .iter()
        .any(|prefix| subject.starts_with(prefix));
    if automatic::is_vacation(headers) || answered && !system {
        return false;
    }
    let prose = prose(text).to_lowercase();
    let failed = || {
        FAILURES.iter().any(|words| prose.contains(words)) || DELAYS.iter().any(|words| prose.contains(words))
    };
    match (system, strong) {
        (true, true) => true,
        // A person's name over the null address is more often out of office than a mail system: its words are those of
        // a report only if it returns the mail or lists whom it did not reach.
        (true, false) if !automatic::is_named_mail_system(headers) => {
            failed() && (brings_back(text) || names_like_qmail(&prose))
        }
        (true, false) => failed() || names_like_qmail(&prose),
        // No mail system, but the subject of one: a robot with a name of its own.
        (false, true) => {
            failed() && !headers.has("in-reply-to") && (brings_back(text) || opens_like_robot(&prose))
        }
        (false, false) => false,
    }
}

/// The report brings the mail back below its own words, as no person does.
fn brings_back(text: &str) -> bool {
    !text.contains("\n>") && prose(text).len() < text.len().min(TEXT_MAX_BYTES)
}

/// A line with nothing but `<ann@x.example>:`.
fn names_like_qmail(prose: &str) -> bool {
    prose
        .lines()
        .map(str::trim)
        .any(|line| line.starts_with('<') && line.ends_with(">:") && line.contains('@'))
}

/// The first lines are a robot's announcement, and an address stands on a line of its own.
fn opens_like_robot(prose: &str) -> bool {
    let opening: Vec<&str> = prose.lines().filter(|line| !line.trim().is_empty()).take(4).collect();
    let announced = opening.iter().any(|line| ROBOTIC.iter().any(|words| line.contains(words)));
    let named = |line: &str, address: &Address| is_alone(line, address) || line.contains("recipient");
    announced && prose.lines().any(|line| addresses::in_line(line).iter().any(|address| named(line, address)))
}

/// The report's own words: the text above the mail that it returns.
fn prose(text: &str) -> &str {
    let text = text.get(..text.floor_char_boundary(TEXT_MAX_BYTES)).unwrap_or("");
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if end > 0 && begins_original(line) {
            break;
        }
        end += line.len();
    }
    text.get(..end).unwrap_or(text)
}

fn begins_original(line: &str) -> bool {
    let bare = line.trim_start_matches(['>', '|', ' ', '-', '=', '*', '_', '+', '#']).to_lowercase();
    let ruled = line.trim_start().starts_with(['-', '=', '*', '_', '+', '#']);
    let announced = [
        "this is a copy",
        "below this line is a copy",
        "below this line is",
        "original message",
        "returned message",
        "unsent message",
        "message header",
        "copy of",
        "start of returned",
        "start of included",
        "message text follows",
        "included is",
        "the original",
        "undelivered message",
        "mensaje original",
        "mensagem original",
        "begin message",
        "original mail",
        "headers of the original",
        "transcript of",
    ];
    if ruled && !bare.contains("transcript") && announced.iter().any(|words| bare.starts_with(words)) {
        return true;
    }
    [
        "original message follows",
        "your original message",
        "message headers follow",
        "the original message was received at",
        "the text of the original",
        "original message headers",
        "a copy of the message",
        "your message reads",
        "the message that you sent was",
    ]
    .iter()
    .any(|words| bare.starts_with(words) && !bare.starts_with("the original message was received"))
        || ["received: ", "return-path: ", "mime-version: ", "x-mailer: "]
            .iter()
            .any(|name| line.to_lowercase().starts_with(name))
}

/// The recipients that the words name.
pub(super) fn recipients(headers: &Headers, text: &str) -> Vec<FailedRecipient> {
    let prose = prose(text);
    let lines: Vec<&str> = prose.lines().collect();
    let mut found = listed(headers);
    if found.is_empty() {
        found = candidates(&lines, &own_addresses(headers));
    }
    if found.is_empty() {
        found = recipient_of_original(text.get(prose.len()..).unwrap_or(""));
    }
    let delayed = is_delayed(headers, prose);
    found.into_iter().take(RECIPIENTS_MAX).map(|address| recipient(address, &lines, delayed)).collect()
}

/// The kind of a report that names nobody.
pub(super) fn kind(headers: &Headers, text: &str) -> BounceKind {
    let prose = prose(text);
    if is_delayed(headers, prose) {
        BounceKind::Delayed
    } else {
        status::kind(status::of_words(prose).as_deref(), prose)
    }
}

/// Exim lists those it gave up on in a header.
fn listed(headers: &Headers) -> Vec<Address> {
    let values = headers.all("x-failed-recipients").chain(headers.all("x-failed-recipient"));
    values.flat_map(|value| value.split([',', ' ', ';'])).filter_map(Address::parse).collect()
}

/// Addresses that a report names without their having failed: whom it is sent to and whom it is from.
fn own_addresses(headers: &Headers) -> Vec<Address> {
    let people = headers.people("to", 20).into_iter().chain(headers.people("from", 5));
    people.map(|person| person.address).collect()
}

fn is_delayed(headers: &Headers, prose: &str) -> bool {
    let lower = prose.to_lowercase();
    let subject = headers.text("subject").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    let titled =
        ["delay", "warning", "retras", "atras", "temporar"].iter().any(|word| subject.contains(word));
    (says(&DELAYS) && !says(&FINALS)) || titled && (says(&DELAYS) || !says(&FAILURES))
}

/// How sure it is that an address on a line is one that failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    Named,
    BesideReason,
    Announced,
    OwnLine,
}

fn candidates(lines: &[&str], own: &[Address]) -> Vec<Address> {
    let mut found: Vec<(Sure, Address)> = Vec::new();
    let mut announced_at: Option<usize> = None;
    for (at, line) in lines.iter().enumerate() {
        let lower = line.to_lowercase();
        if ANNOUNCEMENTS.iter().any(|words| lower.contains(words)) {
            announced_at = Some(at);
        }
        let announced = announced_at.is_some_and(|start| at - start <= REACH_LINES);
        for address in addresses::in_line(line) {
            let sure = how_sure(line, &lower, &address, announced);
            if !found.iter().any(|(_, known)| *known == address) {
                found.push((sure, address));
            }
        }
    }
    let best = |found: &[(Sure, Address)]| found.iter().map(|(sure, _)| *sure).max();
    let others: Vec<(Sure, Address)> =
        found.iter().filter(|(_, address)| !own.contains(address)).cloned().collect();
    let kept = if others.is_empty() { found } else { others };
    let Some(best) = best(&kept) else { return Vec::new() };
    let mut chosen: Vec<Address> =
        kept.into_iter().filter(|(sure, _)| *sure >= best).map(|(_, address)| address).collect();
    if best == Sure::Named {
        chosen.truncate(2);
    }
    chosen
}

fn how_sure(line: &str, lower: &str, address: &Address, announced: bool) -> Sure {
    let begins = line
        .trim_start_matches([' ', '\t', '<', '"', '\'', '>', '*', '-', '|'])
        .starts_with(address.as_str());
    match () {
        // "Your message / To: … / Subject: …" repeats the returned mail's own fields.
        () if is_summary(lower) => Sure::Named,
        () if announced && (begins || is_alone(line, address)) => Sure::OwnLine,
        () if begins && has_reason(lower) => Sure::OwnLine,
        () if is_alone(line, address) => Sure::Announced,
        () if announced || has_reason(lower) => Sure::BesideReason,
        () => Sure::Named,
    }
}

fn is_summary(lower: &str) -> bool {
    let lower = lower.trim_start();
    ["to:", "cc:", "from:", "subject:", "sender:", "reply-to:", "message-id:"]
        .iter()
        .any(|name| lower.starts_with(name))
}

/// The line holds the address and little else: `<ann@x.example>:`, `To: ann@x.example`.
fn is_alone(line: &str, address: &Address) -> bool {
    let rest = line.replace(address.as_str(), "");
    let letters = rest.chars().filter(|c| c.is_alphanumeric()).count();
    letters == 0
        || (letters <= 12 && line.trim_end().ends_with(':'))
        || rest.trim_start().to_lowercase().starts_with("to:") && letters <= 12
}

fn has_reason(lower: &str) -> bool {
    status::reply_class(lower).is_some()
        || status::enhanced(lower).is_some()
        || FAILURES.iter().any(|words| lower.contains(words))
}

/// To whom the returned mail was sent.
fn recipient_of_original(original: &str) -> Vec<Address> {
    let to = original.lines().take(200).find(|line| {
        let lower = line.trim_start_matches(['>', '|', ' ', '-']).to_lowercase();
        lower.starts_with("to:") || lower.starts_with("x-envelope-to:")
    });
    to.map(addresses::in_line).unwrap_or_default()
}

/// Joins an address to what is said about it: its line and the few below, else all of the words.
fn recipient(address: Address, lines: &[&str], delayed: bool) -> FailedRecipient {
    let at = lines.iter().position(|line| line.contains(address.as_str()));
    let near: String = at.map_or(String::new(), |at| {
        lines
            .iter()
            .skip(at)
            .take(8)
            .enumerate()
            .take_while(|(i, line)| *i == 0 || addresses::in_line(line).iter().all(|other| *other == address))
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    });
    let all = || lines.join("\n");
    let local = without(&near, &address);
    let found = status::of_words(&local).or_else(|| status::of_words(&without(&all(), &address)));
    let kind = if delayed { BounceKind::Delayed } else { status::kind(found.as_deref(), &local) };
    let status = found.or_else(|| Some(if delayed { "4.0.0" } else { "5.0.0" }.to_owned()));
    FailedRecipient { address, status, diagnostic: status::one_line(&near), kind }
}

fn without(text: &str, address: &Address) -> String {
    text.replace(address.as_str(), "")
}
