//! The mail that somebody forwards: who wrote it, about what, and its words; as an attachment (`message/rfc822`) or
//! inline, in the forms of Gmail, Outlook, Apple Mail, Thunderbird and mutt in English, Spanish and Portuguese.
//!
//! What is found is the forwarder's word and nothing more: inline it can be typed by anybody.

use super::header;
use super::ids::MessageId;
use super::text::history::{self, Role};
use crate::address::{Address, Person};

/// Lines of one header block.
const BLOCK_LINES_MAX: usize = 14;

/// A forwarded mail.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Forwarded {
    /// Who wrote it.
    pub from: Person,
    /// Its subject.
    pub subject: String,
    /// Its words.
    pub text: String,
    /// Its Message-ID: known of an attached mail only.
    pub message_id: Option<MessageId>,
}

/// Whether a mail of this subject and text says that it forwards another: by a prefix, or by the line that clients put
/// above what they forward.
pub(super) fn says_so(subject: &str, text: &str) -> bool {
    has_prefix(subject) || text.lines().any(|line| history::is_forward_line(unquoted(line).0.trim()))
}

/// Whether a subject begins with a client's prefix of forwarded mail.
pub(super) fn has_prefix(subject: &str) -> bool {
    let prefix = subject.split([':', '：']).next().unwrap_or("").trim().to_lowercase();
    prefix.len() < subject.len()
        && ["fwd", "fw", "rv", "enc", "i", "tr", "wg", "reenv", "doorst"].contains(&prefix.as_str())
}

/// The first mail that `text` holds behind a header block.
pub(super) fn inline(text: &str) -> Option<Forwarded> {
    let lines: Vec<&str> = text.lines().collect();
    let start = (0..lines.len()).find(|at| is_block(&lines, *at))?;
    let is_quoted = lines.get(start).is_some_and(|line| unquoted(line).1);
    let (mut from, mut subject, mut last, mut end) = (None, String::new(), None, start);
    for (index, line) in lines.iter().enumerate().skip(start).take(BLOCK_LINES_MAX) {
        let line = unquoted(line).0;
        let found = history::field(line);
        match found.clone() {
            Some((Role::From, value)) if from.is_none() => from = person(&value),
            Some((Role::Subject, value)) if subject.is_empty() => subject = value,
            Some(_) => {}
            None if line.trim().is_empty() => break,
            // A long field goes on in the next line.
            None => match last {
                Some(Role::From) if from.is_none() => from = person(line),
                Some(Role::Subject) => subject = format!("{subject} {}", line.trim()),
                Some(_) => {}
                None => break,
            },
        }
        last = found.map(|(role, _)| role).or(last);
        end = index + 1;
    }
    let rest = lines.get(end..).unwrap_or_default().iter();
    let own = |line: &&str| if is_quoted { unquoted(line).0.to_owned() } else { (*line).to_owned() };
    let body: Vec<String> = rest.map(own).take_while(|line| !is_end(line)).collect();
    Some(Forwarded { from: from?, subject, text: body.join("\n").trim().to_owned(), message_id: None })
}

/// Three fields of a header block within a few lines, From among them.
fn is_block(lines: &[&str], at: usize) -> bool {
    let role = |line: &str| history::field(unquoted(line).0).map(|(role, _)| role);
    if lines.get(at).and_then(|line| role(line)).is_none() {
        return false;
    }
    let block = lines.iter().skip(at).take(BLOCK_LINES_MAX).take_while(|l| !unquoted(l).0.trim().is_empty());
    let roles: Vec<Role> = block.filter_map(|line| role(line)).collect();
    roles.contains(&Role::From)
        && roles.len() >= 3
        && roles.iter().any(|r| matches!(r, Role::Date | Role::Subject))
}

/// A line without one quote mark, and whether it had one.
fn unquoted(line: &str) -> (&str, bool) {
    match line.trim_start().strip_prefix('>') {
        Some(rest) => (rest.strip_prefix(' ').unwrap_or(rest), true),
        None => (line, false),
    }
}

/// mutt's `----- End forwarded message -----`.
fn is_end(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("-----") && line.to_lowercase().contains("end forwarded message")
}

/// `María López <maria@x.example>`, `maria@x.example <mailto:…>`, `María [mailto:maria@x.example]`,
/// `"María" <maria@x.example<mailto:maria@x.example>>`.
fn person(value: &str) -> Option<Person> {
    let plain =
        value.replace(['*', '\u{a0}'], " ").replace("[mailto:", "<").replace("mailto:", "").replace(']', ">");
    let plain = plain.trim().trim_start_matches('[');
    let mut words = plain.split(['<', '>', ' ', '(', ')', '"', ';', ',']).filter(|word| word.contains('@'));
    let address = words.find_map(Address::parse)?;
    let before = plain.split('<').next().unwrap_or("").trim().trim_matches(['"', '\'', ' ']);
    let name = if before.contains('@') || !plain.contains('<') { "" } else { before };
    let decoded = header::one_line(name);
    Some(Person::new(&decoded, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_every_form_that_clients_write() {
        for text in [
            "María López <maria@x.example>",
            "*María López* <maria@x.example>",
            "María López [mailto:maria@x.example]",
            "\"María López\" <maria@x.example<mailto:maria@x.example>>",
            "María López <maria@x.example <mailto:maria@x.example>>",
        ] {
            let found = person(text).unwrap();
            assert_eq!(
                (found.name.as_str(), found.address.as_str()),
                ("María López", "maria@x.example"),
                "{text}"
            );
        }
        assert_eq!(person("maria@x.example <mailto:maria@x.example>").unwrap().name, "");
        assert_eq!(person("María López"), None);
    }
}
