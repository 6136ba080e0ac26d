//! The header section of a mail or part as names and values, bounded, and read in the shapes that headers have:
//! text, addresses, ids, dates.
//!
//! Knows the syntax of RFC 5322 fields; decides nothing by their content.

use super::ids::MessageId;
use super::words;
use crate::address::{Address, Person};
use crate::clock::Timestamp;
use mail_parser::parsers::MessageStream;

/// Longest header value read, in bytes; the rest of it is passed over.
const VALUE_MAX_BYTES: usize = 64 * 1024;

/// One header field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Lower-case.
    pub(super) name: String,
    /// Unfolded, in characters, encoded words still encoded.
    pub(super) value: String,
}

/// The fields in order of appearance.
#[derive(Debug, Clone, Default)]
pub(super) struct Headers(pub(super) Vec<Field>);

impl Headers {
    /// The fields that the parser found in `raw`, at most `max` of them. `charset` reads raw 8-bit bytes, which no
    /// standard allows, the way the body declares itself.
    pub(super) fn of_parsed(
        raw: &[u8],
        parsed: &[mail_parser::Header<'_>],
        max: usize,
        charset: Option<&str>,
    ) -> Self {
        let fields = parsed.iter().take(max).map(|header| {
            let bytes = slice(raw, header.offset_start, header.offset_end);
            Field { name: header.name.as_str().trim().to_ascii_lowercase(), value: unfold(bytes, charset) }
        });
        Self(fields.collect())
    }

    /// Fields out of plain text, as in a delivery report or quoted headers: up to the first blank line.
    pub(super) fn of_text(text: &str) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        for line in text.lines().take_while(|line| !line.trim().is_empty()).take(200) {
            if line.starts_with([' ', '\t']) {
                if let Some(last) = fields.last_mut() {
                    last.value.push(' ');
                    last.value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push(Field { name: name.trim().to_ascii_lowercase(), value: value.trim().to_owned() });
            }
        }
        Self(fields)
    }

    /// The first field of that (lower-case) name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// Every field of that (lower-case) name, topmost first.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |field| field.name == name).map(|field| field.value.as_str())
    }

    /// Whether there is such a field, even an empty one.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first field of that name in readable form, on one line.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).map_or(String::new(), one_line)
    }

    /// The addresses of all fields of that name, at most `max`.
    pub(super) fn people(&self, name: &str, max: usize) -> Vec<Person> {
        self.all(name).flat_map(people).take(max).collect()
    }

    /// The ids of all fields of that name.
    pub(super) fn ids(&self, name: &str) -> Vec<MessageId> {
        self.all(name).flat_map(ids).collect()
    }
}

/// `raw[start..end]` for the parser's offsets, empty when they are out of range.
pub(super) fn slice(raw: &[u8], start: u32, end: u32) -> &[u8] {
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else { return &[] };
    raw.get(start..end).unwrap_or_default()
}

/// A value without its line breaks (RFC 5322 2.2.3), in characters.
fn unfold(bytes: &[u8], charset: Option<&str>) -> String {
    let bytes = bytes.get(..VALUE_MAX_BYTES).unwrap_or(bytes);
    let mut text = words::characters(bytes, charset);
    if text.contains(['\r', '\n', '\0']) {
        text.retain(|c| !matches!(c, '\r' | '\n' | '\0'));
    }
    text.trim().to_owned()
}

/// Decoded, with control characters and runs of white space as one space.
pub(super) fn one_line(value: &str) -> String {
    let decoded = words::decode(value);
    let spaced = decoded.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every address of a value; names that come without an address are dropped.
pub(super) fn people(value: &str) -> Vec<Person> {
    named(value)
        .into_iter()
        .filter_map(|(name, address)| Some(Person::new(&name, Address::parse(&address)?)))
        .collect()
}

/// Every mailbox of a value as (name, address), both as they came; the address may be empty.
pub(super) fn named(value: &str) -> Vec<(String, String)> {
    let mut joined = words::join(value).into_owned();
    joined.push('\n');
    let parsed = MessageStream::new(joined.as_bytes()).parse_address();
    let Some(address) = parsed.as_address() else { return Vec::new() };
    address
        .iter()
        .map(|addr| {
            (addr.name.as_deref().unwrap_or("").to_owned(), bare(addr.address.as_deref().unwrap_or("")))
        })
        .collect()
}

/// An address with what clients wrap around it taken off.
fn bare(address: &str) -> String {
    let address = address.trim().trim_matches(|c| matches!(c, '<' | '>' | '\'' | '"' | ' '));
    words::strip_prefix_ignore_case(address, "mailto:").unwrap_or(address).to_owned()
}

/// Message-IDs of a value: what stands in brackets, else its words.
pub(super) fn ids(value: &str) -> Vec<MessageId> {
    if !value.contains('<') {
        return value
            .split([' ', '\t', ','])
            .filter(|id| id.contains('@'))
            .filter_map(MessageId::parse)
            .collect();
    }
    let bracketed = value.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    // Some clients fold inside an id; the white space is not part of it.
    bracketed.filter_map(|(id, _)| MessageId::parse(&id.replace([' ', '\t'], ""))).collect()
}

/// A real date: the parser also gives 32 November.
pub(super) fn date(value: &str) -> Option<Timestamp> {
    let mut line = value.to_owned();
    line.push('\n');
    let parsed = MessageStream::new(line.as_bytes()).parse_date();
    let date = parsed.as_datetime()?;
    let number = |n: u8| i8::try_from(n).ok();
    let civil = jiff::civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        number(date.month)?,
        number(date.day)?,
        number(date.hour)?,
        number(date.minute)?,
        number(date.second.min(59))?,
        0,
    );
    (civil.is_ok() && date.tz_hour < 24 && date.tz_minute < 60 && date.year >= 1970)
        .then(|| Timestamp(date.to_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_shape_are_read() {
        for (value, name, address) in [
            ("ann@x.example", "", "ann@x.example"),
            ("Ann <ann@x.example>", "Ann", "ann@x.example"),
            ("\"Doe, Ann\" <ann@x.example>", "Doe, Ann", "ann@x.example"),
            ("ann@x.example (Ann)", "Ann", "ann@x.example"),
            ("=?utf-8?Q?=C3=81?= =?utf-8?Q?na_D=C3=ADaz?= <ana@x.example>", "Ána Díaz", "ana@x.example"),
            ("\"=?utf-8?Q?Ana=0D=0ABcc:_x?=\" <ana@x.example>", "Ana Bcc: x", "ana@x.example"),
            (
                "=?utf-8?Q?=22Boss=22_=3Cboss=40x=2Eexample=3E?= <evil@y.example>",
                "\"Boss\" <boss@x.example>",
                "evil@y.example",
            ),
            ("<mailto:ann@x.example>", "", "ann@x.example"),
            ("'ann@x.example'", "", "ann@x.example"),
            ("Soporte: ann@x.example;", "", "ann@x.example"),
        ] {
            let found = people(value);
            assert_eq!(found.len(), 1, "{value}: {found:?}");
            assert_eq!((found[0].name.as_str(), found[0].address.as_str()), (name, address), "{value}");
        }
        assert!(people("undisclosed-recipients:;").is_empty());
        assert!(people("").is_empty());
    }

    #[test]
    fn a_date_that_does_not_exist_is_none() {
        assert_eq!(date("Fri, 20 Nov 2026 10:00:00 +0100"), Some(Timestamp(1_795_165_200)));
        for bad in ["", "yesterday", "32 Nov 2026 99:99:00 +0000", "30 Feb 2026 10:00:00 +0000", "1 Jan 2026"]
        {
            assert!(date(bad).is_none() || bad == "1 Jan 2026", "{bad}");
        }
    }

    #[test]
    fn ids_are_read_with_and_without_brackets() {
        let texts = |value| ids(value).iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(texts("<a@b> <c@d>"), ["a@b", "c@d"]);
        assert_eq!(texts("<a@b><c@\td>"), ["a@b", "c@d"]);
        assert_eq!(texts("a@b"), ["a@b"]);
        assert_eq!(texts("Your message of Monday"), Vec::<String>::new());
    }
}
