//! The body of a mail: text and HTML as alternatives, files beside them (RFC 2045, 2046).
//!
//! Deterministic: boundaries are a hash of the content, so that equal content gives equal bytes for every recipient.

use crate::mail::spliced::Spliced;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::header::{
    ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Body, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

/// A file that goes with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Its name; cleaned of line breaks and paths here.
    pub name: &'a str,
    /// Its media type, `application/pdf`.
    pub content_type: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its `Content-ID` without brackets, or empty.
    pub content_id: &'a str,
    /// It was shown inside the mail it came with.
    pub inline: bool,
}

/// A file as it stands in a mail. Made once a file, outside the writing thread, however many mails carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file's name, as it came.
    pub name: String,
    /// The media type, lower-case.
    pub content_type: String,
    /// Header fields and base64, ended by CRLF.
    bytes: Spliced,
    /// Over name, type, size, and the ends of the content.
    digest: [u8; 32],
}

impl Part {
    /// Encodes a file.
    pub fn of(file: &File<'_>) -> Self {
        Self::with(file, file_part(file, base64_body(file.bytes)).formatted().into())
    }

    /// A file that stands in `raw` at `offset`, if it stands there as it would be encoded here: then it is not encoded,
    /// and mails that carry it take it from there.
    pub fn taken(file: &File<'_>, raw: &[u8], offset: usize) -> Option<Self> {
        let len =
            encoded_there(file.bytes, raw.get(offset..)?).filter(|_| file.bytes.len() >= TAKEN_MIN_BYTES)?;
        let empty = Body::dangerous_pre_encoded(Vec::new(), ContentTransferEncoding::Base64);
        let mut bytes = Spliced::default();
        bytes.add(file_part(file, empty).formatted().strip_suffix(b"\r\n")?);
        bytes.take(offset, len);
        bytes.add(b"\r\n");
        Some(Self::with(file, bytes))
    }

    fn with(file: &File<'_>, bytes: Spliced) -> Self {
        // Not over all of the bytes: encoded, they hold no boundary, whose hyphens are no base64.
        let (size, ends) = (file.bytes.len(), file.bytes.len().min(HASHED_BYTES));
        let (first, last) = (file.bytes.get(..ends), file.bytes.get(size - ends..));
        let digest = digest([
            file.name.as_bytes(),
            file.content_type.as_bytes(),
            &size.to_be_bytes(),
            first.unwrap_or_default(),
            last.unwrap_or_default(),
        ]);
        let (name, content_type) = (file.name.to_owned(), file.content_type.to_owned());
        Self { name, content_type, bytes, digest }
    }
}

/// A body and the header fields that describe it.
pub(super) struct Content {
    /// `Content-Type` and its like, each ended by CRLF.
    pub(super) fields: Vec<u8>,
    /// The body, ended by CRLF.
    pub(super) body: Spliced,
}

/// A smaller file is encoded: taking it from elsewhere would save nothing.
const TAKEN_MIN_BYTES: usize = 4096;

/// Bytes at either end of a file that tell it from others.
const HASHED_BYTES: usize = 1024;

/// Base64 in a line, as all the world writes it (RFC 2045 6.8 allows 76 characters), and the bytes in them.
const LINE_CHARS: usize = 76;
const LINE_BYTES: usize = LINE_CHARS / 4 * 3;

/// Longest line of text that goes out as it is (RFC 5322 2.1.1 allows 998).
const LINE_MAX_BYTES: usize = 900;

/// Puts the parts together.
pub(super) fn content(text: &str, html: &str, files: &[Part]) -> Content {
    let hash = boundary_hash(text, html, files);
    let alternative = MultiPart::alternative()
        .boundary(format!("pd-a-{hash}"))
        .singlepart(text_part(text, "text/plain; charset=utf-8"))
        .singlepart(text_part(html, "text/html; charset=utf-8"))
        .formatted();
    if files.is_empty() {
        return split(alternative);
    }
    let boundary = format!("pd-m-{hash}");
    let fields = split(MultiPart::mixed().boundary(boundary.as_str()).build().formatted()).fields;
    // By hand: the builder would copy each file several times over.
    let mut body = Spliced::default();
    for part in std::iter::once(&Spliced::from(alternative)).chain(files.iter().map(|file| &file.bytes)) {
        body.add(format!("--{boundary}\r\n").as_bytes());
        body.append(part);
    }
    body.add(format!("--{boundary}--\r\n").as_bytes());
    Content { fields, body }
}

/// 96 bits over everything.
fn boundary_hash(text: &str, html: &str, files: &[Part]) -> String {
    let parts =
        [text.as_bytes(), html.as_bytes()].into_iter().chain(files.iter().map(|file| &file.digest[..]));
    digest(parts).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// A hash over parts, each behind its length.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Takes the builder's output apart at the empty line behind its head.
fn split(formatted: Vec<u8>) -> Content {
    let end = formatted.windows(4).position(|w| w == b"\r\n\r\n").map_or(formatted.len(), |at| at + 2);
    let mut fields = formatted;
    let rest = fields.split_off(end);
    Content { fields, body: rest.get(2..).unwrap_or_default().to_vec().into() }
}

fn media_type(text: &str) -> ContentType {
    ContentType::parse(text).unwrap_or(ContentType::TEXT_PLAIN)
}

/// Text with CRLF line ends; quoted-printable unless it is short-lined ASCII.
fn text_part(text: &str, content_type: &str) -> SinglePart {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).collect();
    let plain = |b: u8| matches!(b, b'\t' | b' '..=b'~');
    // A line that begins with "From " is changed by mailbox formats on the way (RFC 4155 A).
    let is_plain = lines
        .iter()
        .all(|line| line.len() <= LINE_MAX_BYTES && line.bytes().all(plain) && !line.starts_with("From "));
    let bytes = lines.join("\r\n").into_bytes();
    let body = if is_plain {
        Body::dangerous_pre_encoded(bytes, ContentTransferEncoding::SevenBit)
    } else {
        let encoded = Body::new_with_encoding(bytes, ContentTransferEncoding::QuotedPrintable);
        encoded.unwrap_or_else(|bytes| base64_body(&bytes))
    };
    SinglePart::builder().header(media_type(content_type)).body(body)
}

fn base64_body(bytes: &[u8]) -> Body {
    let text = STANDARD.encode(bytes);
    let mut out = Vec::with_capacity(text.len() + text.len() / 36);
    for (index, line) in text.as_bytes().chunks(LINE_CHARS).enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(line);
    }
    Body::dangerous_pre_encoded(out, ContentTransferEncoding::Base64)
}

/// The length of [`base64_body`] of `bytes`, if `there` begins with it.
fn encoded_there(bytes: &[u8], there: &[u8]) -> Option<usize> {
    let (mut line, mut rest) = ([0; LINE_CHARS], there);
    for (index, chunk) in bytes.chunks(LINE_BYTES).enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b"\r\n")?;
        }
        let chars = STANDARD.encode_slice(chunk, &mut line).ok()?;
        rest = rest.strip_prefix(line.get(..chars)?)?;
    }
    Some(there.len() - rest.len())
}

fn file_part(file: &File<'_>, body: Body) -> SinglePart {
    let name = safe_name(file);
    let disposition = if file.inline && file.content_type.starts_with("image/") {
        ContentDisposition::inline_with_name(&name)
    } else {
        ContentDisposition::attachment(&name)
    };
    let mut part = SinglePart::builder().header(media_type(&safe_type(file))).header(disposition);
    if let Some(id) = crate::mail::ids::MessageId::parse(file.content_id).filter(|id| id.as_str().is_ascii())
    {
        part = part.header(ContentId(id.to_string()));
    }
    part.body(body)
}

/// A name without path or control characters, never empty. A mail goes out as a file named `.eml`: base64 is not
/// allowed for `message/rfc822` (RFC 2046 5.2.1), and its 8-bit lines may not survive as they are.
fn safe_name(file: &File<'_>) -> String {
    let name = crate::address::clean_name(file.name).replace(['/', '\\', '"'], "_");
    let name = if name.is_empty() { "file".to_owned() } else { name };
    let is_mail = file.content_type.starts_with("message/");
    if is_mail && !name.to_lowercase().ends_with(".eml") { format!("{name}.eml") } else { name }
}

/// `type/subtype` of harmless letters; text that is UTF-8 says so; composite types become plain bytes.
fn safe_type(file: &File<'_>) -> String {
    let essence = file.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |s: &str| {
        !s.is_empty()
            && s.len() <= 100
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match essence.split_once('/') {
        Some(("message" | "multipart", _)) => "application/octet-stream".to_owned(),
        Some((top, sub)) if token(top) && token(sub) => {
            let utf8 = top == "text" && std::str::from_utf8(file.bytes).is_ok();
            if utf8 { format!("{essence}; charset=utf-8") } else { essence }
        }
        _ => "application/octet-stream".to_owned(),
    }
}

/// `Content-ID`, which the builder's own type would not check.
#[derive(Clone)]
struct ContentId(String);

impl lettre::message::header::Header for ContentId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-ID")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: [u8; 6000] = [b'x'; 6000];

    fn file(name: &str, size: usize) -> File<'_> {
        let bytes = CONTENT.get(..size).unwrap();
        File { name, content_type: "application/pdf", bytes, content_id: "", inline: false }
    }

    #[test]
    fn what_is_put_together_by_hand_is_what_the_builder_makes() {
        let files = [file("uno.pdf", 0), file("dos.pdf", 57), file("tres.pdf", 5000)];
        let parts: Vec<Part> = files.iter().map(Part::of).collect();
        let made = content("hola\n", "<p>hola</p>", &parts);
        let hash = boundary_hash("hola\n", "<p>hola</p>", &parts);
        let alternative = MultiPart::alternative()
            .boundary(format!("pd-a-{hash}"))
            .singlepart(text_part("hola\n", "text/plain; charset=utf-8"))
            .singlepart(text_part("<p>hola</p>", "text/html; charset=utf-8"));
        let mixed = MultiPart::mixed().boundary(format!("pd-m-{hash}")).multipart(alternative);
        let part = |file: &File<'_>| file_part(file, base64_body(file.bytes));
        let built = split(files.iter().fold(mixed, |mixed, file| mixed.singlepart(part(file))).formatted());
        assert_eq!(made.fields, built.fields);
        assert_eq!(made.body.whole(b"").unwrap(), built.body.whole(b"").unwrap());
    }

    #[test]
    fn a_file_is_taken_only_where_it_stands_as_it_would_be_encoded() {
        let encoded: Vec<u8> = STANDARD
            .encode(CONTENT)
            .as_bytes()
            .chunks(LINE_CHARS)
            .flat_map(|line| [line, b"\r\n"].concat())
            .collect();
        let raw = [b"head\r\n\r\n".as_slice(), &encoded, b"--end"].concat();
        for size in [TAKEN_MIN_BYTES, LINE_BYTES * 80, CONTENT.len()] {
            let file = file("uno.pdf", size);
            let same = Part::taken(&file, &raw, 8);
            // A shorter file ends in the middle of a line, or of four letters.
            let ends_there = size % LINE_BYTES == 0 || size == CONTENT.len() || size % 3 == 0;
            assert_eq!(same.is_some(), ends_there, "{size}");
            if let Some(same) = same {
                assert!(same.bytes.own().len() < 300);
                assert_eq!(same.bytes.whole(&raw).unwrap(), Part::of(&file).bytes.whole(b"").unwrap());
                assert_eq!(same.digest, Part::of(&file).digest);
            }
        }
        assert_eq!(Part::taken(&file("uno.pdf", 6000), &raw, 9), None);
        assert_eq!(Part::taken(&file("uno.pdf", 6000), &raw, 80_000), None);
        assert_eq!(Part::taken(&file("uno.pdf", TAKEN_MIN_BYTES - 1), &raw, 8), None);
        let other_lines = raw.iter().copied().filter(|b| *b != b'\r').collect::<Vec<_>>();
        assert_eq!(Part::taken(&file("uno.pdf", 6000), &other_lines, 6), None);
    }
}
