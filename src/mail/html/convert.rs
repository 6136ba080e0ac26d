//! The sink of the tokenizer: writes text while tags pass by.
//!
//! Keeps no tree. What must be closed again (hidden parts, quotes, signatures) is a short stack that counts tags of
//! its own name, so that stray end tags do no harm.

use super::role::{OpenKind, attribute, is_block, is_void, role};
use super::{Converted, Mark};
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{EndTag, StartTag, Tag, Token, TokenSink, TokenSinkResult};
use std::cell::RefCell;

/// Quote marks written before a line at most; deeper quotes are shown at this depth.
const DEPTH_MAX: usize = 10;
/// Lists and marked elements remembered at once.
const OPEN_MAX: usize = 200;
/// Longest address of a link that is written out, in bytes.
const LINK_MAX_BYTES: usize = 500;

/// The sink.
#[derive(Default)]
pub(super) struct Converter(RefCell<State>);

impl Converter {
    pub(super) fn tokens(&self) -> usize {
        self.0.borrow().tokens
    }

    pub(super) fn finish(self) -> Converted {
        let mut state = self.0.into_inner();
        while let Some(open) = state.open.pop() {
            state.close(&open);
        }
        if !state.out.text.is_empty() && !state.out.text.ends_with('\n') {
            state.out.text.push('\n');
        }
        state.out
    }
}

impl TokenSink for Converter {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => {
                state.tokens += 1;
                state.characters(&text);
            }
            Token::TagToken(tag) => {
                state.tokens += 1;
                match tag.kind {
                    StartTag => return state.start(&tag),
                    EndTag => state.end(&tag.name),
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// An element that was opened and does something when it is closed.
struct Open {
    tag: String,
    /// Elements of the same name inside it.
    inner: usize,
    kind: OpenKind,
    at: usize,
}

#[derive(Default)]
struct State {
    out: Converted,
    tokens: usize,
    open: Vec<Open>,
    hidden: usize,
    /// Quotes around the place.
    depth: usize,
    /// Depth of the last line written.
    line_depth: usize,
    preformatted: usize,
    /// Line breaks owed before the next word.
    breaks: usize,
    space: bool,
    /// Open lists; a number counts the items of a numbered one.
    lists: Vec<Option<u32>>,
    /// The target of the open link and where its text began.
    link: Option<(String, usize)>,
}

impl State {
    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        match name {
            "script" => return self.raw(name, RawKind::ScriptData),
            "style" | "noembed" | "noframes" | "xmp" => return self.raw(name, RawKind::Rawtext),
            "title" => return self.raw(name, RawKind::Rcdata),
            _ => {}
        }
        if let Some(open) = self.open.last_mut()
            && open.tag == name
        {
            open.inner += 1;
        }
        if self.hidden == 0 {
            self.layout(name, tag);
        }
        if !is_void(name)
            && let Some(kind) = role(name, tag)
        {
            self.push_open(name, kind);
        }
        TokenSinkResult::Continue
    }

    fn raw(&mut self, name: &str, kind: RawKind) -> TokenSinkResult<()> {
        self.push_open(name, OpenKind::Hidden);
        TokenSinkResult::RawData(kind)
    }

    fn push_open(&mut self, name: &str, kind: OpenKind) {
        if self.open.len() >= OPEN_MAX {
            return;
        }
        if kind == OpenKind::Hidden {
            self.hidden += 1;
        } else {
            self.block(1);
        }
        self.open.push(Open { tag: name.to_owned(), inner: 0, kind, at: self.out.text.len() });
    }

    /// What a start tag does to the flow of text.
    fn layout(&mut self, name: &str, tag: &Tag) {
        match name {
            "br" => self.breaks = (self.breaks + 1).min(3),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dl" | "figure" => self.block(2),
            "blockquote" => {
                self.end_introduction();
                self.block(1);
                self.depth += 1;
            }
            "ul" | "ol" => {
                self.block(1);
                if self.lists.len() < OPEN_MAX {
                    self.lists.push((name == "ol").then_some(0));
                }
            }
            "li" => self.item(),
            "td" | "th" => self.space = true,
            "hr" => {
                self.block(1);
                self.word("-----");
                self.block(1);
            }
            "pre" => {
                self.block(1);
                self.preformatted += 1;
            }
            "a" => {
                self.end_link();
                self.link = attribute(tag, "href").map(|href| (href.trim().to_owned(), self.out.text.len()));
            }
            "img" => {
                if let Some(alt) = attribute(tag, "alt").map(str::trim).filter(|alt| !alt.is_empty()) {
                    self.flow(&format!("[{alt}]"));
                }
            }
            _ if is_block(name) => self.block(1),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "blockquote" => {
                self.depth = self.depth.saturating_sub(1);
                self.block(1);
            }
            "ul" | "ol" => {
                self.lists.pop();
                self.block(1);
            }
            "pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.block(1);
            }
            "a" => self.end_link(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.block(2),
            _ if is_block(name) => self.block(1),
            _ => {}
        }
        let Some(open) = self.open.last_mut().filter(|open| open.tag == name) else { return };
        if open.inner > 0 {
            open.inner -= 1;
        } else if let Some(open) = self.open.pop() {
            self.close(&open);
        }
    }

    fn close(&mut self, open: &Open) {
        match open.kind {
            OpenKind::Hidden => self.hidden = self.hidden.saturating_sub(1),
            OpenKind::Marked(Mark::Rest) => {
                let from = self.first_word(open.at);
                self.out.marks.push((from..usize::MAX, Mark::Rest));
            }
            OpenKind::Marked(mark) => self.mark(open.at, mark),
            OpenKind::Introduction => self.mark(open.at, Mark::Quote),
        }
    }

    /// The line break before an element is written with its first word, and belongs to the line above.
    fn first_word(&self, from: usize) -> usize {
        let text = self.out.text.get(from..).unwrap_or("");
        from.saturating_add(text.len() - text.trim_start_matches('\n').len())
    }

    fn mark(&mut self, from: usize, mark: Mark) {
        self.block(1);
        let from = self.first_word(from);
        if from < self.out.text.len() {
            self.out.marks.push((from..self.out.text.len(), mark));
        }
    }

    /// The quote itself begins: the element around it introduces nothing any more.
    fn end_introduction(&mut self) {
        if let Some(open) = self.open.last_mut().filter(|open| open.kind == OpenKind::Introduction) {
            let at = std::mem::replace(&mut open.at, usize::MAX);
            self.mark(at, Mark::Quote);
        }
    }

    fn item(&mut self) {
        self.block(1);
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(DEPTH_MAX));
        let bullet = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{indent}{number}. ")
            }
            _ => format!("{indent}- "),
        };
        self.word(&bullet);
    }

    /// Writes where a link leads, unless its text says it.
    fn end_link(&mut self) {
        let Some((href, at)) = self.link.take() else { return };
        let said = self.out.text.get(at..).unwrap_or("").trim().to_owned();
        let bare = href.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
        let web = href.starts_with("http://") || href.starts_with("https://");
        if web && !said.is_empty() && !said.contains(bare) && href.len() <= LINK_MAX_BYTES {
            self.flow(&format!(" <{href}>"));
        }
    }

    fn block(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
        self.space = false;
    }

    fn characters(&mut self, text: &str) {
        if self.hidden > 0 {
            return;
        }
        if self.preformatted == 0 {
            // Separators of lines and paragraphs are shown as ends of lines.
            let mut lines = text.split(['\u{2028}', '\u{2029}']);
            lines.next().into_iter().for_each(|first| self.flow(first));
            for line in lines {
                self.block(1);
                self.flow(line);
            }
            return;
        }
        let mut lines = text.split(['\n', '\u{2028}', '\u{2029}']);
        if let Some(first) = lines.next() {
            self.word(first.trim_end_matches('\r'));
        }
        for line in lines {
            self.breaks = (self.breaks + 1).min(3);
            self.word(line.trim_end_matches('\r'));
        }
    }

    /// Text with its white space collapsed.
    fn flow(&mut self, text: &str) {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}');
        if text.starts_with(blank) {
            self.space = true;
        }
        for word in text.split(blank).filter(|word| !word.is_empty()) {
            // Word fills its empty paragraphs with a no-break space.
            if word.chars().all(|c| c == '\u{a0}') {
                self.space = true;
                continue;
            }
            self.word(word);
            self.space = true;
        }
        self.space = self.space && text.ends_with(|c| blank(c) || c == '\u{a0}');
    }

    /// Writes one word, with the breaks, quote marks or space owed before it.
    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        let depth = self.depth.min(DEPTH_MAX);
        if self.out.text.is_empty() {
            self.prefix(depth);
        } else if self.breaks > 0 || depth != self.line_depth {
            self.line_breaks(depth);
        } else if self.space && !self.out.text.ends_with(' ') {
            self.out.text.push(' ');
        }
        (self.breaks, self.space) = (0, false);
        self.out.text.extend(
            word.chars()
                .map(|c| if c == '\u{a0}' { ' ' } else { c })
                .filter(|c| *c == '\t' || !c.is_control()),
        );
    }

    fn line_breaks(&mut self, depth: usize) {
        self.out.text.push('\n');
        for _ in 1..self.breaks {
            let quoted = ">".repeat(depth.min(self.line_depth));
            self.out.text.push_str(&quoted);
            self.out.text.push('\n');
        }
        self.prefix(depth);
    }

    fn prefix(&mut self, depth: usize) {
        self.line_depth = depth;
        if depth > 0 {
            self.out.text.push_str(&">".repeat(depth));
            self.out.text.push(' ');
        }
    }
}
