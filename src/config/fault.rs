//! What is wrong with a configuration, and where: collected, sorted, shown.
//!
//! Knows lines and words, not what any key means.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// Characters of a value that a fault shows at most.
const SHOWN_MAX_CHARS: usize = 60;

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 when the fault is of the whole file.
    pub line: usize,
    /// What was found. Never a secret: values of keys that could hold one are not shown.
    pub found: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " found {}; right would be {}", self.found, self.right)
    }
}

/// Everything wrong with a configuration, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The faults of one file while it is read.
pub(super) struct Book<'a> {
    file: &'a Path,
    text: &'a str,
    /// Lines that are no TOML: whatever was made of them is not worth a second complaint.
    broken: Vec<usize>,
    /// Whether the files that are named are looked at.
    pub(super) disk: bool,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Book<'a> {
    /// A book without faults for `text`, which stands in `file`.
    pub(super) fn new(file: &'a Path, text: &'a str, disk: bool) -> Self {
        Self { file, text, broken: Vec::new(), disk, faults: RefCell::new(Vec::new()) }
    }

    /// The line, counted from 1, in which the byte at `offset` stands.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    /// Notes that `line` is no TOML, for the reason that the parser gave.
    pub(super) fn broken(&mut self, line: usize, reason: &str) {
        let right = "key = \"text\", key = 5, key = true or [table], each key once";
        self.fault(line, format!("what is no TOML: {reason}"), right);
        self.broken.push(line);
    }

    /// Notes a fault.
    pub(super) fn fault(&self, line: usize, found: impl Into<String>, right: impl Into<String>) {
        if line > 0 && self.broken.contains(&line) {
            return;
        }
        self.faults.borrow_mut().push(Fault {
            file: self.file.to_owned(),
            line,
            found: found.into(),
            right: right.into(),
        });
    }

    /// Notes that something is missing from `line` (a table's head, or 0). In a file that is not all TOML it may be
    /// there unread, so nothing is said.
    pub(super) fn missing(&self, line: usize, found: impl Into<String>, right: impl Into<String>) {
        if self.broken.is_empty() {
            self.fault(line, found, right);
        }
    }

    /// The folder that relative paths start from.
    pub(super) fn folder(&self) -> &'a Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// The faults, sorted by line, each once.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| fault.line);
        faults.dedup();
        faults
    }
}

/// A text from the file, fit for one line of a terminal or a log: quoted, escaped and cut.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_MAX_CHARS).collect();
    let more = if cut.len() < text.len() { " …" } else { "" };
    format!("{cut:?}{more}")
}

/// The name among `known` that `word` was most likely meant to be.
pub(super) fn nearest<'n>(word: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let word = word.to_lowercase();
    let bound = (word.chars().count() / 3).clamp(1, 3);
    let distance = |name: &str| strsim::osa_distance(&word, &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (distance(name), name))
        .filter(|(d, _)| *d <= bound)
        .min()
        .map(|(_, name)| name)
}

/// ` (did you mean "x"?)` where there is a near name, else nothing.
pub(super) fn hint<'n>(word: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(word, known).map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let known = ["password_file", "host", "port", "time_zone"];
        assert_eq!(nearest("pasword_file", known), Some("password_file"));
        assert_eq!(nearest("prot", known), Some("port"));
        assert_eq!(nearest("timezone", known), Some("time_zone"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn a_fault_reads_as_one_line() {
        let fault = |line| Fault {
            file: "config.toml".into(),
            line,
            found: "port = 0".into(),
            right: "a number from 1 to 65535".into(),
        };
        let faults = Faults(vec![fault(0), fault(12)]);
        assert_eq!(
            faults.to_string(),
            "config.toml: found port = 0; right would be a number from 1 to 65535\n\
             config.toml:12: found port = 0; right would be a number from 1 to 65535"
        );
    }

    #[test]
    fn what_is_shown_is_escaped_and_cut() {
        assert_eq!(shown("a\u{1b}[31m\n"), r#""a\u{1b}[31m\n""#);
        assert_eq!(shown(&"x".repeat(100)), format!("\"{}\" …", "x".repeat(60)));
    }
}
