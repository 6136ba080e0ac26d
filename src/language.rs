//! The three languages Postdesk speaks: Spanish, English and Portuguese, as equals.

use std::fmt;

/// A language in which Postdesk answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
}

impl Language {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::En, Self::Es, Self::Pt];

    /// The ISO 639-1 code, as in folder names, the database and `Content-Language`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Pt => "pt",
        }
    }

    /// Reads a language tag (RFC 5646) by its first subtag: `es`, `es-MX`, `PT_br`. `None` for any other language.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let first = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.code() == first)
    }

    /// The best of ours for an `Accept-Language` header (RFC 9110 12.5.4); `None` when it names none of them.
    pub fn from_accept(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for item in header.split(',').take(20) {
            let mut fields = item.split(';');
            let Some(language) = fields.next().and_then(Self::from_tag) else { continue };
            let quality =
                fields.find_map(|f| f.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            if quality > 0.0 && best.is_none_or(|(q, _)| quality > q) {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A small letter without its accent, where English, Spanish or Portuguese write one.
pub fn unaccented(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_wins_and_unknown_ones_are_passed_over() {
        assert_eq!(Language::from_accept("de, en;q=0.5, pt-BR;q=0.9"), Some(Language::Pt));
        assert_eq!(Language::from_accept("es;q=0, fr"), None);
        assert_eq!(Language::from_tag("es_MX"), Some(Language::Es));
    }
}
