//! What elements are: blocks, void ones, and the quotes and signatures of the common mail programs, which they mark by
//! class, id or style.
//!
//! Knows single tags; keeps nothing between them.

use super::Mark;
use html5ever::tokenizer::Tag;

/// What an open element does to the text inside it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenKind {
    /// Not shown.
    Hidden,
    /// A quote or a signature.
    Marked(Mark),
    /// Marked until the first quote inside it.
    Introduction,
}

pub(super) fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// What an element is by its class, id or style, in the words of the common mail programs.
pub(super) fn role(name: &str, tag: &Tag) -> Option<OpenKind> {
    let (mut class, mut id, mut style) = ("", "", "");
    for attribute in &tag.attrs {
        match &*attribute.name.local {
            "class" => class = &attribute.value,
            "id" => id = &attribute.value,
            "style" => style = &attribute.value,
            "data-smartmail" if &*attribute.value == "gmail_signature" => {
                return Some(OpenKind::Marked(Mark::Signature));
            }
            _ => {}
        }
    }
    let id = id.strip_prefix("x_").unwrap_or(id);
    let has =
        |wanted: &str| class.split_ascii_whitespace().any(|c| c.strip_prefix("x_").unwrap_or(c) == wanted);
    if is_hidden(style) {
        return Some(OpenKind::Hidden);
    }
    if name == "blockquote" {
        return None;
    }
    let rest = matches!(
        id,
        "divRplyFwdMsg"
            | "OLK_SRC_BODY_SECTION"
            | "appendonsend"
            | "mail-editor-reference-message-container"
            | "reply-intro"
    ) || has("OutlookMessageHeader")
        || class.split_ascii_whitespace().any(|c| c.ends_with("yahoo_quoted"))
        || has("gmail_quote_container_rest")
        || is_outlook_line(style);
    if rest {
        return Some(OpenKind::Marked(Mark::Rest));
    }
    if has("gmail_attr")
        || has("moz-cite-prefix")
        || has("moz-forward-container")
        || has("protonmail_quote_header")
    {
        return Some(OpenKind::Marked(Mark::Quote));
    }
    if has("gmail_quote") || has("protonmail_quote") || has("zmail_extra") || has("tutanota_quote") {
        return Some(OpenKind::Introduction);
    }
    let signature = has("gmail_signature")
        || has("moz-signature")
        || has("protonmail_signature_block")
        || matches!(
            id,
            "AppleMailSignature"
                | "ms-outlook-mobile-signature"
                | "Signature"
                | "lineBreakAtBeginningOfSignature"
        );
    signature.then_some(OpenKind::Marked(Mark::Signature))
}

fn is_hidden(style: &str) -> bool {
    let Some((_, after)) = style.split_once("display") else { return false };
    after.trim_start().strip_prefix(':').is_some_and(|value| value.trim_start().starts_with("none"))
}

/// The line that desktop Outlook draws above the mail it answers.
fn is_outlook_line(style: &str) -> bool {
    let tight: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    tight.contains("border:none;border-top:solid") && tight.contains("padding:3.0pt0")
}

pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "body"
            | "center"
            | "dd"
            | "div"
            | "dt"
            | "fieldset"
            | "footer"
            | "form"
            | "header"
            | "html"
            | "li"
            | "main"
            | "nav"
            | "option"
            | "section"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "tr"
    )
}
