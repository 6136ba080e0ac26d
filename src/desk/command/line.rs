//! What one line of a mail looks like: a command, a command mistyped, or text. Clients dress lines up in many ways.

use super::grammar::entry;
use super::shape;

/// Most signs of a line that are looked at for a command behind other signs.
const HASHES_MAX: usize = 8;

/// The word of a line that looks like a command. (`#12` is a number, `# Title` a heading, `#ff0000` a colour, but `# close`
/// and `##close` are the command mistyped.)
pub(super) fn command_word(line: &str) -> Option<String> {
    let bare = bare(line);
    let rest = first_word(&bare).or_else(|| behind_marks(&bare))?;
    Some(split_word(rest.trim_start_matches(['#', ' '])).0.to_owned())
}

/// What follows the `#` that a line begins with, where it looks like a command.
pub(super) fn first_word(bare: &str) -> Option<&str> {
    let rest = bare.strip_prefix('#')?;
    let spaced = rest.trim_start_matches(['#', ' ']);
    let mistyped = spaced.len() < rest.len() && is_known(spaced);
    let is_command = rest.starts_with(char::is_alphabetic) && !shape::is_code(bare);
    (mistyped || is_command).then_some(rest)
}

/// Whether a text begins with a command's word.
fn is_known(text: &str) -> bool {
    entry(&split_word(text).0.to_lowercase()).is_some()
}

/// As [`command_word`], for a line with text above it.
pub(super) fn word_below(line: &str) -> Option<String> {
    command_word(line).filter(|_| !shape::is_tag(&bare(line)))
}

/// A line without what clients put round a command: characters that are not seen, spaces that do not break, other forms of
/// `#`, the stars and underscores of bold and italic text, the bullet of a list. And without quotation marks, for the
/// desk's own mails show the commands in such.
pub(super) fn bare(line: &str) -> String {
    let seen: String = line
        .chars()
        .filter(|c| !is_unseen(*c))
        .map(|c| match c {
            '\u{ff03}' | '\u{fe5f}' => '#',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let text = seen.trim();
    let unmarked = text.trim_start_matches(MARKS).trim_start_matches(OPENING);
    if !unmarked.starts_with('#') || unmarked.len() == text.len() {
        return text.to_owned();
    }
    unmarked.trim_end_matches(['*', '_', '`']).trim_end_matches(CLOSING).trim().to_owned()
}

/// What stands before a command that a client has dressed up as bold or as an item of a list.
const MARKS: [char; 9] = ['*', '_', '`', '-', '\u{2022}', '\u{b7}', '\u{2013}', '\u{2014}', ' '];

/// Quotation marks and brackets before a command, and their counterparts.
pub(super) const OPENING: [char; 10] =
    ['"', '\'', '\u{201c}', '\u{201e}', '\u{201d}', '\u{2018}', '\u{2019}', '\u{ab}', '(', '['];
const CLOSING: [char; 9] = ['"', '\'', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}', '\u{bb}', ')', ']'];

/// What follows the `#` of a known command, where nothing but signs or numbers stand before it on its line: that of a list,
/// or a ticket's. It is no command, for it may be somebody else's that is quoted, but it looks like one.
fn behind_marks(bare: &str) -> Option<&str> {
    bare.match_indices('#').take(HASHES_MAX).find_map(|(at, _)| {
        let (before, rest) = bare.split_at_checked(at)?;
        // A picture stands in text as its description: `[Logo]`. So does a ticket: `[#853142]`.
        let closed = before.starts_with('[').then(|| before.rsplit_once(']')).flatten();
        let before = closed.map_or(before, |(_, after)| after);
        let rest = rest.strip_prefix('#')?;
        let is_marks = !before.chars().any(char::is_alphabetic);
        (at > 0 && is_marks && is_known(rest.trim_start_matches(['#', ' ']))).then_some(rest)
    })
}

/// Characters of width nothing: joiners, direction marks, soft hyphens, byte order marks, what makes a sign a picture.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

pub(super) fn split_word(rest: &str) -> (&str, &str) {
    let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    let (word, argument) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (word, argument.trim_start_matches([':', '.', '!', '*', '_', '`']).trim())
}
