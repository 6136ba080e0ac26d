//! The templates that are built into the binary.

/// File name as it stands in an override directory, and its text.
type BuiltIn = (&'static str, &'static str);

macro_rules! file {
    ($name:expr) => {
        ($name, include_str!(concat!("../../mail-templates/", $name)))
    };
}

macro_rules! language {
    ($code:literal: $($name:literal)*) => {
        &[$(
            file!(concat!($code, "/", $name, ".txt")),
            file!(concat!($code, "/", $name, ".html")),
        )*]
    };
}

macro_rules! languages {
    ($($code:literal)*) => {
        [$(language!($code: "acknowledgement" "reply" "copy" "notification" "colleague" "explanation" "help"
            "confirmation" "link" "undelivered" "admin" "answer" "digest" "forward"),)*]
    };
}

/// What every HTML template stands in.
const LAYOUT: BuiltIn = file!("layout.html");

const LANGUAGES: [&[BuiltIn]; 3] = languages!("en" "es" "pt");

/// All of them: `layout.html`, then `en/acknowledgement.txt` and so on.
pub(super) fn all() -> impl Iterator<Item = BuiltIn> {
    std::iter::once(LAYOUT).chain(LANGUAGES.into_iter().flatten().copied())
}

#[cfg(test)]
mod tests {
    use crate::desk::decision::Template;
    use crate::language::Language;

    #[test]
    fn every_template_stands_in_every_language_as_text_and_as_html() {
        let names: Vec<&str> = super::all().map(|(name, _)| name).collect();
        for template in Template::ALL {
            for language in Language::ALL {
                for ending in ["txt", "html"] {
                    let name = format!("{language}/{}.{ending}", template.name());
                    assert!(names.contains(&name.as_str()), "{name}");
                }
            }
        }
        assert_eq!(names.len(), 1 + 3 * 2 * Template::ALL.len());
    }
}
