//! The head of a mail: header fields encoded, folded, and free of anything that could start another field.
//!
//! Written by hand because the mail builder takes `=?…?=` in a subject for encoded already and panics on a line break
//! in a display name. ASCII only; no line longer than 998 bytes (RFC 5322 2.1.1), most within 78.

use crate::address::Address;
use crate::mail::ids::MessageId;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Lines are folded before this column where they can be (RFC 5322 2.1.1).
const LINE_CHARS: usize = 78;
/// Longest word that goes out as it is; a longer one is encoded so that it can be folded.
const WORD_MAX_CHARS: usize = 60;
/// Bytes of encoded text in one encoded word, so that the word stays within 75 (RFC 2047 2) on a field's first line.
const ENCODED_MAX_BYTES: usize = 48;

/// Header fields in the order they are added.
#[derive(Debug, Default)]
pub(super) struct Head(String);

impl Head {
    /// The fields as bytes, without the empty line that ends a head.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    /// A field of our own making: a fixed word, a date, a language. What is not printable ASCII is dropped.
    pub(super) fn fixed(&mut self, name: &str, value: &str) {
        let value: String = value.chars().filter(|c| matches!(c, ' '..='~')).collect();
        self.fold(name, value.split(' ').map(str::to_owned));
    }

    /// A field of free text (RFC 5322 2.2.1), as the subject is.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.fold(name, phrase(value, is_plain_word));
    }

    /// A field with one address and its display name.
    pub(super) fn person(&mut self, name: &str, display: &str, address: &Address) {
        let display = clean(display);
        let Some(spec) = addr_spec(address) else {
            // No ASCII form: RFC 6858 2.1 puts such an address into the name of an empty group.
            let mut words = phrase(&format!("{display} {address}"), |_| false);
            words.push(":;".to_owned());
            return self.fold(name, words);
        };
        if display.is_empty() {
            return self.fold(name, [spec]);
        }
        let quotable = display.is_ascii() && !display.contains("=?") && display.len() <= WORD_MAX_CHARS;
        let mut words = if quotable { vec![quoted(&display)] } else { phrase(&display, |_| false) };
        words.push(format!("<{spec}>"));
        self.fold(name, words);
    }

    /// A field of Message-IDs; ids with letters outside ASCII are left out. Nothing is written for none.
    pub(super) fn ids<'a>(&mut self, name: &str, ids: impl IntoIterator<Item = &'a MessageId>) {
        let ids: Vec<String> =
            ids.into_iter().filter(|id| id.as_str().is_ascii()).map(ToString::to_string).collect();
        if !ids.is_empty() {
            self.fold(name, ids);
        }
    }

    /// Fields already made by the mail builder: the content's own.
    pub(super) fn made(&mut self, fields: &[u8]) {
        self.0.extend(fields.iter().filter(|b| b.is_ascii()).map(|b| char::from(*b)));
    }

    fn fold(&mut self, name: &str, words: impl IntoIterator<Item = String>) {
        self.0.push_str(name);
        self.0.push(':');
        let mut column = name.len() + 1;
        for (index, word) in words.into_iter().enumerate() {
            let fits = column + 1 + word.len() <= LINE_CHARS;
            // The first line must not be empty but for white space; only a Message-ID or address is that long.
            if fits || index == 0 {
                self.0.push(' ');
                column += 1 + word.len();
            } else {
                self.0.push_str("\r\n ");
                column = 1 + word.len();
            }
            self.0.push_str(&word);
        }
        self.0.push_str("\r\n");
    }
}

/// One line: control characters become spaces, runs of white space one space.
pub(super) fn clean(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A word that may go out unencoded in free text.
fn is_plain_word(word: &str) -> bool {
    word.len() <= WORD_MAX_CHARS && word.bytes().all(|b| matches!(b, b'!'..=b'~')) && !word.contains("=?")
}

/// Words of a header value; the stretch from the first word that cannot go out as it is to the last is encoded
/// (spaces between two encoded words are not shown, RFC 2047 6.2, so they belong inside).
fn phrase(value: &str, is_plain: fn(&str) -> bool) -> Vec<String> {
    let value = clean(value);
    let words: Vec<&str> = value.split(' ').collect();
    let Some(first) = words.iter().position(|word| !is_plain(word)) else {
        return words.into_iter().map(str::to_owned).collect();
    };
    let last = words.iter().rposition(|word| !is_plain(word)).unwrap_or(first);
    let part = |range: Option<&[&str]>| -> Vec<String> {
        range.unwrap_or_default().iter().map(|word| (*word).to_owned()).collect()
    };
    let mut out = part(words.get(..first));
    out.extend(encoded(&part(words.get(first..=last)).join(" ")));
    out.extend(part(words.get(last + 1..)));
    out
}

/// Encoded words (RFC 2047) of whole characters each: `q` where that is readable, else `b`.
fn encoded(text: &str) -> Vec<String> {
    let mostly_ascii = text.chars().filter(char::is_ascii).count() * 3 >= text.chars().count() * 2;
    let (size, letter): (fn(char) -> usize, char) = if mostly_ascii { (q_size, 'q') } else { (b_size, 'b') };
    let mut out = Vec::new();
    let mut chunk = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + size(c) > ENCODED_MAX_BYTES {
            out.push(encoded_word(&chunk, letter));
            chunk.clear();
            used = 0;
        }
        used += size(c);
        chunk.push(c);
    }
    if !chunk.is_empty() {
        out.push(encoded_word(&chunk, letter));
    }
    out
}

fn encoded_word(chunk: &str, letter: char) -> String {
    let text = if letter == 'b' { STANDARD.encode(chunk) } else { chunk.chars().map(q_char).collect() };
    format!("=?utf-8?{letter}?{text}?=")
}

/// Only letters, digits, `-` and `_` for a space: what RFC 2047 5 (3) allows within a display name too.
fn q_char(c: char) -> String {
    if c == ' ' {
        return "_".to_owned();
    }
    if c.is_ascii_alphanumeric() || c == '-' {
        return c.to_string();
    }
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes).bytes().map(|b| format!("={b:02X}")).collect()
}

fn q_size(c: char) -> usize {
    if c == ' ' || c == '-' || c.is_ascii_alphanumeric() { 1 } else { 3 * c.len_utf8() }
}

/// Four characters for three bytes, rounded up.
fn b_size(c: char) -> usize {
    (c.len_utf8() * 4).div_ceil(3)
}

fn quoted(display: &str) -> String {
    let atoms = display.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'_'));
    if atoms {
        return display.to_owned();
    }
    format!("\"{}\"", display.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The address as RFC 5322 3.4.1 wants it: its local part quoted unless it is a dot-atom. `None` outside ASCII.
fn addr_spec(address: &Address) -> Option<String> {
    let (local, domain) = address.as_str().rsplit_once('@')?;
    let atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    if !address.as_str().is_ascii() {
        return None;
    }
    let dot_atom = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext));
    Some(if dot_atom { format!("{local}@{domain}") } else { format!("\"{local}\"@{domain}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_encoded_and_folded_and_start_no_other_field() {
        let address = |text| Address::parse(text).unwrap();
        let mut head = Head::default();
        head.person("From", "Ana García (Soporte)", &address("soporte@x.example"));
        head.person("To", "Evil\r\nBcc: all@x.example", &address("a..b@x.example"));
        head.person("To", "", &address("ana@x.example"));
        head.person("To", "José", &address("josé@x.example"));
        head.text(
            "Subject",
            "Re: [#853142] ¿Cuándo llega la próxima factura del pedido número 12 de la señora Núñez? plain",
        );
        head.text("Subject", "=?utf-8?q?not_encoded?= by us");
        head.text("Subject", "Счёт за октябрь");
        let ids: Vec<MessageId> =
            (0..3).map(|n| MessageId::parse(&format!("{n}{}@x", "i".repeat(40))).unwrap()).collect();
        head.ids("References", &ids);
        insta::assert_snapshot!(String::from_utf8(head.into_bytes()).unwrap().replace('\r', ""), @r#"
        From: =?utf-8?q?Ana_Garc=C3=ADa_=28Soporte=29?= <soporte@x.example>
        To: "Evil Bcc: all@x.example" <"a..b"@x.example>
        To: ana@x.example
        To: =?utf-8?q?Jos=C3=A9_jos=C3=A9=40x=2Eexample?= :;
        Subject: Re: [#853142]
         =?utf-8?q?=C2=BFCu=C3=A1ndo_llega_la_pr=C3=B3xima_factura_?=
         =?utf-8?q?del_pedido_n=C3=BAmero_12_de_la_se=C3=B1ora_N?=
         =?utf-8?q?=C3=BA=C3=B1ez=3F?= plain
        Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fnot=5Fencoded=3F=3D?= by us
        Subject: =?utf-8?b?0KHRh9GR0YIg0LfQsCDQvtC60YLRj9Cx0YDRjA==?=
        References: <0iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii@x>
         <1iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii@x>
         <2iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii@x>
        "#);
    }
}
