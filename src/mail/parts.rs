//! The MIME parts of a mail, on mail-parser: which are shown as text, which are attachments, and their bytes.
//!
//! Knows MIME (RFC 2045, 2046, 2183); knows nothing of senders or subjects. Guards the parser where it is known to
//! be weak: mail without headers, deep nesting, parts whose closing boundary is missing.

use super::header::{self, Headers};
use super::{Attachment, name, secret, structure, words};
use mail_parser::{Encoding, HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use std::borrow::Cow;
use std::sync::LazyLock;

static PARSER: LazyLock<MessageParser> =
    LazyLock::new(|| MessageParser::new().with_mime_headers().default_header_raw());

/// A mail taken apart.
pub(super) struct Parts<'x> {
    /// What was parsed: the raw mail without what stands before its headers.
    pub(super) raw: &'x [u8],
    message: Option<Message<'x>>,
    /// The bound behind which the mail is not read, where it was reached: code and detail of the oddity.
    pub(super) cut: Option<(&'static str, &'static str)>,
}

/// Mails nest in each other: dropped one inside the other they would exhaust the stack, and a stack's end is no panic
/// that can be caught. (The bound on nesting counts mentions; who knows how else nesting may be written.)
impl Drop for Parts<'_> {
    fn drop(&mut self) {
        let mut waiting: Vec<Message<'_>> = self.message.take().into_iter().collect();
        while let Some(message) = waiting.pop() {
            waiting.extend(message.parts.into_iter().filter_map(|part| match part.body {
                PartType::Message(nested) => Some(nested),
                _ => None,
            }));
        }
    }
}

impl<'x> Parts<'x> {
    /// Takes `raw` apart.
    pub(super) fn of(raw: &'x [u8]) -> Self {
        let (raw, cut) = structure::bounded(skip_preamble(raw));
        let message = match structure::unsealed(raw) {
            _ if !begins_with_header(raw) => None,
            None => PARSER.parse(raw),
            Some(copy) => PARSER.parse(&copy).map(Message::into_owned),
        };
        Self { raw, message, cut }
    }

    /// There was no header section: everything is text.
    pub(super) fn headless(&self) -> bool {
        self.message.is_none()
    }

    /// All parts of the outermost mail; those of nested mails are inside them.
    pub(super) fn all(&self) -> &[MessagePart<'x>] {
        self.message.as_ref().map_or(&[], |message| message.parts.as_slice())
    }

    /// The first part: the mail itself.
    pub(super) fn root(&self) -> Option<&MessagePart<'x>> {
        self.all().first()
    }

    /// The header section of the mail.
    pub(super) fn headers(&self, max: usize) -> Headers {
        self.root().map_or(Headers::default(), |root| self.part_headers(root, max))
    }

    /// The header section of a part.
    fn part_headers<'a>(&'a self, part: &'a MessagePart<'_>, max: usize) -> Headers {
        let declared = |part: &'a MessagePart<'_>| part.content_type().and_then(|c| c.attribute("charset"));
        let charset = declared(part).or_else(|| self.all().iter().take(10).find_map(declared));
        Headers::of_parsed(self.raw, &part.headers, max, charset)
    }

    /// The body as it came, for the content key.
    pub(super) fn raw_body(&self) -> &'x [u8] {
        match self.root() {
            Some(root) => {
                usize::try_from(root.offset_body).ok().and_then(|at| self.raw.get(at..)).unwrap_or_default()
            }
            None => self.raw,
        }
    }

    /// Positions of the parts that are read as text, and of the HTML parts among the alternatives, within the first
    /// `max` parts.
    pub(super) fn shown(&self, max: usize) -> (Vec<usize>, Vec<usize>) {
        let Some(message) = &self.message else { return (Vec::new(), Vec::new()) };
        let textual = |ids: &[u32]| -> Vec<usize> {
            ids.iter()
                .filter_map(|id| usize::try_from(*id).ok())
                .filter(|id| *id < max && message.parts.get(*id).is_some_and(is_textual))
                .collect()
        };
        let (text, html) = (textual(&message.text_body), textual(&message.html_body));
        if text.is_empty() && html.is_empty() {
            // A cut-off multipart: the parser files its text among the attachments.
            let rescued = message.parts.iter().take(max).position(|part| {
                // A multipart without its boundary is one text.
                let whole =
                    !part.is_multipart() && part.content_type().is_some_and(|c| c.ctype() == "multipart");
                (is_textual(part) || whole) && !is_named(part)
            });
            return (rescued.into_iter().collect(), Vec::new());
        }
        (text, html)
    }

    /// Of a mail that has no body at all: what follows the first line that is no header field and continues none, or
    /// that is blank but for white space. (RFC 5322 2.1 wants an empty line.)
    pub(super) fn text_among_headers(&self) -> &'x [u8] {
        let alone = self.all().len() == 1 && self.raw_body().trim_ascii().is_empty();
        let mut at = 0;
        for line in self.raw.split_inclusive(|b| *b == b'\n').filter(|_| alone) {
            let blank = line.trim_ascii().is_empty();
            if blank || !(line.starts_with(b" ") || line.starts_with(b"\t") || is_field(line)) {
                return self.raw.get(at..).unwrap_or_default();
            }
            at += line.len();
        }
        &[]
    }

    /// The text of the first enclosed mail, with who wrote it and what it is called.
    pub(super) fn enclosed_text(&self, max: usize) -> String {
        let Some(mail) = self.all().iter().take(max).find_map(|part| part.message()) else {
            return String::new();
        };
        let mut text = String::new();
        for (label, name) in
            [("From", HeaderName::From), ("Date", HeaderName::Date), ("Subject", HeaderName::Subject)]
        {
            let fields = mail.parts.first().map_or(&[][..], |root| root.headers.as_slice());
            let value =
                fields.iter().find(|field| field.name == name).and_then(|field| field.value.as_text());
            if let Some(value) = value {
                text.push_str(&format!("{label}: {}\n", header::one_line(value)));
            }
        }
        for part in mail.text_body.iter().filter_map(|id| mail.parts.get(usize::try_from(*id).ok()?)).take(20)
        {
            text.push('\n');
            match &part.body {
                PartType::Text(plain) => text.push_str(plain),
                PartType::Html(html) => text.push_str(&super::html::to_text(html, 256 * 1024).text),
                _ => {}
            }
        }
        text
    }

    /// The attachments within the first `max` parts, apart from those in `shown`; a text file that is shown because it
    /// came inline is an attachment all the same.
    pub(super) fn attachments(&self, shown: &[usize], max: usize, html: Option<&str>) -> Vec<Attachment> {
        let Some(message) = &self.message else { return Vec::new() };
        message
            .attachments
            .iter()
            .filter_map(|id| usize::try_from(*id).ok())
            .chain(shown.iter().copied().filter(|id| message.parts.get(*id).is_some_and(has_filename)))
            .filter(|id| {
                *id < max && (!shown.contains(id) || message.parts.get(*id).is_some_and(has_filename))
            })
            .collect::<std::collections::BTreeSet<usize>>()
            .into_iter()
            .filter_map(|id| Some(self.attachment(id, message.parts.get(id)?, html)))
            .collect()
    }

    fn attachment(&self, id: usize, part: &MessagePart<'_>, html: Option<&str>) -> Attachment {
        let content_type = media_type(part);
        let content_id = part.content_id().unwrap_or("").to_owned();
        let inline =
            !content_id.is_empty() && html.is_some_and(|html| html.contains(&format!("cid:{content_id}")));
        let bytes = self.bytes(part);
        Attachment {
            part: id,
            name: self.name(part, &content_type),
            content_type,
            size: bytes.len(),
            content_id,
            inline,
            holds_token: secret::holds_token(&bytes),
        }
    }

    /// The name a part asks for, else one made for it.
    fn name(&self, part: &MessagePart<'_>, content_type: &str) -> String {
        let wanted = self
            .parameter(part, &HeaderName::ContentDisposition, "filename")
            .or_else(|| self.parameter(part, &HeaderName::ContentType, "name"))
            .or_else(|| part.message().map(|nested| nested_name(nested)));
        name::safe(&wanted.unwrap_or_default(), name::for_type(content_type))
    }

    fn parameter(&self, part: &MessagePart<'_>, header: &HeaderName<'_>, name: &str) -> Option<String> {
        let found = part.headers.iter().find(|h| &h.name == header)?;
        let bytes = header::slice(self.raw, found.offset_start, found.offset_end);
        let text = words::characters(bytes, None).replace(['\r', '\n'], "");
        words::parameter(&text, name).filter(|value| !value.trim().is_empty())
    }

    /// A part's bytes without their transfer encoding.
    pub(super) fn bytes<'a>(&'a self, part: &'a MessagePart<'_>) -> Cow<'a, [u8]> {
        match &part.body {
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) if !part.is_encoding_problem => {
                Cow::Borrowed(bytes)
            }
            PartType::Message(nested) if part.encoding != Encoding::None => {
                Cow::Borrowed(&nested.raw_message)
            }
            PartType::Message(_) => Cow::Borrowed(header::slice(self.raw, part.offset_body, part.offset_end)),
            _ => self.undo_transfer_encoding(part),
        }
    }

    /// Where the encoded bytes of a part begin in `raw`, of which these are the parts. A guess: a mail that had to be
    /// mended before it was parsed has other places.
    pub(super) fn place_in(&self, raw: &[u8], part: &MessagePart<'_>) -> usize {
        let skipped = self.raw.as_ptr().addr().saturating_sub(raw.as_ptr().addr());
        let begin = skipped.saturating_add(usize::try_from(part.offset_body).unwrap_or(raw.len()));
        let blank =
            raw.get(begin..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count();
        begin.saturating_add(blank)
    }

    fn undo_transfer_encoding(&self, part: &MessagePart<'_>) -> Cow<'x, [u8]> {
        let bytes = header::slice(self.raw, part.offset_body, part.offset_end);
        match part.content_transfer_encoding().map(|e| e.trim().to_ascii_lowercase()).as_deref() {
            Some("base64") => words::base64(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned),
            Some("quoted-printable") => Cow::Owned(words::quoted_printable(bytes)),
            _ => Cow::Borrowed(bytes),
        }
    }

    /// A textual part in characters. What the parser could not decode is decoded again, more forgivingly.
    pub(super) fn text<'a>(&'a self, part: &'a MessagePart<'_>) -> Cow<'a, str> {
        if let Some(bytes) = self.partly_encoded(part) {
            return Cow::Owned(words::in_charset(&bytes, charset_of(part)));
        }
        match &part.body {
            PartType::Text(text) | PartType::Html(text)
                if !part.is_encoding_problem && !text.contains('\u{fffd}') =>
            {
                Cow::Borrowed(text)
            }
            _ => Cow::Owned(words::in_charset(&self.bytes(part), charset_of(part))),
        }
    }

    /// Text that calls itself base64 and is plain, or is from some line on: programs append footers without a look at the
    /// encoding, and some name one and do not use it. `None` for all other text.
    fn partly_encoded(&self, part: &MessagePart<'_>) -> Option<Vec<u8>> {
        let encoding = part.content_transfer_encoding()?;
        if !encoding.trim().eq_ignore_ascii_case("base64") {
            return None;
        }
        let bytes = header::slice(self.raw, part.offset_body, part.offset_end);
        let (encoded, plain) = words::split_base64(bytes)?;
        let mut text = words::base64(encoded).unwrap_or_default();
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(plain);
        Some(text)
    }
}

fn charset_of<'a>(part: &'a MessagePart<'_>) -> &'a str {
    part.content_type().and_then(|c| c.attribute("charset")).unwrap_or("utf-8")
}

/// Text for people: plain or HTML, not offered for saving.
fn is_textual(part: &MessagePart<'_>) -> bool {
    let plain = part.content_type().is_none_or(|c| {
        c.ctype() == "text" && matches!(c.subtype(), None | Some("plain" | "html" | "enriched"))
    });
    plain && matches!(part.body, PartType::Text(_) | PartType::Html(_))
        || is_html(part) && matches!(part.body, PartType::Text(_) | PartType::Html(_))
}

fn has_filename(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|d| d.has_attribute("filename"))
}

fn is_named(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|d| d.is_attachment())
}

/// Whether a part is HTML by its own word.
pub(super) fn is_html(part: &MessagePart<'_>) -> bool {
    part.is_content_type("text", "html")
}

/// The media type of a part, lower-case.
pub(super) fn media_type(part: &MessagePart<'_>) -> String {
    let declared = part.content_type().map(|c| (c.ctype(), c.subtype().unwrap_or("")));
    match declared {
        Some((kind, sub)) if !kind.is_empty() && !sub.is_empty() => {
            structure::plain_type(format!("{kind}/{sub}").to_ascii_lowercase())
        }
        None if part.is_message() => "message/rfc822".to_owned(),
        None if part.is_text() => "text/plain".to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// A nested mail is named after its subject.
fn nested_name(nested: &Message<'_>) -> String {
    let subject = nested.parts.first().and_then(|root| {
        let found = root.headers.iter().find(|h| h.name == HeaderName::Subject)?;
        found.value.as_text().map(header::one_line)
    });
    match subject {
        Some(subject) if !subject.is_empty() => {
            let short: String = subject.replace(['/', '\\'], "_").chars().take(100).collect();
            format!("{short}.eml")
        }
        _ => String::new(),
    }
}

/// Without a byte order mark, blank lines and an mbox `From ` line.
fn skip_preamble(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let raw = raw.trim_ascii_start();
    let from_line = raw.strip_prefix(b">").unwrap_or(raw).starts_with(b"From ");
    match raw.iter().position(|b| *b == b'\n') {
        // `From : <ann@x.example>` is a field, written as of old (RFC 5322 4.5).
        Some(end)
            if from_line
                && !is_field(raw.get(..end).unwrap_or_default())
                && begins_with_header(raw.get(end + 1..).unwrap_or_default()) =>
        {
            raw.get(end + 1..).unwrap_or_default()
        }
        _ => raw,
    }
}

/// Whether the first line, or one of the next few, is a header field (RFC 5322 2.2): a name of printable characters
/// without space, then a colon.
fn begins_with_header(raw: &[u8]) -> bool {
    raw.split(|b| *b == b'\n').take(3).take_while(|line| !line.trim_ascii().is_empty()).any(is_field)
}

fn is_field(line: &[u8]) -> bool {
    let Some(end) = line.iter().position(|b| *b == b':') else { return false };
    let name = line.get(..end).unwrap_or_default().trim_ascii_end();
    !name.is_empty() && name.len() <= 100 && name.iter().all(u8::is_ascii_graphic)
}
