//! Plain text into small, safe HTML: paragraphs, line breaks, links to http(s) and mail addresses. Nothing else of the
//! text can become markup.

use std::borrow::Cow;

/// Escapes text for an HTML element or a quoted attribute.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Most links made of one text: each is many times as long as its word, and nobody follows more.
pub const LINKS_MAX: usize = 500;

/// Text as paragraphs: an empty line ends one, a line end is a `<br>`, several spaces at a line's start are kept.
/// `style` is put on each paragraph and comes from our own templates.
pub fn paragraphs(text: &str, style: &str) -> String {
    let attribute = if style.is_empty() { String::new() } else { format!(" style=\"{}\"", escape(style)) };
    let mut out = String::with_capacity(text.len() * 2);
    let mut links = LINKS_MAX;
    let mut open = false;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            if open {
                out.push_str("</p>\n");
            }
            open = false;
            continue;
        }
        out.push_str(if open { "<br>\n" } else { "<p" });
        if !open {
            out.push_str(&attribute);
            out.push('>');
        }
        open = true;
        line_into(&mut out, line, &mut links);
    }
    if open {
        out.push_str("</p>\n");
    }
    out
}

fn line_into(out: &mut String, line: &str, links: &mut usize) {
    let text = line.trim_start_matches([' ', '\t']);
    for c in line.chars().take(line.len() - text.len()).take(40) {
        out.push_str(if c == '\t' { "&nbsp;&nbsp;&nbsp;&nbsp;" } else { "&nbsp;" });
    }
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        word_into(out, word, links);
    }
}

/// One word; the part of it that is an address or a link becomes one.
fn word_into(out: &mut String, word: &str, links: &mut usize) {
    let start = word.trim_start_matches(['(', '<', '[', '"', '\'', '«', '“', '¿', '¡']);
    let core = start.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '>', ']', '"', '\'', '»', '”']);
    let href = if *links == 0 { None } else { href_of(core) };
    let Some(href) = href else { return out.push_str(&escape(word)) };
    *links -= 1;
    let before = word.len() - start.len();
    out.push_str(&escape(word.get(..before).unwrap_or_default()));
    out.push_str(&format!("<a href=\"{}\" rel=\"nofollow noreferrer\">{}</a>", escape(&href), escape(core)));
    out.push_str(&escape(start.get(core.len()..).unwrap_or_default()));
}

/// Where a word leads: only http, https and mailto (a `javascript:` link passes any escaping).
fn href_of(word: &str) -> Option<String> {
    let lower = word.get(..8).unwrap_or(word).to_ascii_lowercase();
    let has_host = |prefix: &str| lower.starts_with(prefix) && word.len() > prefix.len() + 2;
    if has_host("https://") || has_host("http://") {
        return Some(word.to_owned());
    }
    let looks_like_address = word.len() <= 254
        && !word.contains([':', '/', '?', '&', '=', '%'])
        && word.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    (looks_like_address && crate::address::Address::parse(word).is_some()).then(|| format!("mailto:{word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_paragraphs_and_links_and_no_other_markup() {
        let html = paragraphs(
            "Hola <b>Ana</b>:\n  vea (https://x.example/a?b=1&c=2).\n\nescriba a ana@x.example, gracias\njavascript:alert(1)",
            "margin:0",
        );
        insta::assert_snapshot!(html, @r#"
        <p style="margin:0">Hola &lt;b&gt;Ana&lt;/b&gt;:<br>
        &nbsp;&nbsp;vea (<a href="https://x.example/a?b=1&amp;c=2" rel="nofollow noreferrer">https://x.example/a?b=1&amp;c=2</a>).</p>
        <p style="margin:0">escriba a <a href="mailto:ana@x.example" rel="nofollow noreferrer">ana@x.example</a>, gracias<br>
        javascript:alert(1)</p>
        "#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_another_element(text in "[<>&\"'a-z:/@. \n\t]{0,200}") {
            let html = paragraphs(&text, "");
            for tag in html.split('<').skip(1) {
                let known = ["p>", "/p>", "br>", "a href=\"http", "a href=\"mailto:", "/a>"];
                assert!(known.iter().any(|k| tag.starts_with(k)), "{html}");
            }
        }
    }
}
