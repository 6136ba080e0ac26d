//! Words for a terminal: tables, times, progress; and nothing in them that a mail could use against the terminal.

use crate::address::is_direction_mark;
use crate::clock::Timestamp;
use crate::config::Fault;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Prints a line; a reader that has closed the pipe is no error.
pub fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Text without control and direction-changing characters: a subject must not drive the terminal.
pub fn safe(text: &str) -> String {
    text.chars()
        .map(|c| if (c.is_control() && c != '\n') || is_direction_mark(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Rows of one table: what lays a table out takes some kilobytes a row.
const ROWS_AT_ONCE: usize = 1000;

/// A table with a heading, its width that of the terminal; a long one is a table after the other.
pub fn table<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut rows = rows.into_iter().peekable();
    let mut text = String::new();
    while rows.peek().is_some() {
        let mut table = Table::new();
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if !std::io::stdout().is_terminal() {
            table.set_width(160);
        }
        table.set_header(heading);
        for row in rows.by_ref().take(ROWS_AT_ONCE) {
            table.add_row(row.map(|cell| safe(&cell.replace('\n', " "))));
        }
        let separator = if text.is_empty() { "" } else { "\n" };
        // Writing into a string cannot fail.
        let _ = write!(text, "{separator}{table}");
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}

/// A time for people, in UTC.
pub fn time(at: Timestamp) -> String {
    at.to_string().replace('T', " ").replace('Z', " UTC")
}

/// All faults of a configuration, a line each.
pub fn faults(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A progress bar, drawn only on a terminal.
pub fn progress(what: &'static str) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    // A step may take a minute: that it goes on is seen by the time.
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_secs(1));
    }
    bar
}

/// Sets a bar to `done` of `all`.
pub fn advance(bar: &ProgressBar, done: impl TryInto<u64>, all: impl TryInto<u64>) {
    bar.set_length(all.try_into().unwrap_or(0));
    bar.set_position(done.try_into().unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mail_says_drives_no_terminal() {
        let hostile = "Hi\u{1b}[2J\u{9b}31m\u{7}\u{202e}exe\r\u{0}\u{7f}\u{2066}";
        let drives = |c: char| (c.is_control() && c != '\n') || is_direction_mark(c);
        assert!(!safe(hostile).contains(drives));
        let table = table(["Subject"], [[format!("{hostile}\nforged row")]]);
        assert!(!table.contains(drives) && table.contains("Hi"), "{table:?}");
        assert!(
            !table.lines().any(|line| line.trim_start_matches(['|', ' ']).starts_with("forged")),
            "{table}"
        );
    }
}
