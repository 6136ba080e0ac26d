//! The frame that every page stands in.

use super::view::View;
use super::words::words;
use crate::compose::html::escape;
use crate::language::Language;

/// A whole page around `main`, which is HTML already.
pub(super) fn page(view: &View<'_>, title: &str, main: &str) -> String {
    let words = words(view.language);
    let desk = escape(&view.config.desk.name);
    let root = escape(view.root);
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex, nofollow\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · {desk}</title>\n\
         <link rel=\"icon\" href=\"{root}/icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"{root}/style.css\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">{skip}</a>\n\
         <header><div class=\"bar\"><a class=\"desk\" href=\"{home}\">{desk}</a>\n{switch}</div></header>\n\
         <main id=\"main\" tabindex=\"-1\">\n{main}</main>\n\
         <footer><p>{about}</p></footer>\n</body>\n</html>\n",
        lang = view.language,
        title = escape(title),
        skip = words.skip,
        home = escape(&view.href("/")),
        switch = switch(view),
        about = words.about,
    )
}

/// Links to this page in each language, each named in itself.
fn switch(view: &View<'_>) -> String {
    let link = |language: Language| {
        let current = if language == view.language { " aria-current=\"true\"" } else { "" };
        let name = words(language).own_name;
        let href = view.switch(language);
        format!(
            "<a href=\"{}\" hreflang=\"{language}\" lang=\"{language}\"{current}>{name}</a>",
            escape(&href)
        )
    };
    format!(
        "<nav class=\"languages\" aria-label=\"{}\">{}</nav>",
        words(view.language).languages,
        [Language::Es, Language::En, Language::Pt].map(link).join("\n")
    )
}
