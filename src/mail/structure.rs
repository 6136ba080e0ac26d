//! How much of a mail's structure is read: nested mails, parts and header fields are counted before the parser makes
//! a record of each, for a few bytes of mail become hundreds in memory (promise 9).
//!
//! Knows lines; what they mean is for the parser. Counts rather too much than too little.

use memchr::{memchr_iter, memchr2_iter};
use std::cell::LazyCell;

/// Mentions of nested-mail types after which the rest of a mail is not read.
const NESTED_MAX: usize = 500;
/// Parts after which the rest of a mail is not read; far fewer are shown.
const PARTS_MAX: usize = 20_000;
/// Header fields and parameters of all parts together after which the rest of a mail is not read.
const FIELDS_MAX: usize = 200_000;
/// Boundaries told apart; in a mail that declares more, each line that begins with dashes counts as one.
const BOUNDARIES_MAX: usize = 32;

/// What of `raw` is read, and the bound that was reached: its code and what there was too much of.
pub(super) fn bounded(raw: &[u8]) -> (&[u8], Option<(&'static str, &'static str)>) {
    let nested = nested_end(raw);
    let kept = nested.and_then(|end| raw.get(..end)).unwrap_or(raw);
    let reached = nested.map(|_| ("nesting-bound", "mails are nested deeper than is read"));
    match lines_end(kept) {
        Some(end) => {
            let what = "the mail has more parts or header fields than are read";
            (kept.get(..end).unwrap_or(kept), Some(("structure-bound", what)))
        }
        None => (kept, reached),
    }
}

/// Where the mention of nested mail stands that is one too many.
fn nested_end(raw: &[u8]) -> Option<usize> {
    let mut mentions = memchr_iter(b'/', raw).filter(|at| {
        let before = at.checked_sub(7).and_then(|start| raw.get(start..*at)).unwrap_or_default();
        let after = raw.get(at + 1..at + 7).unwrap_or_default();
        before.eq_ignore_ascii_case(b"message") || after.eq_ignore_ascii_case(b"digest")
    });
    mentions.nth(NESTED_MAX)
}

/// Where the line begins that is one part or one field too many.
fn lines_end(raw: &[u8]) -> Option<usize> {
    let boundaries = boundaries(raw);
    let (mut at, mut parts, mut fields) = (0, 0, 0);
    // A head follows a boundary, and the head of a part that may be a mail.
    let (mut in_head, mut mail_follows) = (true, false);
    for line in lines(raw) {
        if is_boundary(line, &boundaries) {
            parts += 1;
            (in_head, mail_follows) = (true, false);
        } else if in_head && line.trim_ascii().is_empty() {
            (in_head, mail_follows) = (mail_follows, false);
        } else if in_head {
            fields += 1 + line.iter().filter(|b| **b == b';').count();
            mail_follows |= line.windows(7).any(|word| word.eq_ignore_ascii_case(b"message"));
        }
        if parts > PARTS_MAX || fields > FIELDS_MAX {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Lines with their ends.
fn lines(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr_iter(b'\n', raw).map(|at| at + 1).chain([raw.len()]);
    ends.filter_map(move |end| raw.get(std::mem::replace(&mut start, end)..end))
        .filter(|line| !line.is_empty())
}

/// The boundaries that are declared anywhere in `raw`; none when they are too many to be told apart.
fn boundaries(raw: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found: Vec<&[u8]> = Vec::new();
    for at in memchr_iter(b'=', raw) {
        let before = raw.get(at.saturating_sub(12)..at).unwrap_or_default().trim_ascii_end();
        let (Some(name), Some(rest)) = (before.last_chunk::<8>(), raw.get(at + 1..)) else { continue };
        if !name.eq_ignore_ascii_case(b"boundary") {
            continue;
        }
        let rest = rest.get(..100).unwrap_or(rest).trim_ascii_start();
        let value = rest.strip_prefix(b"\"").unwrap_or(rest);
        let value = value.split(|b| b"\"\r\n; \t".contains(b)).next().unwrap_or_default();
        if found.len() >= BOUNDARIES_MAX {
            return None;
        }
        if !found.contains(&value) {
            found.push(value);
        }
    }
    Some(found)
}

/// The name of the field that says how a part is encoded.
const ENCODING: &[u8] = b"content-transfer-encoding";

/// A copy of `raw` in which no nested mail is encoded, where one is: its type is altered to one that the parser hands
/// out as bytes ([`plain_type`] takes that back). RFC 2046 5.2.1 forbids such parts; the parser reads and copies them
/// by recursion, as deep as somebody nests them, and the end of a stack ends the process.
pub(super) fn unsealed(raw: &[u8]) -> Option<Vec<u8>> {
    let mut copy: Option<Vec<u8>> = None;
    // Looked for once, and only where it matters.
    let digest = LazyCell::new(|| find(raw, b"digest").is_some());
    let mut at = 0;
    while let Some(field) = raw.get(at..).and_then(|rest| find(rest, ENCODING)).map(|found| at + found) {
        // The head and perhaps some of what stands before it: rather too much than too little.
        let start = raw.get(..field).and_then(last_blank).unwrap_or(0);
        let end = raw.get(field..).and_then(first_blank).map_or(raw.len(), |length| field + length);
        let head = raw.get(start..end).unwrap_or_default();
        at = end.max(field + ENCODING.len());
        if is_open(raw.get(field..end).unwrap_or_default()) {
            continue;
        }
        let declared = find(head, b"content-type").and_then(|at| head.get(at..)).map(media_type_of);
        for word in [&b"rfc822"[..], b"global"] {
            let mut from = 0;
            while let Some(found) = head.get(from..).and_then(|rest| find(rest, word)) {
                from += found + word.len();
                alter(&mut copy, raw, start + from - 1, b'_');
            }
        }
        // A part of a digest is a mail without saying so; a comment may stand in the midst of a type.
        if declared.map_or_else(|| *digest, |value| value.contains(&b'(')) {
            alter(&mut copy, raw, field, b'X');
        }
    }
    copy
}

/// The field that begins `head` up to its parameters.
fn media_type_of(head: &[u8]) -> &[u8] {
    let ends = |at: &usize| match head.get(*at) {
        Some(b';') => true,
        Some(b'\n') => !head.get(at + 1).is_some_and(|b| matches!(b, b' ' | b'\t')),
        _ => false,
    };
    (0..head.len()).find(ends).and_then(|end| head.get(..end)).unwrap_or(head)
}

/// Whether a head, from its first field about encoding on, says plainly that nothing is encoded.
fn is_open(head: &[u8]) -> bool {
    let rest = head.get(ENCODING.len()..).unwrap_or_default();
    let mut lines = rest.split(|b| *b == b'\n');
    let value = lines.next().unwrap_or_default().trim_ascii();
    let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
    let plain = [&b"7bit"[..], b"8bit", b"binary"].iter().any(|word| value.eq_ignore_ascii_case(word));
    plain
        && find(rest, ENCODING).is_none()
        && !lines.next().is_some_and(|line| line.starts_with(b" ") || line.starts_with(b"\t"))
}

/// The media type that an altered one stands for.
pub(super) fn plain_type(media_type: String) -> String {
    match media_type.as_str() {
        "message/rfc82_" => "message/rfc822".to_owned(),
        "message/globa_" => "message/global".to_owned(),
        _ => media_type,
    }
}

fn alter(copy: &mut Option<Vec<u8>>, raw: &[u8], at: usize, with: u8) {
    if let Some(byte) = copy.get_or_insert_with(|| raw.to_vec()).get_mut(at) {
        *byte = with;
    }
}

/// Where `word`, in lower case, first stands in `text`, in any case. Looked for by its hyphen if it has one: there is
/// none in base64, which most of a large mail is.
fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let anchor = word.iter().position(|b| *b == b'-').unwrap_or(0);
    let letter = word.get(anchor)?;
    let starts =
        memchr2_iter(*letter, letter.to_ascii_uppercase(), text).filter_map(|at| at.checked_sub(anchor));
    let fits =
        |at: &usize| text.get(*at..*at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
    starts.into_iter().find(fits)
}

/// The end of the last empty line of `text`.
fn last_blank(text: &[u8]) -> Option<usize> {
    let ends = |at: usize, line: &[u8]| text.get(..at).is_some_and(|before| before.ends_with(line));
    (1..=text.len()).rev().find(|at| ends(*at, b"\n\n") || ends(*at, b"\n\r\n"))
}

/// The beginning of the first empty line of `text`.
fn first_blank(text: &[u8]) -> Option<usize> {
    let begins = |rest: &[u8]| rest.starts_with(b"\n\n") || rest.starts_with(b"\n\r\n");
    (0..text.len()).find(|at| text.get(*at..).is_some_and(begins)).map(|at| at + 1)
}

fn is_boundary(line: &[u8], boundaries: &Option<Vec<&[u8]>>) -> bool {
    let Some(rest) = line.strip_prefix(b"--") else { return false };
    boundaries.as_ref().is_none_or(|all| all.iter().any(|boundary| rest.starts_with(boundary)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_nested_mail_that_is_encoded_is_handed_out_as_bytes() {
        let altered = |raw: &str| {
            unsealed(raw.as_bytes()).map(|copy| {
                assert_eq!(copy.len(), raw.len());
                String::from_utf8(copy).unwrap()
            })
        };
        for head in [
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\nx",
            "Content-Type: message/rfc822\n\nx",
            "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nabout rfc822",
            "alert(1)\n--b\nContent-Type: a/b; name=\"c (1)\"\nContent-Transfer-Encoding: base64\n\nx",
            "A: rfc822\n\n--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nx",
        ] {
            assert_eq!(altered(head), None, "{head}");
        }
        for head in [
            "Content-Transfer-Encoding: base64\nContent-Type: message/rfc822\n\nx",
            "Content-Type: Message/RFC822\r\nContent-Transfer-Encoding:\r\n base64\r\n\r\nx",
            "Content-Type: message/global\nContent-Transfer-Encoding: 7bit\ncontent-transfer-encoding: base64\n\nx",
            "Content-Type:\n mess(x)age/rfc(y)822\nContent-Transfer-Encoding: base64\n\nx",
            "A: multipart/digest\n\n--b\nContent-Transfer-Encoding: quoted-printable\n\nx",
        ] {
            assert!(altered(head).is_some(), "{head}");
        }
    }

    /// Looked at once more for each of them, the whole mail would take hours.
    #[test]
    fn many_encoded_parts_without_a_type_take_linear_time() {
        let head = "a: Content-Transfer-Encoding: x\n\n";
        assert_eq!(unsealed(head.repeat(300_000).as_bytes()), None);
        let copy = unsealed(format!("{}digest", head.repeat(300_000)).as_bytes()).unwrap();
        assert_eq!(copy.iter().filter(|b| **b == b'X').count(), 300_000);
    }

    #[test]
    fn parts_and_fields_are_bounded_and_text_is_not() {
        let code = |raw: String| bounded(raw.as_bytes()).1.map(|(code, _)| code);
        let head = "Content-Type: multipart/mixed;\n boundary=\"b\"\n\n";
        let part = "--b\n\nx\n";
        assert_eq!(code(format!("{head}{}", part.repeat(PARTS_MAX))), None);
        assert_eq!(code(format!("{head}{}", part.repeat(PARTS_MAX + 1))), Some("structure-bound"));
        assert_eq!(code(format!("{}\nx", "a:\n".repeat(FIELDS_MAX))), None);
        assert_eq!(code(format!("{}\nx", "a:\n".repeat(FIELDS_MAX + 1))), Some("structure-bound"));
        assert_eq!(code(format!("a: x{}\n\nx", ";a=b".repeat(FIELDS_MAX))), Some("structure-bound"));
        let enclosed = "Content-Type: message/rfc822\n\n";
        assert_eq!(code(format!("{enclosed}{}", "a:\n".repeat(FIELDS_MAX))), Some("structure-bound"));
        let log = "-- a: b; c: d\nMessage: x\n\n".repeat(FIELDS_MAX);
        assert_eq!(code(format!("{head}--b\n\n{log}")), None);
        assert_eq!(code(enclosed.repeat(NESTED_MAX)), None);
        assert_eq!(code(enclosed.repeat(NESTED_MAX + 1)), Some("nesting-bound"));
    }
}
