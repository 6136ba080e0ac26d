//! What the viewer sees: narration, a card for each mail, checks. Colours only on a terminal. Knows no story.

use super::server::Submitted;
use crate::address::Person;
use crate::admin::output::{line, safe};
use crate::mail::text::REPLY_MARKERS;
use crate::mail::{LIMITS, Mail, SpanKind, read};
use std::io::IsTerminal;

/// Lines of a mail's text on its card.
const LINES_MAX: usize = 11;
/// Characters of a line on a card.
const WIDTH_MAX: usize = 96;
/// Characters of an address or an id on a card.
const ID_MAX: usize = 44;

/// Where it is printed.
pub(super) struct Paper {
    colours: bool,
    acts: usize,
}

impl Paper {
    /// Standard output; colours where it is a terminal and nobody objects (no-color.org).
    pub(super) fn new() -> Self {
        let objected = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: std::io::stdout().is_terminal() && !objected, acts: 0 }
    }

    fn dyed(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A line as it is.
    pub(super) fn say(&self, text: &str) -> anyhow::Result<()> {
        line(text)
    }

    /// The heading of the next act.
    pub(super) fn act(&mut self, text: &str) -> anyhow::Result<()> {
        self.acts = self.acts.saturating_add(1);
        line(&format!("\n{}", self.dyed("1", &format!("{}. {text}", self.acts))))
    }

    /// A heading without a number.
    pub(super) fn heading(&self, text: &str) -> anyhow::Result<()> {
        line(&format!("\n{}", self.dyed("1", text)))
    }

    /// A claim, and whether it holds.
    pub(super) fn check(&self, claim: &str, holds: bool) -> anyhow::Result<()> {
        let mark = if holds { self.dyed("32", "ok   ") } else { self.dyed("1;31", "WRONG") };
        line(&format!("  {mark} {claim}"))
    }

    /// A mail that passes, `ours` when the desk sends it.
    pub(super) fn card(&self, passing: &Submitted, ours: bool) -> anyhow::Result<()> {
        let mail = read(&passing.raw, &LIMITS);
        let edge = self.dyed("2", "│");
        let way = format!("{} → {}", author(&mail), short(&passing.to));
        line(&format!(
            "{} {}",
            self.dyed("2", "┌"),
            self.dyed(if ours { "1;36" } else { "1;33" }, &safe(&way))
        ))?;
        for (name, value) in head(&mail, &passing.raw) {
            line(&format!("{edge} {} {}", self.dyed("2", &format!("{name}:")), cut(&safe(&value))))?;
        }
        for text in body(&mail, ours) {
            line(format!("{edge}   {}", safe(&text)).trim_end())?;
        }
        line(&self.dyed("2", "└"))
    }
}

/// What is worth seeing of the headers.
fn head(mail: &Mail, raw: &[u8]) -> Vec<(&'static str, String)> {
    let mut rows = vec![("Subject", mail.subject.clone())];
    if let Some(id) = mail.in_reply_to.first() {
        rows.push(("In-Reply-To", short(&id.to_string())));
    }
    if let Some(value) = header(raw, "Auto-Submitted") {
        rows.push(("Auto-Submitted", value));
    }
    for file in &mail.attachments {
        rows.push(("Attachment", format!("{} ({} bytes)", file.name, file.size)));
    }
    rows
}

/// The first lines of the text; of people's mail without what they quote, of ours without the line that marks where an
/// answer begins.
fn body(mail: &Mail, ours: bool) -> Vec<String> {
    let folded = |kind| kind == SpanKind::Quote && !ours;
    let quoted: usize =
        mail.body.iter().filter(|span| folded(span.kind)).map(|span| span.text.lines().count()).sum();
    let text: String =
        mail.body.iter().filter(|span| !folded(span.kind)).map(|span| span.text.as_str()).collect();
    let mut lines: Vec<String> =
        text.trim().lines().skip(usize::from(ours && begins_with_marker(&text))).flat_map(wrapped).collect();
    lines.dedup_by(|a, b| a.trim().is_empty() && b.trim().is_empty());
    let skipped = lines.iter().take_while(|line| line.trim().is_empty()).count();
    lines.drain(..skipped);
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    match (more, quoted) {
        (0, 0) => {}
        (0, quoted) => lines.push(format!("[… {quoted} quoted lines]")),
        (more, 0) => lines.push(format!("[… {more} more lines]")),
        (more, quoted) => lines.push(format!("[… {more} more lines, {quoted} quoted]")),
    }
    lines
}

fn begins_with_marker(text: &str) -> bool {
    REPLY_MARKERS.iter().any(|marker| text.trim_start().starts_with(marker))
}

/// A line broken between words where it is too long for a card.
fn wrapped(text: &str) -> Vec<String> {
    let (mut lines, mut last) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if !last.is_empty() && last.chars().count().saturating_add(word.chars().count()) >= WIDTH_MAX {
            lines.push(std::mem::take(&mut last));
        }
        if !last.is_empty() {
            last.push(' ');
        }
        last.push_str(word);
    }
    lines.push(last);
    lines
}

fn author(mail: &Mail) -> String {
    mail.from.as_ref().map_or_else(|| "(nobody)".to_owned(), label)
}

fn label(person: &Person) -> String {
    if person.name.is_empty() {
        person.address.to_string()
    } else {
        format!("{} <{}>", person.name, person.address)
    }
}

/// A header's value as it stands on its first line.
pub(super) fn header(raw: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let head = text.lines().take_while(|line| !line.is_empty());
    let mut fields = head.filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

/// An address or id that fits a card: its middle left out.
fn short(text: &str) -> String {
    let count = text.chars().count();
    if count <= ID_MAX {
        return text.to_owned();
    }
    let half = ID_MAX / 2;
    let (first, last): (String, String) =
        (text.chars().take(half).collect(), text.chars().skip(count.saturating_sub(half)).collect());
    format!("{first}…{last}")
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH_MAX {
        text.to_owned()
    } else {
        text.chars().take(WIDTH_MAX).chain(['…']).collect()
    }
}
