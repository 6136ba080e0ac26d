//! What begins with `#` and a letter and is no command all the same, by its form: colours, numbers of other systems, lines
//! of programs and style sheets, errors of spreadsheets, tags of a campaign.
//!
//! Only forms that no command has, mistyped or made up: `#privado` is none of these, and is asked about. A word of ours, or
//! one near it, or one that asks for secrecy, is never let through.

use super::grammar::{entry, is_almost, nearest};

/// Words before code: of the C preprocessor and of editors.
const DIRECTIVES: [&str; 13] = [
    "include",
    "define",
    "undef",
    "ifdef",
    "ifndef",
    "if",
    "elif",
    "else",
    "endif",
    "pragma",
    "import",
    "region",
    "endregion",
];

/// Those that stand before the name of a file.
const NAMES_A_FILE: [&str; 2] = ["include", "import"];

/// What spreadsheets show in a cell, in English, Spanish and Portuguese, without what does not begin with a letter.
const CELLS: [&str; 17] = [
    "#N/A", "#N/D", "#REF!", "#VALUE!", "#VALOR!", "#DIV/0!", "#NAME?", "#NOME?", "#NOMBRE?", "#NUM!",
    "#NÚM!", "#NULL!", "#NULO!", "#SPILL!", "#CALC!", "#FIELD!", "#ERROR!",
];

/// Words that an agent could make up for a note.
const SECRET: [&str; 24] = [
    "private",
    "privado",
    "privada",
    "privat",
    "confidential",
    "confidencial",
    "secret",
    "secreto",
    "secreta",
    "segredo",
    "agent",
    "agents",
    "agente",
    "agentes",
    "only",
    "solo",
    "só",
    "sólo",
    "staff",
    "colegas",
    "hidden",
    "oculto",
    "comment",
    "comentario",
];

/// Fewest letters of a piece of a word that is compared with ours.
const PIECE_MIN: usize = 4;

/// Fewest tags in a row that are no commands: two words may be.
const ROW_MIN: usize = 3;

/// Whether a line that begins with `#` is code or a number, wherever it stands.
pub(super) fn is_code(bare: &str) -> bool {
    let Some((token, rest)) = token(bare) else { return false };
    if is_colour(token) && !rest.contains('@') {
        return true;
    }
    let word = token.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let lower = word.to_lowercase();
    if entry(&lower).is_some() {
        return false;
    }
    let cell = token.trim_end_matches(['.', ',', ';', ':', ')', '"']);
    CELLS.iter().any(|known| known.strip_prefix('#') == Some(cell))
        || is_directive(word, rest)
        || opens_a_rule(token, rest)
        || is_room(token)
        || (token.contains(|c: char| c.is_ascii_digit()) && !is_ours(token))
}

/// Whether a line that begins with `#` is a tag, below other text: `#YoMeQuedo`, or a row of them. In the place where
/// commands stand, on top, it is asked about.
pub(super) fn is_tag(bare: &str) -> bool {
    let Some((first, _)) = token(bare) else { return false };
    let tokens = || bare.split_whitespace();
    let all_tags =
        tokens().all(|word| word.strip_prefix('#').is_some_and(|tag| tag.starts_with(char::is_alphabetic)));
    let is_row = tokens().count() >= ROW_MIN && all_tags;
    (is_row || has_humps(first)) && tokens().filter(|word| word.starts_with('#')).all(|tag| !is_ours(tag))
}

/// What stands behind the `#` up to the first space, and what follows.
fn token(bare: &str) -> Option<(&str, &str)> {
    let rest = bare.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphabetic))?;
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

/// `#ff0000`, `#b71c1c`, `#fff`; but not `#add`.
fn is_colour(token: &str) -> bool {
    let token = token.trim_end_matches([',', ';', ':', '.', ')', '"']);
    let is_hex = matches!(token.len(), 3 | 6 | 8) && token.chars().all(|c| c.is_ascii_hexdigit());
    let first = token.chars().next();
    is_hex && (token.contains(|c: char| c.is_ascii_digit()) || token.chars().all(|c| Some(c) == first))
}

/// `#endif`, `#include <stdio.h>`; but not `#include eva@client.example`.
fn is_directive(word: &str, rest: &str) -> bool {
    let names_a_file = rest.trim_start().starts_with(['<', '"']);
    DIRECTIVES.contains(&word) && (names_a_file || !NAMES_A_FILE.contains(&word))
}

/// `#menu {`, `#footer .links { display: none; }`.
fn opens_a_rule(token: &str, rest: &str) -> bool {
    token.ends_with('{')
        || rest.trim_end().ends_with('{')
        || (rest.contains('{') && rest.trim_end().ends_with('}'))
}

/// A room of Matrix: `#sala:matrix.example`.
fn is_room(token: &str) -> bool {
    let is_host = |host: &str| host.contains('.') && host.starts_with(|c: char| c.is_ascii_alphanumeric());
    token.split_once(':').is_some_and(|(name, host)| is_host(host.trim_end_matches('.')) && !is_ours(name))
}

/// A capital behind a small letter.
fn has_humps(token: &str) -> bool {
    token.chars().zip(token.chars().skip(1)).any(|(one, next)| one.is_lowercase() && next.is_uppercase())
}

/// Whether the word is near a command's, or a piece of it between signs, digits and capitals is one but for a letter, or
/// asks for secrecy.
fn is_ours(token: &str) -> bool {
    let whole: String = token.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let mut pieces = vec![String::new()];
    let mut last = ' ';
    for c in token.chars() {
        if !c.is_alphabetic() || (last.is_lowercase() && c.is_uppercase()) {
            pieces.push(String::new());
        }
        if let Some(piece) = pieces.last_mut().filter(|_| c.is_alphabetic()) {
            piece.extend(c.to_lowercase());
        }
        last = c;
    }
    let is_word = |piece: &String| {
        let is_almost = piece.chars().count() >= PIECE_MIN && is_almost(piece);
        is_almost || entry(piece).is_some() || SECRET.contains(&piece.as_str())
    };
    nearest(&whole).is_some() || pieces.iter().any(is_word)
}
