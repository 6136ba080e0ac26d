//! What a server's response means: pure, total, lenient. Only what this client asks for is taken apart; every other
//! line is [`Response::Other`] and passes. No recursion, so that no nesting can exhaust the stack.

use super::error::sentence;
use super::wire::Frame;
use std::collections::VecDeque;

/// How a command or a line of status ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    No,
    Bad,
    Bye,
    Preauth,
}

/// `[NAME arguments]` and the sentence behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text {
    /// In capitals; empty if none.
    pub code: String,
    pub arguments: String,
    pub text: String,
}

/// One message's data.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fetched {
    pub uid: Option<u32>,
    pub size: Option<u64>,
    pub body: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// `+ …`
    Continue,
    /// The end of a command.
    Tagged {
        tag: String,
        status: Status,
        text: Text,
    },
    /// A status without a tag.
    Status {
        status: Status,
        text: Text,
    },
    Capability(Vec<String>),
    Exists(u32),
    Expunge,
    Search(Vec<u32>),
    List {
        flags: Vec<String>,
        separator: Option<char>,
        name: Vec<u8>,
    },
    /// The personal namespace.
    Namespace {
        prefix: Vec<u8>,
        separator: Option<char>,
    },
    Fetch(Fetched),
    /// A FETCH that could not be read: it may hold a mail, so it must not pass for nothing.
    Garbled,
    /// A line that is neither untagged nor a continuation nor `TAG STATUS`.
    Stray,
    /// An untagged line that we have no use for.
    Other,
}

pub(super) fn parse(frame: Frame) -> Response {
    let line = frame.line.as_slice();
    let mut cursor = Cursor { rest: line, literals: frame.literals.into() };
    match cursor.word() {
        b"+" => Response::Continue,
        b"*" => untagged(cursor),
        tag => match (std::str::from_utf8(tag), status(cursor.word())) {
            (Ok(tag), Some(status)) => {
                Response::Tagged { tag: tag.to_owned(), status, text: text(cursor.rest) }
            }
            _ => Response::Stray,
        },
    }
}

/// The UID named before the literal that ends `line`, so that a mail too large can be named.
pub(super) fn uid_before_literal(line: &[u8]) -> Option<u32> {
    let mut words = line.split(|byte| matches!(byte, b' ' | b'(')).filter(|word| !word.is_empty());
    words.find(|word| word.eq_ignore_ascii_case(b"UID"))?;
    number(words.next()?)
}

fn untagged(mut cursor: Cursor<'_>) -> Response {
    let first = cursor.word();
    if let Some(status) = status(first) {
        return Response::Status { status, text: text(cursor.rest) };
    }
    if let Some(number) = number::<u32>(first) {
        return match cursor.word().to_ascii_uppercase().as_slice() {
            b"EXISTS" => Response::Exists(number),
            b"EXPUNGE" => Response::Expunge,
            b"FETCH" => cursor.fetch().map_or(Response::Garbled, Response::Fetch),
            _ => Response::Other,
        };
    }
    match first.to_ascii_uppercase().as_slice() {
        b"CAPABILITY" => Response::Capability(words(cursor.rest)),
        b"SEARCH" => Response::Search(cursor.numbers()),
        b"LIST" => cursor.list().unwrap_or(Response::Other),
        b"NAMESPACE" => cursor.namespace().unwrap_or(Response::Other),
        _ => Response::Other,
    }
}

fn status(word: &[u8]) -> Option<Status> {
    match word.to_ascii_uppercase().as_slice() {
        b"OK" => Some(Status::Ok),
        b"NO" => Some(Status::No),
        b"BAD" => Some(Status::Bad),
        b"BYE" => Some(Status::Bye),
        b"PREAUTH" => Some(Status::Preauth),
        _ => None,
    }
}

fn text(rest: &[u8]) -> Text {
    let (Some(inner), Some(end)) = (rest.strip_prefix(b"["), rest.iter().position(|byte| *byte == b']'))
    else {
        return Text { text: sentence(rest), ..Text::default() };
    };
    let code = inner.get(..end.saturating_sub(1)).unwrap_or_default();
    let after = rest.get(end.saturating_add(1)..).unwrap_or_default().trim_ascii_start();
    let mut parts = code.splitn(2, |byte| *byte == b' ');
    let name = parts.next().unwrap_or_default();
    let arguments = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    Text { code: sentence(name).to_ascii_uppercase(), arguments, text: sentence(after) }
}

/// Words in capitals, as capabilities are compared.
pub(super) fn words(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).split_ascii_whitespace().map(str::to_ascii_uppercase).collect()
}

fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// What stands behind an item's name.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Nil,
    Atom(Vec<u8>),
    Text(Vec<u8>),
    /// The atoms of its first level.
    List(Vec<Vec<u8>>),
}

impl Value {
    fn number<T: std::str::FromStr>(&self) -> Option<T> {
        match self {
            Self::Atom(word) | Self::Text(word) => number(word),
            Self::Nil | Self::List(_) => None,
        }
    }

    fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Atom(bytes) | Self::Text(bytes) => Some(bytes),
            Self::Nil | Self::List(_) => None,
        }
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
    literals: VecDeque<Vec<u8>>,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take_until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| stop(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// The next word; more than one space does no harm.
    fn word(&mut self) -> &'a [u8] {
        self.spaces();
        let word = self.take_until(|byte| byte == b' ');
        self.spaces();
        word
    }

    fn numbers(&mut self) -> Vec<u32> {
        // A MODSEQ in parentheses may stand at the end (RFC 7162): no number, passed over.
        self.rest.split(|byte| *byte == b' ').filter_map(number).collect()
    }

    fn list(&mut self) -> Option<Response> {
        let Value::List(flags) = self.value()? else { return None };
        let flags = flags.iter().map(|flag| String::from_utf8_lossy(flag).to_ascii_lowercase()).collect();
        let separator = self.value()?.bytes().and_then(|bytes| bytes.first().map(|byte| char::from(*byte)));
        let name = self.value()?.bytes()?;
        Some(Response::List { flags, separator, name })
    }

    fn namespace(&mut self) -> Option<Response> {
        self.spaces();
        if !self.eat(b'(') || !self.eat(b'(') {
            return None;
        }
        let prefix = self.value()?.bytes()?;
        let separator = self.value()?.bytes().and_then(|bytes| bytes.first().map(|byte| char::from(*byte)));
        Some(Response::Namespace { prefix, separator })
    }

    fn fetch(&mut self) -> Option<Fetched> {
        let mut fetched = Fetched::default();
        self.spaces();
        if !self.eat(b'(') {
            return None;
        }
        loop {
            self.spaces();
            if self.eat(b')') {
                return Some(fetched);
            }
            let name = self.item_name()?;
            let value = self.value()?;
            match name.as_slice() {
                b"UID" => fetched.uid = Some(value.number()?),
                b"RFC822.SIZE" => fetched.size = Some(value.number()?),
                b"BODY[]" | b"RFC822" => fetched.body = value.bytes(),
                _ => {}
            }
        }
    }

    /// The name in capitals, with the section in brackets and without the origin in angles: `BODY[]<0>` is `BODY[]`.
    fn item_name(&mut self) -> Option<Vec<u8>> {
        let name = self.take_until(|byte| matches!(byte, b' ' | b'(' | b')' | b'[' | b'{' | b'"'));
        if name.is_empty() {
            return None;
        }
        let mut full = name.to_ascii_uppercase();
        if self.peek() == Some(b'[') {
            full.extend_from_slice(self.take_until(|byte| byte == b']'));
            self.eat(b']').then(|| full.push(b']'))?;
        }
        if self.peek() == Some(b'<') {
            self.take_until(|byte| byte == b'>');
            self.eat(b'>').then_some(())?;
        }
        Some(full)
    }

    fn value(&mut self) -> Option<Value> {
        self.spaces();
        match self.peek()? {
            b'"' => self.quoted().map(Value::Text),
            b'{' | b'~' => self.literal().map(Value::Text),
            b'(' => self.parentheses().map(Value::List),
            _ => match self.take_until(|byte| matches!(byte, b' ' | b')')) {
                b"" => None,
                nil if nil.eq_ignore_ascii_case(b"NIL") => Some(Value::Nil),
                atom => Some(Value::Atom(atom.to_vec())),
            },
        }
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut bytes = self.rest.iter().skip(1);
        let mut used = 1_usize;
        loop {
            let byte = *bytes.next()?;
            used = used.checked_add(1)?;
            match byte {
                b'"' => break,
                b'\\' => {
                    out.push(*bytes.next()?);
                    used = used.checked_add(1)?;
                }
                byte => out.push(byte),
            }
        }
        self.rest = self.rest.get(used..)?;
        Some(out)
    }

    fn literal(&mut self) -> Option<Vec<u8>> {
        self.eat(b'~');
        self.eat(b'{').then_some(())?;
        self.take_until(|byte| byte == b'}');
        self.eat(b'}').then_some(())?;
        self.literals.pop_front()
    }

    /// Passes over a list however deep, keeping the atoms of its first level.
    fn parentheses(&mut self) -> Option<Vec<Vec<u8>>> {
        let (mut atoms, mut depth) = (Vec::new(), 0_usize);
        loop {
            self.spaces();
            match self.peek()? {
                b'(' => {
                    self.eat(b'(');
                    depth = depth.checked_add(1)?;
                }
                b')' => {
                    self.eat(b')');
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(atoms);
                    }
                }
                b'"' => drop(self.quoted()?),
                b'{' => drop(self.literal()?),
                _ => {
                    let atom = self.take_until(|byte| matches!(byte, b' ' | b'(' | b')'));
                    if depth == 1 {
                        atoms.push(atom.to_vec());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
