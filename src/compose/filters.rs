//! What templates can do with values beside tera's own filters.
//!
//! `time` (UTC seconds in the recipient's zone and language; `short=true` for tables), `status` and `priority` (the
//! word in the language), `plural` (`one=`, `many=` with `{n}`), `quote` (`> ` before each line), `paragraphs` (text to
//! safe HTML), `cut` (to so many characters). Language and zone come from the template's own context.

use super::{html, words};
use crate::clock::Timestamp;
use crate::desk::ticket::{Priority, Status};
use crate::language::Language;
use jiff::tz::TimeZone;
use tera::{Kwargs, State, Tera, TeraResult, Value};

/// Makes the filters known.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("time", time);
    tera.register_filter("status", status);
    tera.register_filter("priority", priority);
    tera.register_filter("plural", plural);
    tera.register_filter("quote", quote);
    tera.register_filter("cut", cut);
    tera.register_filter("paragraphs", paragraphs);
}

fn language(state: &State) -> Language {
    let code = state.get::<String>("language").ok().flatten().unwrap_or_default();
    Language::from_tag(&code).unwrap_or(Language::En)
}

/// Nothing for 0, which stands for "no such time" in the values.
fn time(at: i64, kwargs: Kwargs, state: &State) -> TeraResult<String> {
    if at == 0 {
        return Ok(String::new());
    }
    let name = state.get::<String>("zone").ok().flatten().unwrap_or_default();
    let zone = TimeZone::get(&name).unwrap_or(TimeZone::UTC);
    let short = kwargs.get::<bool>("short")?.unwrap_or(false);
    let write = if short { words::short_time } else { words::long_time };
    Ok(write(Timestamp(at), &zone, language(state)))
}

/// A word that is no status is shown as it is.
fn status(word: &str, _: Kwargs, state: &State) -> String {
    Status::from_word(word)
        .map_or_else(|| word.to_owned(), |s| words::status_word(s, language(state)).to_owned())
}

/// A word that is no priority is shown as it is.
fn priority(word: &str, _: Kwargs, state: &State) -> String {
    Priority::from_word(word)
        .map_or_else(|| word.to_owned(), |p| words::priority_word(p, language(state)).to_owned())
}

/// English, Spanish and Portuguese all tell one from any other count.
fn plural(count: i64, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    let form = kwargs.must_get::<&str>(if count == 1 { "one" } else { "many" })?;
    Ok(form.replace("{n}", &count.to_string()))
}

fn quote(text: &str, _: Kwargs, _: &State) -> String {
    let line = |line: &str| if line.is_empty() { ">".to_owned() } else { format!("> {line}") };
    text.trim().lines().map(|l| line(l.trim_end())).collect::<Vec<_>>().join("\n")
}

fn cut(text: &str, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    let max = kwargs.must_get::<usize>("max")?.max(1);
    if text.chars().count() <= max {
        return Ok(text.to_owned());
    }
    Ok(text.chars().take(max - 1).chain(['…']).collect())
}

fn paragraphs(text: &str, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let style = kwargs.get::<&str>("style")?.unwrap_or("");
    Ok(Value::safe_string(&html::paragraphs(text.trim_matches('\n'), style)))
}
