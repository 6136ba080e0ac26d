//! `[[agent]]`, `[[queue]]` and `[[mailbox]]`, and how they name each other.
//!
//! A part with a fault keeps its place in the order, so that references to it are judged all the same.

use super::fault::{hint, shown};
use super::raw::{Placed, Section};
use super::server::{Protocol, server};
use super::{After, Agent, Assign, AutomaticMail, Forwards, Mailbox, Queue, Reopen, values};
use crate::address::{Address, Person};
use crate::language::Language;
use jiff::tz::TimeZone;
use toml::de::DeValue;

pub(super) const LANGUAGES: [(&str, Language); 3] =
    [("en", Language::En), ("es", Language::Es), ("pt", Language::Pt)];
const ASSIGN: [(&str, Assign); 4] = [
    ("by-hand", Assign::ByHand),
    ("first-reply", Assign::FirstReply),
    ("round-robin", Assign::RoundRobin),
    ("least-busy", Assign::LeastBusy),
];
const AUTOMATIC: [(&str, AutomaticMail); 2] =
    [("open", AutomaticMail::Open), ("ignore", AutomaticMail::Ignore)];
const FORWARDS: [(&str, Forwards); 2] = [("command", Forwards::Command), ("always", Forwards::Always)];
const AFTER: [(&str, &str); 3] = [("move", "move"), ("flag", "flag"), ("delete", "delete")];

/// The folder that mail is moved to unless the file says otherwise.
pub(super) const MOVE_TO: &str = "Postdesk";

/// Seconds after closing within which a reply reopens, unless the file says otherwise: 14 days.
const REOPEN_WITHIN_SECS: i64 = 14 * 86400;

/// The agents, in the order of the file; those with faults are `None`. Queues must be built, for an agent without a
/// language or a time zone has those of the first queue it is in.
pub(super) fn agents(sections: &[Section<'_>], queues: &[Option<Queue>]) -> Vec<Option<Agent>> {
    sections.iter().enumerate().map(|(index, section)| agent(section, index, queues)).collect()
}

fn agent(section: &Section<'_>, index: usize, queues: &[Option<Queue>]) -> Option<Agent> {
    let name = section.text("name").map(|name| name.value).unwrap_or_default();
    if !section.has("address") {
        section.missing("address", "the agent's mail address");
    }
    let address = section.address("address");
    let of_queue = |queue: &&Queue| queue.agents.contains(&index);
    let queue = queues.iter().flatten().find(of_queue).or_else(|| queues.iter().flatten().next());
    let language = language(section, queue.map_or(Language::Es, |queue| queue.language));
    let time_zone = time_zone(section, queue.map_or(TimeZone::UTC, |queue| queue.time_zone.clone()));
    let aliases = section.addresses("aliases").into_iter().map(|alias| alias.value).collect();
    let digest_hour = section.number("digest_hour", 0..=23).and_then(|hour| i8::try_from(hour).ok());
    Some(Agent {
        person: Person::new(&name, address?.value),
        language: language?,
        time_zone: time_zone?,
        aliases,
        digest_hour,
    })
}

fn language(section: &Section<'_>, default: Language) -> Option<Language> {
    section.choice("language", &LANGUAGES, default)
}

fn time_zone(section: &Section<'_>, default: TimeZone) -> Option<TimeZone> {
    let Some(name) = section.text("time_zone") else { return Some(default) };
    let zone = values::time_zone(&name.value);
    if zone.is_none() {
        let found = format!("time_zone = {}{}", shown(&name.value), values::zone_hint(&name.value));
        section.fault(
            name.line,
            found,
            "a zone's name such as \"America/Mexico_City\", \"Europe/Madrid\" or \"UTC\"",
        );
    }
    zone
}

/// The queues, in the order of the file. `agents` are the sections of the agents, whose addresses queues name.
pub(super) fn queues(sections: &[Section<'_>], agents: &[Section<'_>]) -> Vec<Option<Queue>> {
    let known: Vec<Option<Address>> = agents.iter().map(quiet_address).collect();
    sections.iter().map(|section| queue(section, &known)).collect()
}

/// The address of an agent, without a word when it is wrong: that is said where the agent is built.
fn quiet_address(section: &Section<'_>) -> Option<Address> {
    section.peek("address").and_then(values::address)
}

fn queue(section: &Section<'_>, known: &[Option<Address>]) -> Option<Queue> {
    let name = short_name(section);
    if !section.has("name") {
        section.missing("name", "a short name such as \"soporte\"");
    }
    let title = section.text("title").map(|title| title.value);
    if !section.has("address") {
        section.missing("address", "the address that requesters write to");
    }
    let address = section.address("address");
    let aliases = section.addresses("aliases").into_iter().map(|alias| alias.value).collect();
    let language = language(section, Language::Es);
    let time_zone = time_zone(section, TimeZone::UTC);
    let agents = queue_agents(section, known);
    let reopen = section.get(
        "reopen",
        "\"never\", \"always\", or for how long after closing a reply reopens: \"14d\"",
        |value| values::reopen(value.as_str()?),
    );
    let assign = section.choice("assign", &ASSIGN, Assign::FirstReply);
    let automatic = section.choice("automatic", &AUTOMATIC, AutomaticMail::Open);
    let acknowledge = section.flag("acknowledge", true);
    let cc_participates = section.flag("cc_participates", true);
    let plus_addresses = section.flag("plus_addresses", false);
    let forwards = section.choice("forwards", &FORWARDS, Forwards::Command);
    let name = name?.value;
    Some(Queue {
        title: title.unwrap_or_else(|| capitalized(&name)),
        name,
        address: address?.value,
        aliases,
        language: language?,
        time_zone: time_zone?,
        agents,
        reopen: reopen.map_or(Reopen::Within(REOPEN_WITHIN_SECS), |reopen| reopen.value),
        assign: assign?,
        acknowledge,
        automatic: automatic?,
        cc_participates,
        plus_addresses,
        forwards: forwards?,
    })
}

fn short_name(section: &Section<'_>) -> Option<Placed<String>> {
    let right = "a short name: letters, digits, '-' and '_', at most 40";
    let read = |value: &DeValue<'_>| values::line(value.as_str()?).filter(|name| values::is_short_name(name));
    section.get("name", right, read)
}

fn capitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Indexes of the agents that the queue names: all of them where it names none.
fn queue_agents(section: &Section<'_>, known: &[Option<Address>]) -> Vec<usize> {
    if !section.has("agents") {
        return (0..known.len()).collect();
    }
    let names = section.addresses("agents");
    let mut indexes = Vec::new();
    for Placed { value, line } in &names {
        let at = known.iter().position(|address| address.as_ref() == Some(value));
        match at {
            Some(index) if indexes.contains(&index) => {
                section.fault(*line, format!("{} in agents twice", shown(value.as_str())), "each agent once");
            }
            Some(index) => indexes.push(index),
            None => {
                let addresses = known.iter().flatten().map(Address::as_str);
                let found = format!("{} in agents{}", shown(value.as_str()), hint(value.as_str(), addresses));
                section.fault(*line, found, "the address of an [[agent]]");
            }
        }
    }
    if section.is_empty_list("agents") {
        section.fault(
            section.line_of("agents"),
            "agents = []",
            "at least one agent, or no such key for all of them",
        );
    }
    indexes
}

/// The mailboxes, in the order of the file. `queues` are the sections of the queues that they serve.
pub(super) fn mailboxes(sections: &[Section<'_>], queues: &[Section<'_>]) -> Vec<Option<Mailbox>> {
    let names: Vec<&str> = queues.iter().map(|queue| queue.peek("name").unwrap_or_default()).collect();
    sections.iter().map(|section| mailbox(section, &names)).collect()
}

fn mailbox(section: &Section<'_>, queues: &[&str]) -> Option<Mailbox> {
    let queue = queue_of(section, queues);
    let name = short_name(section).map(|name| name.value);
    let default_name = queue.and_then(|index| queues.get(index)).map(|name| (*name).to_owned());
    let server = server(section, Protocol::Imap);
    let folder = section.text("folder").map_or_else(|| "INBOX".to_owned(), |folder| folder.value);
    let after = after(section, &folder);
    let idle = section.flag("idle", true);
    let poll_secs = section.duration("poll", 5..=86400, 60);
    let right = "the first word of your server's Authentication-Results header, such as \"mx.example.org\"";
    let read = |value: &DeValue<'_>| {
        values::line(value.as_str()?).filter(|id| !id.contains(|c: char| c.is_whitespace() || c == ';'))
    };
    let authserv_id = section.get("authserv_id", right, read).map(|id| id.value);
    Some(Mailbox {
        name: name.or(default_name)?,
        queue: queue?,
        server: server?,
        folder,
        after: after?,
        idle,
        poll_secs: u64::try_from(poll_secs).ok()?,
        authserv_id,
    })
}

/// The queue that a mailbox serves; the only one where it names none.
fn queue_of(section: &Section<'_>, queues: &[&str]) -> Option<usize> {
    if !section.has("queue") {
        if queues.len() > 1 {
            section.missing("queue", "the name of the [[queue]] it serves");
        }
        return (queues.len() == 1).then_some(0);
    }
    let name = section.text("queue")?;
    let index = queues.iter().position(|queue| *queue == name.value);
    if index.is_none() {
        let found = format!("queue = {}{}", shown(&name.value), hint(&name.value, queues.iter().copied()));
        section.fault(name.line, found, "the name of a [[queue]]");
    }
    index
}

fn after(section: &Section<'_>, folder: &str) -> Option<After> {
    let after = section.choice("after", &AFTER, "move");
    let move_to = section.text("move_to");
    if let Some(Placed { line, .. }) = &move_to
        && after.is_some_and(|after| after != "move")
    {
        section.fault(*line, "move_to beside an after that moves nothing", "after = \"move\", or no move_to");
    }
    let line = section.line_of(if section.has("move_to") { "move_to" } else { "folder" });
    let move_to = move_to.map_or_else(|| MOVE_TO.to_owned(), |folder| folder.value);
    match after? {
        "flag" => Some(After::Flag),
        "delete" => Some(After::Delete),
        _ => {
            if move_to == folder
                || (move_to.eq_ignore_ascii_case("inbox") && folder.eq_ignore_ascii_case("inbox"))
            {
                section.fault(line, format!("folder and move_to both {}", shown(folder)), "two folders");
            }
            Some(After::Move(move_to))
        }
    }
}
