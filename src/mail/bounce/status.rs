//! Status codes (RFC 3463) and what words say in their place.

use super::BounceKind;

/// Characters kept of what a server said.
const DIAGNOSTIC_MAX_CHARS: usize = 300;

/// Words of servers and the status they stand for, most telling first, lower-case.
const WORDS: [(&str, &str); 60] = [
    ("mailbox full", "5.2.2"),
    ("mailbox is full", "5.2.2"),
    ("quota", "5.2.2"),
    ("over its limit", "5.2.2"),
    ("not enough storage", "5.2.2"),
    ("insufficient storage", "5.2.2"),
    ("disk full", "5.2.2"),
    ("mailbox size limit", "5.2.2"),
    ("mailbox has exceeded", "5.2.2"),
    ("buzón lleno", "5.2.2"),
    ("buzón está lleno", "5.2.2"),
    ("caixa postal cheia", "5.2.2"),
    ("caixa cheia", "5.2.2"),
    ("too large", "5.3.4"),
    ("message size exceeds", "5.3.4"),
    ("exceeds size", "5.3.4"),
    ("maximum message size", "5.3.4"),
    ("user unknown", "5.1.1"),
    ("unknown user", "5.1.1"),
    ("no such user", "5.1.1"),
    ("no such recipient", "5.1.1"),
    ("unknown recipient", "5.1.1"),
    ("recipient unknown", "5.1.1"),
    ("unknown local", "5.1.1"),
    ("no mailbox", "5.1.1"),
    ("no such mailbox", "5.1.1"),
    ("mailbox unavailable", "5.1.1"),
    ("mailbox not found", "5.1.1"),
    ("does not exist", "5.1.1"),
    ("doesn't exist", "5.1.1"),
    ("doesn't have a", "5.1.1"),
    ("not listed in", "5.1.1"),
    ("invalid recipient", "5.1.1"),
    ("invalid mailbox", "5.1.1"),
    ("address unknown", "5.1.1"),
    ("unknown address", "5.1.1"),
    ("not a valid", "5.1.1"),
    ("account is disabled", "5.2.1"),
    ("account has been disabled", "5.2.1"),
    ("mailbox disabled", "5.2.1"),
    ("account inactive", "5.2.1"),
    ("inactive user", "5.2.1"),
    ("usuario desconocido", "5.1.1"),
    ("no existe", "5.1.1"),
    ("não existe", "5.1.1"),
    ("host unknown", "5.1.2"),
    ("unknown host", "5.1.2"),
    ("name or domain could not", "5.1.2"),
    ("domain not found", "5.1.2"),
    ("couldn't find any host", "5.1.2"),
    ("could not find any host", "5.1.2"),
    ("unrouteable", "5.1.2"),
    ("unroutable", "5.1.2"),
    ("spam", "5.7.1"),
    ("blocked", "5.7.1"),
    ("blacklist", "5.7.1"),
    ("access denied", "5.7.1"),
    ("not permitted", "5.7.1"),
    ("timed out", "4.4.1"),
    ("connection refused", "4.4.1"),
];

/// The first enhanced code in `text`.
pub(super) fn enhanced(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
        let word = word.trim_matches('.');
        let mut numbers = word.split('.');
        let (class, subject, detail) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let fits = numbers.next().is_none()
            && matches!(class, "2" | "4" | "5")
            && (1..=3).contains(&subject.len())
            && (1..=3).contains(&detail.len());
        fits.then(|| word.to_owned())
    })
}

/// The status a text stands for: an enhanced code, known words, or the class of an SMTP reply.
pub(super) fn of_words(text: &str) -> Option<String> {
    if let Some(code) = enhanced(text) {
        return Some(code);
    }
    let lower = text.to_lowercase();
    let worded = WORDS.iter().find(|(words, _)| lower.contains(words)).map(|(_, code)| *code);
    match (worded, reply_class(text)) {
        (Some(code), Some('4')) => Some(format!("4{}", code.get(1..).unwrap_or(".0.0"))),
        (Some(code), _) => Some(code.to_owned()),
        (None, Some(class)) => Some(format!("{class}.0.0")),
        (None, None) => None,
    }
}

/// The class of the first SMTP reply code (RFC 5321 4.2.1) in `text`.
pub(super) fn reply_class(text: &str) -> Option<char> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != ':').find_map(|word| {
        let bytes = word.as_bytes();
        let [class @ (b'4' | b'5'), second, third] = bytes else { return None };
        (matches!(second, b'0'..=b'7') && third.is_ascii_digit()).then(|| char::from(*class))
    })
}

/// Hard or soft. A full mailbox is soft whatever class the server gave it: it passes.
pub(super) fn kind(status: Option<&str>, diagnostic: &str) -> BounceKind {
    match status {
        Some(code) if code.starts_with('4') => BounceKind::Soft,
        Some(code) if code.ends_with(".2.2") => BounceKind::Soft,
        Some(_) => BounceKind::Hard,
        None if reply_class(diagnostic) == Some('4') => BounceKind::Soft,
        None => BounceKind::Hard,
    }
}

/// On one line, without control characters, bounded.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(DIAGNOSTIC_MAX_CHARS).collect()
}
