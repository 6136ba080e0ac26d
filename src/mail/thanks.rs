//! Whether a text says thank you and nothing else, in English, Spanish or Portuguese.
//!
//! Any doubt is a no: whoever asks here wants to leave a matter closed. So every word must be known, in a phrase that is.

use crate::language::unaccented;

/// Most words of such a text.
const WORDS_MAX: usize = 10;

/// Fewest letters of a name: shorter words of a display name may be words with a meaning of their own.
const NAME_LETTERS_MIN: usize = 3;

/// What says thank you, without accents.
const THANKS: &[&str] = &[
    "thank you very much indeed",
    "thank you very much",
    "thank you so much",
    "thank you all",
    "thank you",
    "thanks so much",
    "thanks a lot",
    "thanks a million",
    "thanks again",
    "thanks all",
    "thanks",
    "many thanks",
    "much appreciated",
    "muchas gracias a todos",
    "muchas gracias",
    "muchisimas gracias",
    "mil gracias",
    "gracias de nuevo",
    "gracias a todos",
    "gracias",
    "le agradezco mucho",
    "se lo agradezco mucho",
    "se lo agradezco",
    "te lo agradezco",
    "muito obrigado a todos",
    "muito obrigada a todos",
    "muito obrigado",
    "muito obrigada",
    "muitissimo obrigado",
    "muitissimo obrigada",
    "obrigado",
    "obrigada",
    "obg",
    "agradeco muito",
    "agradeco",
    "valeu",
    "grato",
    "grata",
];

/// What may stand beside it.
const BESIDE: &[&str] = &[
    "for your quick reply",
    "for your quick answer",
    "for your quick help",
    "for the quick reply",
    "for the quick answer",
    "for the quick help",
    "for all your help",
    "for your help",
    "for the help",
    "for your reply",
    "for your answer",
    "for everything",
    "por la rapida respuesta",
    "por su rapida respuesta",
    "por tu rapida respuesta",
    "por la respuesta",
    "por su respuesta",
    "por tu respuesta",
    "por la ayuda",
    "por su ayuda",
    "por tu ayuda",
    "por todo",
    "pela rapida resposta",
    "pela resposta rapida",
    "pela sua resposta",
    "pela resposta",
    "pela sua ajuda",
    "pela ajuda",
    "por tudo",
    "it works now",
    "it works",
    "all good",
    "solved",
    "ya funciona",
    "todo bien",
    "solucionado",
    "ja funciona",
    "tudo certo",
    "resolvido",
    "perfect",
    "great",
    "excellent",
    "perfecto",
    "genial",
    "excelente",
    "estupendo",
    "perfeito",
    "otimo",
    "ok",
    "okay",
    "vale",
    "good morning",
    "good afternoon",
    "hi",
    "hello",
    "dear",
    "hola",
    "buenos dias",
    "buenas tardes",
    "estimada",
    "estimado",
    "bom dia",
    "boa tarde",
    "ola",
    "oi",
    "prezada",
    "prezado",
    "best regards",
    "kind regards",
    "best wishes",
    "regards",
    "cheers",
    "un cordial saludo",
    "un saludo",
    "saludos cordiales",
    "saludos",
    "cordialmente",
    "atentamente",
    "um abraco",
    "abracos",
    "abraco",
    "atenciosamente",
    "cumprimentos",
];

/// Whether `text` says thank you and nothing else, but for greetings and words of `names`.
pub fn only(text: &str, names: &[&str]) -> bool {
    let Some(said) = words(text) else { return false };
    if said.len() > WORDS_MAX {
        return false;
    }
    let names: Vec<String> = names
        .iter()
        .flat_map(|name| words(name).unwrap_or_default())
        .filter(|word| word.chars().count() >= NAME_LETTERS_MIN)
        .collect();
    let mut rest = said.as_slice();
    let mut thanked = false;
    while let Some(first) = rest.first() {
        let taken = if let Some(count) = begins(rest, THANKS) {
            thanked = true;
            count
        } else if let Some(count) = begins(rest, BESIDE) {
            count
        } else if names.contains(first) {
            1
        } else {
            return false;
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    thanked
}

/// How many words the longest of `phrases` takes that `words` begin with.
fn begins(words: &[String], phrases: &[&str]) -> Option<usize> {
    let fits = |phrase: &&str| {
        let count = phrase.split(' ').count();
        let same = words.iter().zip(phrase.split(' ')).all(|(word, wanted)| word == wanted);
        (words.len() >= count && same).then_some(count)
    };
    phrases.iter().filter_map(fits).max()
}

/// The words of a text without accents; `None` when something stands in it that says more than words and the marks
/// between them: a question, a figure, a smile that may mean the opposite.
fn words(text: &str) -> Option<Vec<String>> {
    let harmless = |c: char| {
        c.is_whitespace()
            || matches!(c, '.' | ',' | '!' | '¡' | ';' | ':' | '-' | '–' | '—' | '…' | '(' | ')' | '"' | '\'')
            || matches!(
                c,
                '🙏' | '👍' | '😊' | '🙂' | '😀' | '❤' | '\u{fe0f}' | '\u{a0}' | '\u{200b}' | '\u{feff}'
            )
    };
    let mut words = vec![String::new()];
    for c in text.chars().flat_map(char::to_lowercase) {
        let c = unaccented(c);
        match words.last_mut() {
            Some(word) if c.is_alphabetic() => word.push(c),
            _ if harmless(c) => words.push(String::new()),
            _ => return None,
        }
    }
    words.retain(|word| !word.is_empty());
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::only;

    const NAMES: &[&str] = &["María López", "Ana García", "Luís Souza", "Soporte"];

    #[test]
    fn thanks_alone_are_thanks_in_three_languages() {
        for text in [
            "Thanks!",
            "Thank you so much, Ana 🙏",
            "Hi Ana,\n\nperfect, thanks for your quick reply!\n\nMaría",
            "Great, it works now. Many thanks",
            "¡Muchas gracias!",
            "Muchísimas gracias por todo.\n\nUn saludo,\nMaría López",
            "Hola, Ana: perfecto, ya funciona. Gracias",
            "GRACIAS",
            "Muito obrigada pela ajuda, Luís!",
            "Olá! Tudo certo, obrigado 👍\nAbraços",
            "Valeu!",
        ] {
            assert!(only(text, NAMES), "{text}");
        }
    }

    #[test]
    fn any_doubt_is_no() {
        for text in [
            "",
            "ok",
            "María López",
            "Thanks?",
            "Thanks, but it still fails",
            "No thanks",
            "Thanks for nothing",
            "Thanks in advance",
            "Thank you, when will you come",
            "Thanks 2",
            "Thanks 👎",
            "Thanks, see https://x.example",
            "Thanks, please help",
            "Gracias, pero sigue igual",
            "No, gracias",
            "No funciona. Gracias",
            "Gracias de antemano",
            "Gracias, ¿y la factura?",
            "Gracias por su respuesta, sigo esperando",
            "Obrigado, mas não funciona",
            "Não, obrigada",
            "Obrigada desde já",
            "Não resolvido, obrigado",
            "Thanks thanks thanks thanks thanks thanks thanks thanks thanks thanks thanks",
            "Danke!",
            "Thanks Pedro",
        ] {
            assert!(!only(text, NAMES), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_word_that_is_not_known_is_always_a_doubt(word in "[a-z]{3,9}x[a-z]{2}q", at in 0usize..3) {
            let mut words = vec!["muchas", "gracias", "ana"];
            words.insert(if at == 1 { 0 } else { at }, &word);
            proptest::prop_assert!(!only(&words.join(" "), NAMES));
        }

        #[test]
        fn any_text_is_looked_at(text in "\\PC{0,60}") {
            let _ = only(&text, NAMES);
        }
    }
}
