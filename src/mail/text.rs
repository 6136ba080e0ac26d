//! Text into spans: what is fresh, what is quoted, what is a signature.
//!
//! Knows how mail programs write quotes, in many languages; knows no mail around the text. Nothing is ever cut: the
//! spans joined are the text. Where in doubt a line is fresh, for a folded answer is worse than a shown quote.

mod footer;
pub(in crate::mail) mod history;
mod introduction;

use super::html::Mark;
use super::{Span, SpanKind};
use std::ops::Range;

/// The line that our own mails carry on top, in English, Spanish and Portuguese: what stands above it is the answer.
pub const REPLY_MARKERS: [&str; 3] = [
    "##- Please write your reply above this line -##",
    "##- Por favor, escriba su respuesta por encima de esta línea -##",
    "##- Por favor, escreva a sua resposta acima desta linha -##",
];

/// The fresh spans joined and trimmed.
pub fn fresh(spans: &[Span]) -> String {
    let text: String =
        spans.iter().filter(|span| span.kind == SpanKind::Fresh).map(|span| span.text.as_str()).collect();
    text.trim().to_owned()
}

/// Whether the first words are the head of a forwarded or older mail.
pub(super) fn begins_as_forward(spans: &[Span]) -> bool {
    let text: String = spans.iter().map(|span| span.text.as_str()).collect();
    let page = Page::of(&text);
    let first = page.lines.iter().position(|line| !line.is_blank());
    first.is_some_and(|first| history::begins(&page.lines, first))
}

/// Text with `\n` line ends and without control characters other than tabs. What other programs put between lines and
/// paragraphs ends a line as well: people see it as one.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Tells plain text apart.
pub(super) fn spans(text: &str) -> Vec<Span> {
    spans_of_html(text, &[])
}

/// Tells text apart that was HTML and brings the marks of the program that wrote it.
pub(super) fn spans_of_html(text: &str, marks: &[(Range<usize>, Mark)]) -> Vec<Span> {
    let mut page = Page::of(text);
    page.apply(marks);
    page.find_history();
    page.fold_rules();
    page.find_footers();
    page.fill_gaps();
    page.into_spans()
}

/// A line and what it was found to be.
struct Line<'a> {
    /// With its line end.
    whole: &'a str,
    /// Without the white space around it.
    text: &'a str,
    kind: SpanKind,
    start: usize,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Quoted by `>`; `>From ` is a fresh line that a mailbox file escaped.
    fn is_quoted(&self) -> bool {
        self.text.starts_with('>') && !self.whole.starts_with(">From ")
    }
}

struct Page<'a> {
    lines: Vec<Line<'a>>,
}

impl<'a> Page<'a> {
    fn of(text: &'a str) -> Self {
        let mut start = 0;
        let lines = text.split_inclusive('\n').map(|whole| {
            let line = Line { whole, text: whole.trim(), kind: SpanKind::Fresh, start };
            start += whole.len();
            line
        });
        Self { lines: lines.collect() }
    }

    fn apply(&mut self, marks: &[(Range<usize>, Mark)]) {
        for (range, mark) in marks {
            let kind = if *mark == Mark::Signature { SpanKind::Signature } else { SpanKind::Quote };
            let first = self.lines.partition_point(|line| line.start + line.whole.len() <= range.start);
            let last = self.lines.partition_point(|line| line.start < range.end);
            // Marks nest, and many may cover the same lines: a line once marked ends the work of the outer ones.
            for line in self.lines.get_mut(first..last).unwrap_or_default() {
                if line.kind == SpanKind::Fresh {
                    line.kind = kind;
                }
            }
        }
    }

    /// Quotes, with the lines that introduce them, from the top down.
    fn find_history(&mut self) {
        let mut at = 0;
        while let Some(line) = self.lines.get(at) {
            if line.is_quoted() {
                self.set(at..at + 1, SpanKind::Quote);
                at += 1;
            } else if line.is_blank() || line.kind != SpanKind::Fresh {
                at += 1;
            } else if self.is_wrap_of_quote(at) {
                self.set(at..at + 1, SpanKind::Quote);
                at += 1;
            } else if is_own_marker(line.text) {
                return self.rest_is_quote(self.start_of_unknown_introduction(at));
            } else if history::begins(&self.lines, at) {
                return self.rest_is_quote(self.start_of_rule(at));
            } else if let Some(found) = introduction::at(&self.lines, at) {
                let after = at + found.lines;
                let quoted =
                    self.lines.iter().skip(after).find(|line| !line.is_blank()).is_some_and(Line::is_quoted);
                let indented = self.end_of_indented(after);
                if !quoted && found.certain && indented == after {
                    return self.rest_is_quote(at);
                }
                if !quoted && found.certain {
                    self.set(at..indented, SpanKind::Quote);
                    at = indented;
                    continue;
                }
                if quoted {
                    self.set(at..after, SpanKind::Quote);
                    at = after;
                } else {
                    at += 1;
                }
            } else {
                at += 1;
            }
        }
    }

    /// The end of the run of lines from `from` on that are all set in by a tab, which is how the mail programs of the
    /// mailx family quote; `from` when there is none. What follows, not set in, is the answer.
    fn end_of_indented(&self, from: usize) -> usize {
        let lines = self.lines.get(from..).unwrap_or_default();
        let run = lines.iter().take_while(|line| line.is_blank() || line.whole.starts_with('\t'));
        let length = run.enumerate().filter(|(_, line)| !line.is_blank()).map(|(n, _)| n + 1).last();
        from + length.unwrap_or(0)
    }

    /// The end of a long quoted line that a client wrapped without a new `>`: it goes on in lower case, and a quote or
    /// a blank line follows.
    fn is_wrap_of_quote(&self, at: usize) -> bool {
        let above = at.checked_sub(1).and_then(|above| self.lines.get(above));
        let Some((above, line)) = above.zip(self.lines.get(at)) else { return false };
        above.is_quoted()
            && above.text.chars().count() >= 65
            && !above.text.ends_with(['.', '?', '!', ':'])
            && line.text.starts_with(char::is_lowercase)
            && self.lines.get(at + 1).is_none_or(|below| below.is_blank() || below.is_quoted())
    }

    fn set(&mut self, range: Range<usize>, kind: SpanKind) {
        for line in self.lines.get_mut(range).unwrap_or_default() {
            line.kind = kind;
        }
    }

    fn rest_is_quote(&mut self, from: usize) {
        self.set(from..self.lines.len(), SpanKind::Quote);
    }

    /// A line of dashes above a header block belongs to it.
    fn start_of_rule(&self, at: usize) -> usize {
        let above = self.lines.iter().take(at).rposition(|line| !line.is_blank());
        above
            .filter(|above| {
                at - above <= 3 && self.lines.get(*above).is_some_and(|line| footer::is_rule(line.text))
            })
            .unwrap_or(at)
    }

    /// A line of dashes right above a quote parts it from the answer, and is folded with it.
    fn fold_rules(&mut self) {
        let mut below = SpanKind::Fresh;
        for line in self.lines.iter_mut().rev().filter(|line| !line.is_blank()) {
            if below == SpanKind::Quote && line.kind == SpanKind::Fresh && footer::is_rule(line.text) {
                line.kind = SpanKind::Quote;
            }
            below = line.kind;
        }
    }

    /// Above our marker stands the line that introduces the quote, in whatever language: up to three lines that end
    /// in a colon.
    fn start_of_unknown_introduction(&self, at: usize) -> usize {
        let Some(last) = self.lines.iter().take(at).rposition(|line| !line.is_blank()) else { return at };
        if !self.lines.get(last).is_some_and(|line| line.text.ends_with([':', '：'])) {
            return at;
        }
        let first = self.lines.iter().take(last).rposition(Line::is_blank).map_or(0, |blank| blank + 1);
        if last - first < 3 { first } else { last }
    }

    fn find_footers(&mut self) {
        let mut at = 0;
        while at < self.lines.len() {
            let end = self.end_of_kind(at);
            if self.lines.get(at).is_some_and(|line| line.kind == SpanKind::Fresh)
                && let Some(from) =
                    footer::start(self.lines.get(at..end).unwrap_or_default(), end == self.lines.len())
            {
                self.set(at + from..end, SpanKind::Signature);
            }
            at = end;
        }
    }

    fn end_of_kind(&self, at: usize) -> usize {
        let Some(kind) = self.lines.get(at).map(|line| line.kind) else { return at + 1 };
        // A blank line does not end a run.
        self.lines
            .iter()
            .skip(at)
            .position(|line| line.kind != kind && !line.is_blank())
            .map_or(self.lines.len(), |length| at + length.max(1))
    }

    /// Blank lines belong to what stands around them, so that a quote is one span.
    fn fill_gaps(&mut self) {
        let mut above = None;
        for index in 0..self.lines.len() {
            let Some(line) = self.lines.get(index) else { break };
            if !line.is_blank() {
                above = Some((index, line.kind));
                continue;
            }
            let below = self.lines.get(index + 1).filter(|line| !line.is_blank());
            if let (Some((last, kind)), Some(below)) = (above, below)
                && below.kind == kind
            {
                self.set(last..index + 1, kind);
            }
        }
    }

    fn into_spans(self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for line in self.lines {
            match spans.last_mut() {
                Some(last) if last.kind == line.kind => last.text.push_str(line.whole),
                _ => spans.push(Span { kind: line.kind, text: line.whole.to_owned() }),
            }
        }
        spans
    }
}

fn is_own_marker(line: &str) -> bool {
    line.contains("##-") && line.contains("-##") && REPLY_MARKERS.iter().any(|marker| line.contains(marker))
}

#[cfg(test)]
mod tests;
