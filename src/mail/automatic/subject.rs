//! Subjects by which robots say "I am away", in many languages.
//!
//! Only what a robot writes and a human does not: the phrase alone, or in front with a colon or the like behind it.
//! "Autoreply is broken" is a human's.

/// The phrases, lower-case.
const PHRASES: [&str; 108] = [
    "automatic reply",
    "automated reply",
    "automatic response",
    "automated response",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "auto-response",
    "autoresponse",
    "out of office",
    "out of the office",
    "out-of-office",
    "out of office reply",
    "out of office autoreply",
    "out of office auto-reply",
    "out of office auto reply",
    "out of office notification",
    "out of office message",
    "out of office response",
    "out of office automatic reply",
    "away from my mail",
    "away from the office",
    "i am out of the office",
    "i'm out of the office",
    "i am away",
    "on vacation",
    "vacation reply",
    "vacation response",
    "vacation message",
    "vacation notice",
    "vacation auto-reply",
    "respuesta automática",
    "respuesta automatica",
    "respuesta de ausencia",
    "respuesta de fuera de la oficina",
    "fuera de la oficina",
    "fuera de oficina",
    "mensaje automático",
    "ausente de la oficina",
    "autorespuesta",
    "auto-respuesta",
    "auto respuesta",
    "respuesta automatizada",
    "contestación automática",
    "contestacion automatica",
    "mensaje automatico",
    "mensaje de ausencia",
    "estoy de vacaciones",
    "estoy fuera de la oficina",
    "resposta automática",
    "resposta automatica",
    "resposta automàtica",
    "ausência temporária",
    "fora do escritório",
    "fora da empresa",
    "mensagem automática",
    "aviso de ausência",
    "autoresposta",
    "autorresposta",
    "auto-resposta",
    "resposta automatizada",
    "mensagem automatica",
    "mensagem de ausência",
    "resposta de ausência",
    "ausente do escritório",
    "estou de férias",
    "estou fora do escritório",
    "abwesenheitsnotiz",
    "abwesenheitsnachricht",
    "abwesenheitsmeldung",
    "automatische antwort",
    "automatische abwesenheitsnotiz",
    "automatisierte antwort",
    "réponse automatique",
    "message d'absence",
    "absence du bureau",
    "notification d'absence",
    "risposta automatica",
    "fuori ufficio",
    "fuori sede",
    "automatisch antwoord",
    "automatisch bericht",
    "afwezigheidsbericht",
    "afwezig",
    "automatiskt svar",
    "autosvar",
    "frånvaromeddelande",
    "automatisk svar",
    "automatisk svarmelding",
    "fravær",
    "automaattinen vastaus",
    "poissaoloilmoitus",
    "odpowiedź automatyczna",
    "automatyczna odpowiedź",
    "autoodpowiedź",
    "automatická odpověď",
    "automatická odpoveď",
    "automatikus válasz",
    "răspuns automat",
    "automatski odgovor",
    "samodejni odgovor",
    "автоматический ответ",
    "автоответ",
    "автоматична відповідь",
    "αυτόματη απάντηση",
    "otomatik yanıt",
    "자동 회신",
];
/// Phrases of scripts that write no space behind them.
const PHRASES_CJK: [&str; 8] =
    ["自动回复", "自動回覆", "自動返信", "自動応答", "不在通知", "不在のお知らせ", "休暇中", "외출 중"];
/// What follows a phrase that a robot wrote, besides punctuation.
const FOLLOWERS: [&str; 14] = [
    "re", "until", "till", "from", "through", "to", "hasta", "desde", "até", "bis", "jusqu", "vom", "von",
    "du",
];

/// Characters of a tag in front of a subject at most.
const TAG_MAX_CHARS: usize = 20;

/// Whether a robot wrote this subject.
pub(super) fn is_robots(subject: &str) -> bool {
    let lower = subject.trim().to_lowercase();
    is_phrase(&lower) || without_tag(&lower).is_some_and(is_phrase)
}

/// What is behind a tag that a gateway or a list put in front: `[EXTERNAL] Automatic reply: Hello`.
fn without_tag(lower: &str) -> Option<&str> {
    let (tag, rest) = match lower.strip_prefix('[') {
        Some(tagged) => tagged.split_once(']')?,
        None => lower.split_once(':').filter(|(tag, _)| ["external", "externo", "ext"].contains(tag))?,
    };
    (tag.chars().count() <= TAG_MAX_CHARS).then(|| rest.trim_start())
}

fn is_phrase(lower: &str) -> bool {
    let lower = lower.trim_start_matches(['[', '(', '*', ' ']);
    // Lotus Notes: "AUTO: Ann Smith is out of the office (returning 05/12/2026)".
    if let Some(rest) = lower.strip_prefix("auto:") {
        return ["out of the office", "out of office", "is away", "abwesend", "no está", "ausente"]
            .iter()
            .any(|word| rest.contains(word));
    }
    PHRASES_CJK.iter().any(|phrase| lower.starts_with(phrase))
        || PHRASES.iter().any(|phrase| lower.strip_prefix(phrase).is_some_and(ends_phrase))
}

fn ends_phrase(rest: &str) -> bool {
    let trimmed = rest.trim_start();
    match trimmed.chars().next() {
        None => true,
        Some(':' | '：' | '-' | '–' | '—' | '(' | '[' | ']' | ')' | '!' | '*') => true,
        Some('.') => trimmed.trim_end_matches('.').is_empty(),
        Some(_) => {
            let word = trimmed.split([' ', ':', '.']).next().unwrap_or("");
            rest.len() > trimmed.len() && FOLLOWERS.contains(&word)
        }
    }
}
