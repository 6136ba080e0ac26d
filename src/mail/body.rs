//! The text a person reads, out of the parts that are shown: joined, unflowed (RFC 3676), HTML turned into text.
//!
//! Knows parts and text; what is quoted and what is fresh is told apart in `text`.

use super::parts::{self, Parts};
use super::{Limits, Oddity, Span, html, text};
use mail_parser::{MessagePart, MimeHeaders};
use std::borrow::Cow;

/// What is shown of a mail.
#[derive(Default)]
pub(super) struct Body {
    pub(super) spans: Vec<Span>,
    pub(super) html: Option<String>,
    /// Positions of the parts it was made of.
    pub(super) used: Vec<usize>,
    pub(super) oddities: Vec<Oddity>,
}

/// Reads the body.
pub(super) fn read(parts: &Parts<'_>, limits: &Limits) -> Body {
    let mut body = Body::default();
    if parts.headless() {
        let text = super::words::characters(parts.raw, None);
        body.push_plain(&text, limits);
        return body;
    }
    let (text, html) = parts.shown(limits.parts_max);
    body.html = html.iter().filter_map(|id| parts.all().get(*id)).find(|part| parts::is_html(part)).and_then(
        |part| {
            let html = parts.text(part);
            (html.len() <= limits.html_max_bytes).then(|| html.into_owned())
        },
    );
    body.used = text.iter().chain(&html).copied().collect();
    body.push_parts(parts, &text, limits);
    if body.is_blank() {
        let spare = html.into_iter().filter(|id| !text.contains(id)).collect::<Vec<_>>();
        body.push_parts(parts, &spare, limits);
    }
    if body.is_blank() {
        body.push_rescued(parts, limits);
    }
    body
}

impl Body {
    fn is_blank(&self) -> bool {
        self.spans.iter().all(|span| span.text.trim().is_empty())
    }

    /// Text of a mail that shows none: what stands where only headers should, else that of the mail it encloses.
    fn push_rescued(&mut self, parts: &Parts<'_>, limits: &Limits) {
        let stray = parts.text_among_headers();
        if !stray.trim_ascii().is_empty() {
            self.oddities.push(Oddity::new("no-blank-line", "the headers run into the text"));
            return self.push_plain(&super::words::characters(stray, None), limits);
        }
        let enclosed = parts.enclosed_text(limits.parts_max);
        let kept = self.room(&text::clean(&enclosed), limits).to_owned();
        if !kept.trim().is_empty() {
            self.push(vec![Span { kind: super::SpanKind::Quote, text: kept }]);
        }
    }

    fn push_parts(&mut self, parts: &Parts<'_>, ids: &[usize], limits: &Limits) {
        for part in ids.iter().filter_map(|id| parts.all().get(*id)) {
            let content = parts.text(part);
            if parts::is_html(part) {
                self.push_html(&content, limits);
            } else {
                self.push_plain(&unflow(part, &content), limits);
            }
        }
    }

    fn push_html(&mut self, html: &str, limits: &Limits) {
        let found = html::to_text(html, limits.html_max_bytes);
        if found.cut {
            self.oddities.push(Oddity::new("html-bound", "the HTML is longer than is read"));
        }
        let kept = self.room(&found.text, limits);
        let spans = text::spans_of_html(kept, &found.marks);
        self.push(spans);
    }

    fn push_plain(&mut self, plain: &str, limits: &Limits) {
        let clean = text::clean(plain);
        let kept = self.room(&clean, limits);
        let spans = text::spans(kept);
        self.push(spans);
    }

    /// As much of `text` as still fits.
    fn room<'a>(&mut self, text: &'a str, limits: &Limits) -> &'a str {
        let taken: usize = self.spans.iter().map(|span| span.text.len()).sum();
        let left = limits.text_max_bytes.saturating_sub(taken);
        if text.len() <= left {
            return text;
        }
        self.oddities.push(Oddity::new("text-bound", "the text is longer than is kept"));
        text.get(..text.floor_char_boundary(left)).unwrap_or("")
    }

    fn push(&mut self, spans: Vec<Span>) {
        if let (Some(last), false) = (self.spans.last_mut(), spans.is_empty())
            && !last.text.ends_with('\n')
        {
            last.text.push('\n');
        }
        for span in spans {
            match self.spans.last_mut() {
                Some(last) if last.kind == span.kind => last.text.push_str(&span.text),
                _ => self.spans.push(span),
            }
        }
    }
}

/// Joins the lines that `format=flowed` broke (RFC 3676 4).
fn unflow<'a>(part: &MessagePart<'_>, content: &'a str) -> Cow<'a, str> {
    let attribute = |name| part.content_type().and_then(|c| c.attribute(name)).map(str::to_ascii_lowercase);
    if attribute("format").as_deref() != Some("flowed") {
        return Cow::Borrowed(content);
    }
    Cow::Owned(flowed(content, attribute("delsp").as_deref() == Some("yes")))
}

fn flowed(content: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(content.len());
    let mut open: Option<usize> = None;
    for line in content.lines() {
        let unquoted = line.trim_start_matches('>');
        let depth = line.len() - unquoted.len();
        let stuffed = unquoted.strip_prefix(' ').unwrap_or(unquoted);
        let signature = stuffed == "-- ";
        if open != Some(depth) || signature {
            if open.is_some() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 && !stuffed.is_empty() {
                out.push(' ');
            }
        }
        let flows = stuffed.ends_with(' ') && !signature;
        out.push_str(if flows && delete_space {
            stuffed.strip_suffix(' ').unwrap_or(stuffed)
        } else {
            stuffed
        });
        open = flows.then_some(depth);
        if !flows {
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_lines_are_joined_within_their_depth() {
        for (content, text) in [
            ("a \nb\n", "a b\n"),
            ("a \n> b\nc\n", "a \n> b\nc\n"),
            ("> a \n> b\n>> c\n", "> a b\n>> c\n"),
            ("a\n-- \nAnn\n", "a\n-- \nAnn\n"),
            ("a \n-- \nAnn\n", "a \n-- \nAnn\n"),
            (" From here\n", "From here\n"),
            ("> \n>\n", "> \n>\n"),
        ] {
            assert_eq!(
                flowed(content, false).replace(">\n", "> \n"),
                text.replace(">\n", "> \n"),
                "{content:?}"
            );
        }
        assert_eq!(flowed("日 \n本\n", true), "日本\n");
    }
}
