//! The file as TOML with places: its tables, their unknown keys, and typed reading of one key at a time, where every
//! mismatch is noted in the [`Book`] and reading goes on.
//!
//! Knows their TOML types, not their meaning. It reads toml's spanned tables itself because
//! serde stops at the first error, and its message quotes the line, which may hold a password.

use super::fault::{Book, hint, nearest, shown};
use super::keys::{TABLES, Table};
use super::values;
use crate::address::Address;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Words that name a secret: a key like these holds one, and its value is never shown.
const SECRET_WORDS: [&str; 6] = ["password", "passwd", "pass", "secret", "token", "passphrase"];

/// What to write instead of a secret.
const SECRET_RIGHT: &str = "password_file = \"/path\", password_credential = \"name\" (systemd's LoadCredential) or \
                            password_command = [\"program\", \"argument\"]: this file is read, copied and backed up \
                            by more people than should know a password";

/// Something read, and the line it stands in.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    /// The value.
    pub(super) value: T,
    /// Its line.
    pub(super) line: usize,
}

/// One table of the file.
pub(super) struct Section<'a> {
    book: &'a Book<'a>,
    /// `None` where the file has no such table, or has it wrong.
    table: Option<&'a DeTable<'a>>,
    /// As it is written in the file: `[smtp]`, `[[queue]]`.
    pub(super) head: String,
    /// The line of its head.
    pub(super) line: usize,
}

/// Parses `text`, noting what is no TOML.
pub(super) fn document<'t>(text: &'t str, book: &mut Book<'_>) -> DeTable<'t> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(0, |span| book.line_at(span.start));
        book.broken(line, error.message());
    }
    root.into_inner()
}

/// Notes tables that there are none of.
pub(super) fn unknown_tables(root: &DeTable<'_>, book: &Book<'_>) {
    for (key, value) in root.iter() {
        let (name, line) = (key.get_ref().as_ref(), book.line_at(key.span().start));
        if TABLES.iter().any(|table| table.name == name) {
            continue;
        }
        let found = if value.get_ref().is_table() || value.get_ref().is_array() {
            format!("the table {}{}", shown(name), hint(name, TABLES.iter().map(|table| table.name)))
        } else {
            format!("the key {} before any table", shown(name))
        };
        let heads: Vec<String> = TABLES.iter().map(head).collect();
        book.fault(line, found, format!("one of {}", heads.join(", ")));
    }
}

/// The sections called `name`, in their order, with their unknown keys noted.
pub(super) fn sections<'a>(root: &'a DeTable<'a>, book: &'a Book<'a>, name: &str) -> Vec<Section<'a>> {
    let Some(known) = TABLES.iter().find(|table| table.name == name) else { return Vec::new() };
    let Some((key, value)) = root.get_key_value(name) else { return Vec::new() };
    let line = book.line_at(key.span().start);
    let wrong = |kind: &str| book.fault(line, format!("{name} as {kind}"), head(known));
    let mut found = Vec::new();
    match (value.get_ref(), known.many) {
        (DeValue::Table(table), false) => found.push((table, line)),
        (DeValue::Array(array), true) => {
            for item in array.iter() {
                match item.get_ref() {
                    DeValue::Table(table) => found.push((table, book.line_at(item.span().start))),
                    other => wrong(kind_of(other)),
                }
            }
        }
        (DeValue::Table(_), true) => wrong("a single table with one pair of brackets"),
        (DeValue::Array(_), false) => wrong("a list of tables, or with two pairs of brackets"),
        (other, _) => wrong(kind_of(other)),
    }
    let sections: Vec<Section<'a>> = found
        .into_iter()
        .map(|(table, line)| Section { book, table: Some(table), head: head(known), line })
        .collect();
    sections.iter().for_each(|section| section.unknown_keys(known.keys));
    sections
}

/// The section called `name`, which the file may have once; empty where it has none.
pub(super) fn section<'a>(root: &'a DeTable<'a>, book: &'a Book<'a>, name: &str) -> Section<'a> {
    let line = root.get_key_value(name).map_or(0, |(key, _)| book.line_at(key.span().start));
    let empty = Section { book, table: None, head: format!("[{name}]"), line };
    sections(root, book, name).into_iter().next().unwrap_or(empty)
}

fn head(table: &Table) -> String {
    if table.many { format!("[[{}]]", table.name) } else { format!("[{}]", table.name) }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Whether a key of this name would hold a secret, rightly spelt or not.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word)) || nearest(&key, SECRET_WORDS).is_some()
}

/// `"en", "es" or "pt"`.
fn one_of<T>(choices: &[(&str, T)]) -> String {
    let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

impl<'a> Section<'a> {
    /// Notes a fault of this section.
    pub(super) fn fault(&self, line: usize, found: impl Into<String>, right: impl Into<String>) {
        self.book.fault(line, found, right);
    }

    /// Notes that `key` is missing.
    pub(super) fn missing(&self, key: &str, right: &str) {
        self.lack(format!("{} without {key}", self.head), format!("{key} = {right}"));
    }

    /// Notes that something is missing.
    pub(super) fn lack(&self, found: impl Into<String>, right: impl Into<String>) {
        if self.table.is_none() && self.line > 0 {
            return; // The table is there but of the wrong kind, which has been said.
        }
        self.book.missing(self.line, found, right);
    }

    /// Whether a password stands in the file itself, which is noted with the unknown keys.
    pub(super) fn holds_secret(&self) -> bool {
        ["password", "secret", "token"].iter().any(|word| {
            let near = |key: &str| nearest(key, [*word]).is_some();
            self.table.into_iter().flat_map(|table| table.keys()).any(|key| near(key.get_ref()))
        })
    }

    /// Whether `key` stands in this section, whatever it holds.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// The line and value of `key`.
    fn entry(&self, key: &str) -> Option<(usize, &'a DeValue<'a>)> {
        let (key, value) = self.table?.get_key_value(key)?;
        Some((self.book.line_at(key.span().start), value.get_ref()))
    }

    /// The line of `key`, or of the section where it has none.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.entry(key).map_or(self.line, |(line, _)| line)
    }

    /// The text of `key`, without a word when it is wrong: that is said where the key is read.
    pub(super) fn peek(&self, key: &str) -> Option<&'a str> {
        self.entry(key)?.1.as_str()
    }

    /// The addresses under `keys`, single or in lists, without a word about what is none.
    pub(super) fn peek_addresses(&self, keys: &[&str]) -> Vec<Placed<Address>> {
        let mut found = Vec::new();
        for (line, value) in keys.iter().filter_map(|key| self.entry(key)) {
            let single = value.as_str().map(|text| (line, text));
            let many = value.as_array().into_iter().flat_map(|array| array.iter());
            let many = many
                .filter_map(|item| Some((self.book.line_at(item.span().start), item.get_ref().as_str()?)));
            let all = single.into_iter().chain(many);
            found.extend(all.filter_map(|(line, text)| Some(Placed { value: values::address(text)?, line })));
        }
        found
    }

    /// Whether `key` holds a list with nothing in it.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        self.entry(key)
            .and_then(|(_, value)| value.as_array())
            .is_some_and(|array| array.iter().next().is_none())
    }

    fn unknown_keys(&self, known: &[&str]) {
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let (name, line) = (key.get_ref().as_ref(), self.book.line_at(key.span().start));
            if known.contains(&name) {
                continue;
            }
            let near = hint(name, known.iter().copied());
            if near.is_empty() && is_secret(name) {
                let found = format!("{} in {}: a secret in the file (not shown)", shown(name), self.head);
                self.book.fault(line, found, SECRET_RIGHT);
                continue;
            }
            let found = format!("the unknown key {} in {}{near}", shown(name), self.head);
            self.book.fault(line, found, format!("one of {}", known.join(", ")));
        }
    }

    /// What `read` makes of the value of `key`. `None` when it is absent, or is not `right`, which is noted.
    pub(super) fn get<T>(
        &self,
        key: &str,
        right: &str,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let (line, value) = self.entry(key)?;
        if let Some(value) = read(value) {
            return Some(Placed { value, line });
        }
        let what = match value {
            other if is_secret(key) => format!("{} (not shown)", kind_of(other)),
            // An address with a password in it, as in imaps://desk:secret@host.
            DeValue::String(text) if text.contains("://") && text.contains('@') => {
                "an address with a login in it (not shown)".to_owned()
            }
            DeValue::String(text) => shown(text),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            other => kind_of(other).to_owned(),
        };
        self.book.fault(line, format!("{key} = {what}"), right);
        None
    }

    /// A text of one line that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<Placed<String>> {
        self.get(key, "a text in quotes, on one line, not empty", |value| values::line(value.as_str()?))
    }

    /// A text that must be there; `right` says what it is.
    pub(super) fn need(&self, key: &str, right: &str) -> Option<Placed<String>> {
        if !self.has(key) {
            self.missing(key, right);
        }
        self.text(key)
    }

    /// true or false, `default` where absent.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key, "true or false, without quotes", |value| value.as_bool())
            .map_or(default, |flag| flag.value)
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let right = format!("a whole number from {} to {}, without quotes", range.start(), range.end());
        let read = |value: &DeValue<'_>| {
            let number = value.as_integer()?;
            u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| range.contains(n))
        };
        self.get(key, &right, read).map(|number| number.value)
    }

    /// A time such as `"90d"` within `range` of seconds, `default` where absent.
    pub(super) fn duration(&self, key: &str, range: RangeInclusive<i64>, default: i64) -> i64 {
        let (from, to) = (values::seconds_shown(*range.start()), values::seconds_shown(*range.end()));
        let right = format!("a time from \"{from}\" to \"{to}\", with s, m, h or d for its unit");
        let read = |value: &DeValue<'_>| values::seconds(value.as_str()?).filter(|secs| range.contains(secs));
        self.get(key, &right, read).map_or(default, |secs| secs.value)
    }

    /// A size such as `"50 MB"` within `range` of bytes, `default` where absent.
    pub(super) fn size(&self, key: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let right = "a size from \"64 kB\" to \"2 GB\", with kB, MB, GB, KiB, MiB or GiB for its unit";
        let read = |value: &DeValue<'_>| values::bytes(value.as_str()?).filter(|bytes| range.contains(bytes));
        self.get(key, right, read).map_or(default, |bytes| bytes.value)
    }

    /// One of a few words, `default` where absent.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)], default: T) -> Option<T> {
        if !self.has(key) {
            return Some(default);
        }
        let read = |value: &DeValue<'_>| {
            let text = value.as_str()?;
            choices.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
        };
        self.get(key, &one_of(choices), read).map(|choice| choice.value)
    }

    /// A mail address.
    pub(super) fn address(&self, key: &str) -> Option<Placed<Address>> {
        self.get(key, ADDRESS_RIGHT, |value| values::address(value.as_str()?))
    }

    /// A list of mail addresses; those that are none are noted and left out.
    pub(super) fn addresses(&self, key: &str) -> Vec<Placed<Address>> {
        self.list(key, "a list of addresses: [\"ana@example.org\", \"luis@example.org\"]")
            .into_iter()
            .filter_map(|Placed { value, line }| {
                let address = values::address(&value);
                if address.is_none() {
                    self.book.fault(line, format!("{} in {key}", shown(&value)), ADDRESS_RIGHT);
                }
                address.map(|value| Placed { value, line })
            })
            .collect()
    }

    /// A list of texts; empty where absent.
    pub(super) fn list(&self, key: &str, right: &str) -> Vec<Placed<String>> {
        let read = |value: &DeValue<'_>| {
            let item = |item: &toml::Spanned<DeValue<'_>>| {
                let line = self.book.line_at(item.span().start);
                values::line(item.get_ref().as_str()?).map(|value| Placed { value, line })
            };
            value.as_array()?.iter().map(item).collect::<Option<Vec<_>>>()
        };
        self.get(key, right, read).map(|list| list.value).unwrap_or_default()
    }

    /// A path; a relative one starts from the file's folder. Where files are looked at, `fit` says what is wrong with
    /// it and what would be right.
    pub(super) fn path(
        &self,
        key: &str,
        fit: impl FnOnce(&Path) -> Result<(), (String, String)>,
    ) -> Option<PathBuf> {
        let Placed { value, line } = self.text(key)?;
        let path = self.book.folder().join(&value);
        if self.book.disk
            && let Err((found, right)) = fit(&path)
        {
            self.book.fault(line, format!("{key} = {}, {found}", shown(&value)), right);
        }
        Some(path)
    }
}

/// What an address looks like.
const ADDRESS_RIGHT: &str = "a mail address such as \"ana@example.org\"";
