//! Which agent is meant by a name.

use super::words::Complaint;
use crate::address::Address;
use crate::config::{Agent, Config, Queue};
use crate::language::unaccented;

/// The one agent whose name this is, or its first word, or what stands before the `@` of the address; capitals and accents
/// make no difference. Where several have it, none is meant.
pub(super) fn named<'a>(config: &'a Config, queue: &Queue, name: &str) -> Result<&'a Address, Complaint> {
    let meant = folded(name);
    let has_it: Vec<&Agent> = config.agents.iter().filter(|agent| answers_to(agent, &meant)).collect();
    match has_it.as_slice() {
        [agent] => Ok(&agent.person.address),
        [] => Err(Complaint::NoAgent { found: name.to_owned(), known: listed(config.agents_of(queue)) }),
        several => {
            let known = listed(several.iter().copied());
            Err(Complaint::SeveralAgents { found: name.to_owned(), known })
        }
    }
}

/// Agents as others are told of them, with the address that a command takes.
pub(super) fn listed<'a>(agents: impl Iterator<Item = &'a Agent>) -> Vec<String> {
    let one = |agent: &Agent| match (agent.person.name.as_str(), &agent.person.address) {
        ("", address) => address.to_string(),
        (name, address) => format!("{name} <{address}>"),
    };
    agents.map(one).collect()
}

fn answers_to(agent: &Agent, meant: &str) -> bool {
    let name = folded(&agent.person.name);
    let local = agent.person.address.as_str().split('@').next().map(folded).unwrap_or_default();
    let first = name.split(' ').next().unwrap_or_default();
    !meant.is_empty() && [name.as_str(), first, local.as_str()].contains(&meant)
}

/// A name in small letters without accents, one space between its words.
fn folded(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    // macOS writes an accent as a character of its own.
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    words.join(" ").chars().filter(|c| !is_accent(c)).map(unaccented).collect()
}
