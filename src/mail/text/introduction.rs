//! The line that introduces a quote: `On …, Ann <ann@x> wrote:` in the languages of the common mail programs, also
//! when it was wrapped over several lines.

use super::Line;

/// Lines that an introduction may be wrapped over.
const LINES_MAX: usize = 4;
/// Bytes of the longest introduction.
const BYTES_MAX: usize = 500;

/// An introduction that was found.
pub(super) struct Found {
    /// How many lines it takes.
    pub(super) lines: usize,
    /// It can be nothing else, even when no `>` follows.
    pub(super) certain: bool,
}

/// "wrote" as mail programs say it.
const VERBS: [&str; 63] = [
    "wrote",
    "writes",
    "escribió",
    "escribio",
    "escribi=f3",
    "ha escrito",
    "escreveu",
    "va escriure",
    "ha escrit",
    "a écrit",
    "a ecrit",
    "écrivait",
    "schrieb",
    "ha scritto",
    "schreef",
    "geschreven",
    "skrev",
    "skreiv",
    "skrifaði",
    "kirjoitti",
    "napisał",
    "napisal",
    "napísal",
    "napsal",
    "pisze",
    "píše",
    "napisao",
    "je napisal",
    "napisala",
    "írta",
    "írtam",
    "a scris",
    "έγραψε",
    "написал",
    "написав",
    "написа",
    "пишет",
    "пише",
    "yazdı",
    "yazmış",
    "đã viết",
    "menulis",
    "rašė",
    "kirjutas",
    "rakstīja",
    "כתב",
    "كتب",
    "写道",
    "寫道",
    "书写",
    "写了",
    "書きました",
    "さんは",
    "のメール",
    "작성",
    "썼습니다",
    "님이",
    "เขียนว่า",
    "נכתב",
    "نوشت",
    "ne shkroi",
    "idatzi",
    "scrisse",
];

/// Words with which an introduction begins, each with the space behind it.
const OPENERS: [&str; 56] = [
    "on ",
    "el ",
    "le ",
    "em ",
    "am ",
    "il ",
    "op ",
    "den ",
    "dnia ",
    "w dniu ",
    "dne ",
    "dňa ",
    "la ",
    "în ",
    "pe ",
    "a(z) ",
    "no dia ",
    "dia ",
    "at ",
    "vào ",
    "pada ",
    "στις ",
    "в ",
    "у ",
    "на ",
    "na ",
    "u ",
    "ons",
    "tors",
    "tor ",
    "fre",
    "lør",
    "søn",
    "man ",
    "tir",
    "mån",
    "tis",
    "ti ",
    "to ",
    "ma ",
    "pe ",
    "la,",
    "ke ",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "quoting ",
    "pon",
    "wt.",
    "śr.",
    "czw",
    "在",
];

/// The introduction that begins at line `at`, if one does.
pub(super) fn at(lines: &[Line<'_>], at: usize) -> Option<Found> {
    let mut joined = String::new();
    for (index, line) in lines.iter().skip(at).take(LINES_MAX).enumerate() {
        if line.is_blank() || line.is_quoted() || joined.len() + line.text.len() > BYTES_MAX {
            return None;
        }
        if index > 0 {
            joined.push(' ');
        }
        joined.push_str(line.text);
        if ends_like_one(line.text)
            && let Some(certain) = judge(&joined, index > 0)
        {
            return Some(Found { lines: index + 1, certain });
        }
        if index == 0 && !begins_like_one(&joined.to_lowercase()) && !has_open_bracket(&joined) {
            return None;
        }
    }
    None
}

fn ends_like_one(line: &str) -> bool {
    line.trim_end_matches(['*', '_', ' ', '>', '"']).ends_with([':', '：'])
}

/// `None`: no introduction. `Some(true)`: certainly one.
fn judge(text: &str, wrapped: bool) -> Option<bool> {
    let lower = text.trim_start_matches(['-', '*', '_', ' ']).to_lowercase();
    let verb = VERBS.iter().any(|verb| lower.contains(verb));
    let (dated, addressed) = (has_date_or_time(&lower), lower.contains('@'));
    let opened = begins_like_one(&lower);
    if wrapped && !opened && !has_open_bracket(text) && !addressed {
        return None;
    }
    match (verb, dated, addressed) {
        (true, true, _) if opened || addressed || !wrapped => Some(opened || addressed || lower.len() < 120),
        (true, false, true) => Some(lower.contains('<') && ends_in_verb(&lower)),
        (true, false, false) if !wrapped && lower.len() < 100 => Some(false),
        (false, true, true)
            if (opened || ends_in_address(&lower)) && (lower.contains('<') || lower.contains('(')) =>
        {
            Some(true)
        }
        _ => None,
    }
}

/// `…, Ann <ann@x.example>:`.
fn ends_in_address(lower: &str) -> bool {
    lower.trim_end_matches([':', '：', ' ']).ends_with('>')
}

/// `Ann <ann@x.example> wrote:`.
fn ends_in_verb(lower: &str) -> bool {
    let bare = lower.trim_end_matches(['*', '_', ' ', ':', '：']);
    VERBS.iter().any(|verb| bare.ends_with(verb))
}

/// A date word, a number, or a language's "on".
fn begins_like_one(lower: &str) -> bool {
    let lower = lower.trim_start_matches(['-', '*', '_', ' ']);
    let first = lower.split(' ').next().unwrap_or("");
    // A weekday, cut short: "пт,", "sex.,", "fre.".
    let weekday = first.chars().count() <= 6 && first.ends_with([',', '.']);
    weekday
        || lower.starts_with(|c: char| c.is_ascii_digit())
        || OPENERS.iter().any(|opener| lower.starts_with(opener))
}

fn has_open_bracket(text: &str) -> bool {
    text.matches('<').count() > text.matches('>').count()
}

/// `10:30`, `10.30`, `2026`, `5/11/26`, `5月`.
fn has_date_or_time(text: &str) -> bool {
    let mut digits = 0_usize;
    let mut groups: Vec<usize> = Vec::new();
    let mut last_end = '\0';
    for c in text.chars() {
        if c.is_ascii_digit() {
            if digits == 0 && !matches!(last_end, ':' | '.' | '/' | '-' | 'h') {
                groups.clear();
            }
            digits += 1;
        } else {
            if digits == 4 || (digits > 0 && matches!(c, '年' | '月' | '日' | '시' | '년' | '월')) {
                return true;
            }
            if digits > 0 {
                groups.push(digits);
                if groups.len() >= 2 && groups.last() == Some(&2) {
                    return true;
                }
            }
            digits = 0;
            last_end = c;
        }
    }
    digits == 4 || (digits == 2 && !groups.is_empty())
}
