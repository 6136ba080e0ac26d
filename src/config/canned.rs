//! `[[canned]]`: texts that agents answer with by name, with the ticket's values in them.
//!
//! A value is `{{ name }}` and nothing more: no filter, no condition, no template that could fail or run away in service.
//! Names are checked when the file is read.

use super::fault::{hint, shown};
use super::parts::LANGUAGES;
use super::raw::Section;
use super::values;
use crate::language::Language;
use std::collections::BTreeSet;

/// Most characters of one canned text.
const TEXT_MAX_CHARS: usize = 20_000;

/// The values that may stand in a canned text.
pub const CANNED_VALUES: [&str; 7] =
    ["requester_name", "agent_name", "number", "tag", "subject", "queue", "desk"];

/// A canned text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canned {
    /// What agents write behind `#reply`.
    pub name: String,
    /// For tickets in this language; `None` for all.
    pub language: Option<Language>,
    text: String,
}

impl Canned {
    /// The text with its values filled in; `value` knows those of [`CANNED_VALUES`]. What a value holds is text, even if
    /// it looks like another value.
    pub fn fill(&self, value: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        for piece in pieces(&self.text) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(name) => out.push_str(&value(name)),
            }
        }
        out.trim().to_owned()
    }
}

enum Piece<'a> {
    Text(&'a str),
    Value(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        found.push(Piece::Text(before));
        found.push(Piece::Value(name.trim()));
        rest = behind;
    }
    found.push(Piece::Text(rest));
    found
}

/// The canned texts, in the order of the file; those with faults are `None`.
pub(super) fn canned(sections: &[Section<'_>]) -> Vec<Option<Canned>> {
    let mut seen = BTreeSet::new();
    let one = |section: &Section<'_>| {
        let canned = one(section)?;
        if !seen.insert((canned.name.clone(), canned.language.map(Language::code))) {
            let found = format!("{} called {} again", section.head, shown(&canned.name));
            section.fault(section.line, found, "each name once in each language");
        }
        Some(canned)
    };
    sections.iter().map(one).collect()
}

fn one(section: &Section<'_>) -> Option<Canned> {
    if !section.has("name") {
        section.missing("name", "what agents write behind #reply, such as \"opening-hours\"");
    }
    let right = "a short name: letters, digits, '-' and '_', at most 40";
    let name = section.get("name", right, |value| {
        values::line(value.as_str()?)
            .filter(|name| values::is_short_name(name))
            .map(|name| name.to_lowercase())
    });
    let languages = LANGUAGES.map(|(word, language)| (word, Some(language)));
    let language = section.choice("language", &languages, None);
    if !section.has("text") {
        section.missing("text", "what the requester reads");
    }
    let right = "a text in quotes, not empty, of at most 20000 characters";
    let text = section.get("text", right, |value| {
        let text = value.as_str()?;
        (!text.trim().is_empty() && text.chars().count() <= TEXT_MAX_CHARS).then(|| text.to_owned())
    })?;
    let mut known = true;
    for piece in pieces(&text.value) {
        let Piece::Value(value) = piece else { continue };
        if !CANNED_VALUES.contains(&value) {
            known = false;
            let found = format!("the value {}{}", shown(value), hint(value, CANNED_VALUES));
            section.fault(text.line, found, format!("one of {}", CANNED_VALUES.join(", ")));
        }
    }
    if text.value.lines().any(|line| line.trim_start().starts_with('#')) {
        known = false;
        section.fault(text.line, "a line that begins with #", "lines that do not look like commands");
    }
    let (name, language) = (name?.value, language?);
    known.then_some(Canned { name, language, text: text.value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_once_and_nothing_else_is_read() {
        let text = "Hola {{ requester_name }}, {{number}} {{ y }} {% if %} {{ open".to_owned();
        let canned = Canned { name: "x".into(), language: None, text };
        let filled =
            canned.fill(|name| if name == "number" { "{{ desk }}".into() } else { format!("<{name}>") });
        assert_eq!(filled, "Hola <requester_name>, {{ desk }} <y> {% if %} {{ open");
    }
}
