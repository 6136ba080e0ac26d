//! Text in headers: 8-bit bytes and encoded words (RFC 2047) into characters, and MIME parameters (RFC 2231).
//!
//! Knows how header text is coded; knows no header by name. Its own decoder rather than the parser's because a
//! character may be split between two words, and because an undecodable word must stay readable.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use mail_parser::decoders::charsets::map::charset_decoder;
use std::borrow::Cow;

/// Longest encoded word that is looked at, in bytes (RFC 2047 allows 75; clients write more).
const WORD_MAX_BYTES: usize = 4096;

/// Base 64 as mail has it: padding may be missing, stray bits may be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes into characters: UTF-8 where they are that, else `charset` where it is known, else Windows-1252, which gives
/// every byte a meaning.
pub(super) fn characters(bytes: &[u8], charset: Option<&str>) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => in_charset(bytes, charset.filter(|name| !is_unicode(name)).unwrap_or("windows-1252")),
    }
}

/// Bytes in a declared charset; an unknown one counts as undeclared.
pub(super) fn in_charset(bytes: &[u8], charset: &str) -> String {
    match charset_decoder(charset.trim().as_bytes()) {
        Some(decode) if !is_unicode(charset) => decode(bytes),
        _ => match String::from_utf8(bytes.to_vec()) {
            Ok(text) => text,
            Err(_) => charset_decoder(b"windows-1252")
                .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decode| decode(bytes)),
        },
    }
}

fn is_unicode(charset: &str) -> bool {
    let name = charset.trim();
    name.eq_ignore_ascii_case("utf-8")
        || name.eq_ignore_ascii_case("utf8")
        || name.eq_ignore_ascii_case("us-ascii")
}

/// Decodes all encoded words of `text`; the space between two of them is dropped (RFC 2047 6.2).
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    rewrite(text, |decoded| decoded)
}

/// Joins neighbouring encoded words into one UTF-8 word each, for a parser that decodes words one by one. What was
/// inside a word stays inside: its commas and brackets must not become structure (RFC 2047 5).
pub(super) fn join(text: &str) -> Cow<'_, str> {
    rewrite(text, |decoded| {
        let clean: String = decoded.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("=?utf-8?B?{}?=", LENIENT.encode(clean))
    })
}

fn rewrite(text: &str, write: impl Fn(String) -> String) -> Cow<'_, str> {
    if !text.contains("=?") {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, at_word)) = rest.find("=?").and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        match run(at_word) {
            Some((decoded, after)) => {
                out.push_str(&write(decoded));
                rest = after;
            }
            None => {
                out.push_str("=?");
                rest = at_word.strip_prefix("=?").unwrap_or("");
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// One encoded word, as bytes.
struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

/// Reads a run of encoded words with only white space between them; gives its text and what follows.
fn run(text: &str) -> Option<(String, &str)> {
    let (mut current, mut rest) = word(text)?;
    let mut decoded = String::new();
    loop {
        let next = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some((more, after)) = word(next) else { break };
        if more.charset.eq_ignore_ascii_case(current.charset) {
            current.bytes.extend_from_slice(&more.bytes);
        } else {
            decoded.push_str(&meaning(&current)?);
            current = more;
        }
        rest = after;
    }
    decoded.push_str(&meaning(&current)?);
    Some((decoded, rest))
}

/// `None` for what is declared UTF-8, is not, and holds control characters: rubbish is left as it came.
fn meaning(word: &Word<'_>) -> Option<String> {
    if is_unicode(word.charset)
        && let Err(error) = std::str::from_utf8(&word.bytes)
    {
        if error.error_len().is_none() && error.valid_up_to() > 0 && ends_in_first_half(&word.bytes) {
            return Some(String::from_utf8_lossy(&word.bytes).into_owned());
        }
        if word.bytes.iter().any(|b| *b < 32 && !matches!(b, b'\r' | b'\n' | b'\t')) {
            return None;
        }
    }
    Some(in_charset(&word.bytes, word.charset))
}

/// The last byte begins a UTF-8 character that was cut off. (In Windows-1252 these are mostly accented capitals.)
fn ends_in_first_half(bytes: &[u8]) -> bool {
    bytes.last().is_some_and(|byte| matches!(byte, 0x80..=0xdf | 0xf0..=0xf4))
}

/// `=?charset*language?B?text?=`.
fn word(text: &str) -> Option<(Word<'_>, &str)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    if charset.is_empty() || charset.len() > 60 || charset.contains(char::is_whitespace) {
        return None;
    }
    let charset = charset.split('*').next().unwrap_or(charset);
    let (encoding, rest) = rest.split_once('?')?;
    let window = rest.get(..rest.floor_char_boundary(WORD_MAX_BYTES))?;
    let end = window.find("?=")?;
    let (body, after) = (rest.get(..end)?, rest.get(end.checked_add(2)?..)?);
    let bytes = match encoding {
        "b" | "B" => base64(body.as_bytes())?,
        "q" | "Q" => q_decode(body),
        _ => return None,
    };
    Some((Word { charset, bytes }, after))
}

/// Base 64 with everything outside its alphabet passed over.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut clean: Vec<u8> =
        text.iter().copied().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).collect();
    if clean.len() % 4 == 1 {
        clean.pop();
    }
    LENIENT.decode(clean).ok()
}

/// Splits text that is called base64 at its first line that is not: one with at least two characters of no such encoding.
/// (A stray one is noise on the way.) `None` where there is no such line.
pub(super) fn split_base64(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_other = |b: &&u8| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    let mut at = 0;
    for line in text.split_inclusive(|b| *b == b'\n') {
        if line.trim_ascii().iter().filter(is_other).take(2).count() == 2 {
            return text.split_at_checked(at);
        }
        at += line.len();
    }
    None
}

fn q_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, hex_pair(tail)) {
            (b'=', Some(byte)) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'_', _) => out.push(b' '),
            _ => out.push(*first),
        }
    }
    out
}

/// Quoted-printable of a body, forgiving: what is no escape stays as it is, a soft line break joins lines.
pub(super) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail, hex_pair(tail)) {
            (b'=', [b'\r', b'\n', after @ ..] | [b'\n', after @ ..], _) => rest = after,
            (b'=', _, Some(byte)) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => out.push(*first),
        }
    }
    out
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let [high, low, ..] = bytes else { return None };
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// The value of parameter `name` in a header such as `attachment; filename*0*=utf-8''a%20; filename*1=b`. RFC 2231
/// forms go before plain ones; encoded words, which the standard forbids here and half the world writes, are decoded.
pub(super) fn parameter(header: &str, name: &str) -> Option<String> {
    let (mut pieces, mut plain): (Vec<(u32, bool, String)>, Option<String>) = (Vec::new(), None);
    for (key, value) in parameters(header) {
        let Some(suffix) = strip_prefix_ignore_case(key, name) else { continue };
        match suffix.strip_prefix('*') {
            None if suffix.is_empty() => plain = plain.or(Some(value)),
            None => {}
            Some(section) => {
                let encoded = section.is_empty() || section.ends_with('*');
                let number = section.trim_end_matches('*').parse().unwrap_or(0);
                pieces.push((number, encoded, value));
            }
        }
    }
    match (join_pieces(pieces), plain) {
        (Some(extended), _) => Some(extended),
        (None, plain) => plain.map(|value| decode(&value).into_owned()),
    }
}

fn join_pieces(mut pieces: Vec<(u32, bool, String)>) -> Option<String> {
    if pieces.is_empty() {
        return None;
    }
    pieces.sort_by_key(|(number, _, _)| *number);
    let (mut charset, mut bytes) = (String::new(), Vec::new());
    for (index, (_, encoded, value)) in pieces.iter().enumerate() {
        let mut text = value.as_str();
        if *encoded && index == 0 {
            let mut parts = text.splitn(3, '\'');
            if let (Some(set), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                charset = set.to_owned();
                text = rest;
            }
        }
        if *encoded {
            bytes.extend(percent_encoding::percent_decode_str(text));
        } else {
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    let text = in_charset(&bytes, &charset);
    Some(if text.contains("=?") { decode(&text).into_owned() } else { text })
}

/// The `key=value` fields behind the first `;`, with quoted strings opened.
fn parameters(header: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let (field, after) = split_field(rest);
            rest = after;
            if let Some((key, value)) = field.split_once('=') {
                return Some((key.trim(), unquote(value.trim())));
            }
        }
    })
}

/// Splits at the first `;` outside quotes.
fn split_field(text: &str) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            ';' if !quoted => {
                let (field, rest) = text.split_at_checked(at).unwrap_or((text, ""));
                return (field, rest.strip_prefix(';').unwrap_or(rest));
            }
            _ => {}
        }
    }
    (text, "")
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let (mut out, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => break,
            _ => {
                // A Windows path in quotes is not escaped: keep the backslash before a letter.
                if escaped && c.is_alphanumeric() {
                    out.push('\\');
                }
                escaped = false;
                out.push(c);
            }
        }
    }
    out
}

pub(super) fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_in_every_shape_are_read() {
        for (text, meaning) in [
            ("plain", "plain"),
            ("=?utf-8?Q?Ma=C3=B1ana?=", "Mañana"),
            ("=?UTF-8?B?TWHDsQ==?= =?utf-8?b?YW5h?=", "Mañana"),
            ("=?utf-8?Q?Ma=C3?=\r\n =?utf-8?Q?=B1ana?=", "Mañana"),
            ("=?iso-8859-1*es?Q?Ma=F1ana?= hoy", "Mañana hoy"),
            ("a =?utf-8?Q?b?= =?iso-8859-1?Q?=E7?= c", "a bç c"),
            ("=?x-unknown?Q?caf=E9?=", "café"),
            ("=?utf-8?Q?caf=E9?=", "café"),
            ("=?utf-8?Q?caf=C3?=", "caf\u{fffd}"),
            ("=?utf-8?B?TWHDsWFuYQ?=", "Mañana"),
            ("=?utf-8?Q?with space?=", "with space"),
            ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
            ("=?utf-8?Q?open", "=?utf-8?Q?open"),
            ("=?=?utf-8?Q?a?=", "=?a"),
            ("=?utf-8?B?nhsb?=", "=?utf-8?B?nhsb?="),
        ] {
            assert_eq!(decode(text), meaning, "{text}");
        }
    }

    #[test]
    fn joined_words_keep_their_content_inside() {
        let joined = join("=?utf-8?Q?a=2C_b=0D=0A?= =?utf-8?Q?=3Cx=40y=3E?= <c@d.example>");
        assert!(joined.starts_with("=?utf-8?B?") && joined.ends_with("?= <c@d.example>"), "{joined}");
        assert_eq!(decode(&joined), "a, b  <x@y> <c@d.example>");
    }

    #[test]
    fn parameters_in_every_shape_are_read() {
        for (header, name) in [
            (r#"attachment; filename="a b.pdf""#, "a b.pdf"),
            ("attachment; filename=a b.pdf; size=3", "a b.pdf"),
            (r#"attachment; filename="a;b.pdf""#, "a;b.pdf"),
            (r#"attachment; filename="a\"b.pdf""#, "a\"b.pdf"),
            (r#"attachment; filename="C:\dir\a.pdf""#, r"C:\dir\a.pdf"),
            ("attachment; filename*=utf-8''a%C3%B1o.pdf", "año.pdf"),
            ("attachment; filename*=iso-8859-1'es'a%F1o.pdf; filename=x", "año.pdf"),
            ("attachment; filename*1*=%B1o.pdf; filename*0*=utf-8''a%C3", "año.pdf"),
            ("attachment; FileName*0=\"long \"; filename*1=name.pdf", "long name.pdf"),
            ("attachment; filename=\"=?utf-8?Q?a=C3=B1o.pdf?=\"", "año.pdf"),
            ("attachment; filename = \"open.pdf", "open.pdf"),
        ] {
            assert_eq!(parameter(header, "filename").as_deref(), Some(name), "{header}");
        }
        assert_eq!(parameter("attachment", "filename"), None);
        assert_eq!(parameter("x; filenames=a", "filename"), None);
    }
}
