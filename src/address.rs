//! A mail address (RFC 5321 4.1.2): one constructor, bounded, compared without regard to case.
//!
//! Knows no mailbox, agent or ticket. Equality here is the equality that decides who may write into a ticket, so it
//! is of whole addresses, never of parts.

use std::fmt;
use std::hash::{Hash, Hasher};

/// Longest address taken, in bytes: 64 for the local part, `@`, 255 for the domain (RFC 5321 4.5.3.1).
pub const ADDRESS_MAX_BYTES: usize = 320;

/// An address as written; equal to another when they differ only in case.
#[derive(Debug, Clone)]
pub struct Address {
    text: String,
    key: String,
}

impl Address {
    /// Takes `local@domain`, with or without surrounding space or angle brackets. `None` when it is no address one
    /// could send to: no `@`, an empty side, a control character, white space, or longer than [`ADDRESS_MAX_BYTES`].
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
        let (local, domain) = text.rsplit_once('@')?;
        let forbidden = |c: char| {
            c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '(' | ')' | '"' | '\\')
        };
        let bad = local.is_empty()
            || domain.is_empty()
            || text.len() > ADDRESS_MAX_BYTES
            || text.contains(forbidden)
            || local.contains('@')
            || domain.starts_with('.')
            || domain.ends_with('.');
        if bad {
            return None;
        }
        Some(Self { text: text.to_owned(), key: text.to_lowercase() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Lower-cased, for comparison and for the database.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part before the `@`, as written.
    pub fn local(&self) -> &str {
        self.text.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`, lower-cased.
    pub fn domain(&self) -> &str {
        self.key.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// This address with `+tag` put behind its local part (RFC 5233 subaddress). `None` when that grows too long.
    pub fn with_tag(&self, tag: &str) -> Option<Self> {
        Self::parse(&format!("{}+{}@{}", self.local(), tag, self.domain()))
    }

    /// The subaddress, when this is `base` with one: for `desk+abc@x` and `desk@x`, `abc`.
    pub fn tag_of<'a>(&'a self, base: &Address) -> Option<&'a str> {
        if self.domain() != base.domain() {
            return None;
        }
        let (local, tag) = self.local().split_once('+')?;
        (local.to_lowercase() == base.local().to_lowercase() && !tag.is_empty()).then_some(tag)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Longest display name kept, in characters.
pub const NAME_MAX_CHARS: usize = 120;

/// An address with the display name that came with it; the name may be empty.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Person {
    /// Display name without control characters, at most [`NAME_MAX_CHARS`] long.
    pub name: String,
    /// The address.
    pub address: Address,
}

impl Person {
    /// Cleans `name` (see [`clean_name`]) and joins it to `address`.
    pub fn new(name: &str, address: Address) -> Self {
        Self { name: clean_name(name), address }
    }

    /// The name, or the address where there is none.
    pub fn label(&self) -> &str {
        if self.name.is_empty() { self.address.as_str() } else { &self.name }
    }
}

/// A display name fit for a header: control and direction-changing characters become spaces, runs of white space one
/// space, the rest cut at [`NAME_MAX_CHARS`]. (A line break in a name makes the mail builder panic.)
pub fn clean_name(name: &str) -> String {
    let spaced: String =
        name.chars().map(|c| if c.is_control() || is_direction_mark(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NAME_MAX_CHARS).collect()
}

/// Characters that turn the reading direction (Unicode bidirectional controls); in a name they disguise it.
pub fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{061c}')
}

/// `text` with `<address>` for whatever looks like one, so that a log tells of nobody.
pub fn without_addresses(text: &str) -> String {
    let (mut out, mut word) = (String::with_capacity(text.len()), String::new());
    // The line end closes the last word and is taken off again.
    for c in text.chars().chain(['\n']) {
        if !c.is_whitespace() && !"<>()[],;:\"'".contains(c) {
            word.push(c);
            continue;
        }
        let bracketed = out.ends_with('<');
        match word.contains('@') {
            true if bracketed => out.push_str("address"),
            true => out.push_str("<address>"),
            false => out.push_str(&word),
        }
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_left_in_a_line_of_the_log() {
        let said = "550 5.1.1 <maria@x.example>: no user maria@x.example here, or \"a b\"@x.";
        let told = "550 5.1.1 <address>: no user <address> here, or \"a b\"<address>";
        assert_eq!(without_addresses(said), told);
        assert_eq!(without_addresses("joined by a token in the address"), "joined by a token in the address");
        assert_eq!(without_addresses("agent ana@x.example"), "agent <address>");
        assert_eq!(without_addresses(""), "");
    }

    #[test]
    fn equality_is_of_whole_addresses_and_blind_to_case() {
        let ann = Address::parse("Ann@X.example").unwrap();
        assert_eq!(ann, Address::parse("<ann@x.EXAMPLE>").unwrap());
        assert_ne!(ann, Address::parse("joann@x.example").unwrap());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let bad = ["", "ann", "@x", "ann@", "a b@x", "a@x\r\nBcc: c@y", "a@b@c", "a@.x", "\"q\"@x"];
        assert!(bad.iter().all(|text| Address::parse(text).is_none()), "{bad:?}");
        assert!(Address::parse(&format!("{}@x", "a".repeat(ADDRESS_MAX_BYTES))).is_none());
    }

    #[test]
    fn a_subaddress_is_found_only_on_its_own_base() {
        let base = Address::parse("soporte@x.example").unwrap();
        let tagged = base.with_tag("abc").unwrap();
        assert_eq!(tagged.tag_of(&base), Some("abc"));
        assert_eq!(Address::parse("ventas+abc@x.example").unwrap().tag_of(&base), None);
        assert_eq!(base.tag_of(&base), None);
    }

    #[test]
    fn a_name_keeps_no_line_break_and_no_direction_mark() {
        assert_eq!(clean_name("Ann\r\nBcc: x@y\u{202e}gpj"), "Ann Bcc: x@y gpj");
    }
}
