//! Message-ID, In-Reply-To and References (RFC 5322 3.6.4): cleaned, bounded, with one constructor.

use std::fmt;

/// Longest Message-ID kept, in bytes; a header line holds 998 at most (RFC 5322 2.1.1).
pub const MESSAGE_ID_MAX_BYTES: usize = 900;

/// A Message-ID without its angle brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct MessageId(String);

impl MessageId {
    /// Takes one id with or without brackets. `None` when it is empty, longer than [`MESSAGE_ID_MAX_BYTES`], or holds
    /// white space, brackets or control characters. An id without `@` is kept: such clients exist.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
        let bad = text.is_empty()
            || text.len() > MESSAGE_ID_MAX_BYTES
            || text.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>'));
        (!bad).then(|| Self(text.to_owned()))
    }

    /// The id without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the last `@`, or all of it.
    pub fn left(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(left, _)| left)
    }

    /// The part after the last `@`, lower-cased, or nothing.
    pub fn right(&self) -> String {
        self.0.rsplit_once('@').map_or(String::new(), |(_, right)| right.to_ascii_lowercase())
    }
}

impl fmt::Display for MessageId {
    /// With its brackets, as in a header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_cleaned_of_brackets_and_refused_with_a_line_break() {
        assert_eq!(MessageId::parse(" <a@b> ").unwrap().as_str(), "a@b");
        assert_eq!(MessageId::parse("<a@b>").unwrap().to_string(), "<a@b>");
        assert!(MessageId::parse("<a@b>\r\nX-Evil: 1").is_none());
        assert!(MessageId::parse("<>").is_none());
    }
}
