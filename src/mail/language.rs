//! The language a mail is written in, among the three that Postdesk speaks.
//!
//! Knows words and language headers. A guess from two words is worse than none: short texts are judged by common
//! words only, and what stays in doubt is left to the headers, then to the desk's default.

use super::header::Headers;
use crate::language::Language;
use whichlang::Lang;

/// Letters from which the statistical detector is asked.
const LETTERS_MIN: usize = 40;
/// Bytes of the text that are looked at.
const TEXT_MAX_BYTES: usize = 4000;

/// Words that one of the three languages has and the other two have not, each with the language.
const WORDS: [(Language, &[&str]); 3] = [
    (
        Language::En,
        &[
            "the", "and", "is", "are", "you", "my", "it", "with", "this", "that", "have", "not", "please",
            "thanks", "thank", "hello", "hi", "your", "we", "from", "can", "what", "when", "was",
        ],
    ),
    (
        Language::Es,
        &[
            "el",
            "los",
            "las",
            "y",
            "una",
            "del",
            "pero",
            "muy",
            "hola",
            "gracias",
            "con",
            "mi",
            "usted",
            "ustedes",
            "favor",
            "es",
            "está",
            "tengo",
            "puedo",
            "desde",
            "hay",
            "cuando",
            "buenos",
            "buenas",
            "ayer",
            "sin",
            "nuestro",
            "muchas",
            "respuesta",
            "ayuda",
            "necesito",
            "cuenta",
        ],
    ),
    (
        Language::Pt,
        &[
            "os", "as", "um", "uma", "não", "nao", "do", "da", "dos", "das", "olá", "ola", "obrigado",
            "obrigada", "com", "meu", "minha", "você", "vocês", "é", "está", "estou", "tenho", "posso",
            "bom", "boa", "ontem", "sem", "muito", "ao", "em", "no", "na", "nosso", "muitas", "resposta",
            "ajuda", "preciso", "conta",
        ],
    ),
];

/// The language of `fresh`, the fresh text, else of the headers.
pub(super) fn detect(fresh: &str, headers: &Headers) -> Option<Language> {
    of_text(fresh).or_else(|| of_headers(headers))
}

fn of_headers(headers: &Headers) -> Option<Language> {
    headers
        .get("content-language")
        .and_then(|value| value.split(',').find_map(Language::from_tag))
        .or_else(|| headers.get("accept-language").and_then(Language::from_accept))
}

/// `None` when the text is too short, in doubt, or in another language.
pub fn of_text(text: &str) -> Option<Language> {
    let text = text.get(..text.floor_char_boundary(TEXT_MAX_BYTES)).unwrap_or("");
    let by_words = by_words(text);
    if text.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_MIN {
        return by_words.filter(|(_, lead)| *lead >= 2).map(|(language, _)| language);
    }
    match (whichlang::detect_language(text), by_words) {
        // The detector takes short Spanish for Portuguese and the reverse; a clear lead in common words decides.
        (Lang::Eng | Lang::Spa | Lang::Por, Some((language, lead))) if lead >= 2 => Some(language),
        (Lang::Eng, _) => Some(Language::En),
        (Lang::Spa, _) => Some(Language::Es),
        (Lang::Por, _) => Some(Language::Pt),
        (_, Some((language, lead))) if lead >= 4 => Some(language),
        _ => None,
    }
}

/// The language with the most common words, and by how many it leads.
fn by_words(text: &str) -> Option<(Language, usize)> {
    let mut counts = WORDS.map(|(language, _)| (language, 0_usize));
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty() && word.len() <= 20) {
        let word = word.to_lowercase();
        for ((_, count), (_, words)) in counts.iter_mut().zip(&WORDS) {
            *count += usize::from(words.contains(&word.as_str()));
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let [(language, first), (_, second), _] = counts;
    (first > 0).then_some((language, first - second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_by_its_words_and_letters() {
        for (text, language) in [
            ("Hola, no puedo entrar en mi cuenta desde ayer. Gracias.", Some(Language::Es)),
            ("Olá, não consigo entrar na minha conta desde ontem. Obrigado.", Some(Language::Pt)),
            ("Hello, I cannot log into my account since yesterday. Thanks.", Some(Language::En)),
            ("Hola, gracias", Some(Language::Es)),
            ("Muito obrigado", Some(Language::Pt)),
            ("Thank you", Some(Language::En)),
            ("Guten Tag, ich kann mich seit gestern nicht mehr anmelden. Vielen Dank.", None),
            ("OK", None),
            ("", None),
            ("12345 67890", None),
        ] {
            assert_eq!(of_text(text), language, "{text}");
        }
    }

    #[test]
    fn headers_tell_where_the_text_does_not() {
        let headers = |text: &str| Headers::of_text(text);
        assert_eq!(detect("OK", &headers("Content-Language: pt-BR\n")), Some(Language::Pt));
        assert_eq!(detect("OK", &headers("Accept-Language: es-MX, en\n")), Some(Language::Es));
        assert_eq!(
            detect("Muchas gracias por la respuesta", &headers("Content-Language: en-US\n")),
            Some(Language::Es)
        );
        assert_eq!(detect("OK", &headers("")), None);
    }
}
