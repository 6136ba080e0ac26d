//! How one request sees the pages: in which language, under which path, and how a ticket's number may be typed.

use crate::config::Config;
use crate::language::Language;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, Uri};

/// Longest number that is looked at, in characters as typed.
const TYPED_MAX_CHARS: usize = 40;

/// What every page needs to know of its request.
pub(super) struct View<'a> {
    pub(super) config: &'a Config,
    pub(super) language: Language,
    /// `?lang=es` when the reader chose it by the switch: then every link carries it on, for there is no cookie.
    pub(super) chosen: Option<Language>,
    /// The path of `base_url`, for desks that live below another site's path: `` or `/soporte`.
    pub(super) root: &'a str,
    /// This page's own path, without a query.
    pub(super) path: String,
}

impl<'a> View<'a> {
    /// Language by the switch, else by the browser, else the first queue's.
    pub(super) fn of(config: &'a Config, headers: &HeaderMap, uri: &Uri) -> Self {
        let chosen = uri.query().and_then(|query| {
            query.split('&').find_map(|field| Language::from_tag(field.strip_prefix("lang=")?))
        });
        let accepted =
            headers.get(ACCEPT_LANGUAGE).and_then(|value| Language::from_accept(value.to_str().ok()?));
        let language = chosen
            .or(accepted)
            .or_else(|| config.queues.first().map(|queue| queue.language))
            .unwrap_or(Language::En);
        let base = config.web.as_ref().map_or("", |web| web.base_url.as_str());
        Self { config, language, chosen, root: path_of(base), path: uri.path().to_owned() }
    }

    /// A link to `path` that keeps the language chosen.
    pub(super) fn href(&self, path: &str) -> String {
        match self.chosen {
            Some(language) => format!("{}{path}?lang={language}", self.root),
            None => format!("{}{path}", self.root),
        }
    }

    /// This page in another language.
    pub(super) fn switch(&self, language: Language) -> String {
        format!("{}{}?lang={language}", self.root, self.path)
    }
}

/// The path of a URL without its last slash: `https://x.example/soporte` -> `/soporte`.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("").trim_end_matches('/')
}

/// A ticket's number as people type it: `853142`, `#853142`, `[#853142]`, `853 142`, the configured tag. `None` when
/// there are other characters in it, no digit, or more digits than a number can have.
pub(super) fn number_of(typed: &str, tag: &str) -> Option<i64> {
    if typed.chars().count() > TYPED_MAX_CHARS {
        return None;
    }
    let (before, after) = tag.split_once("{number}").unwrap_or(("", ""));
    let core = typed.trim();
    let core = core.strip_prefix(before.trim()).unwrap_or(core);
    let core = core.strip_suffix(after.trim()).unwrap_or(core);
    let decoration =
        |c: char| c.is_whitespace() || matches!(c, '#' | '[' | ']' | '(' | ')' | '.' | '-' | '\u{a0}');
    let digits: String = core.chars().filter(|c| !decoration(*c)).collect();
    let fits = (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if fits { digits.parse().ok().filter(|number| *number > 0) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_as_people_type_it_and_nothing_else_is() {
        let tag = "[Soporte #{number}]";
        for typed in
            ["853142", " #853142 ", "[#853142]", "853 142", "[Soporte #853142]", "853.142", "853-142"]
        {
            assert_eq!(number_of(typed, tag), Some(853_142), "{typed}");
        }
        for typed in [
            "",
            "#",
            "abc",
            "85x",
            "0",
            "1234567890123456789",
            "8'; DROP",
            "../1",
            "１２３",
            &"1 ".repeat(30),
        ] {
            assert_eq!(number_of(typed, tag), None, "{typed}");
        }
    }

    #[test]
    fn a_desk_may_live_below_a_path() {
        assert_eq!(path_of("https://x.example"), "");
        assert_eq!(path_of("https://x.example/a/b"), "/a/b");
    }
}
