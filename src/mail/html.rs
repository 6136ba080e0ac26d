//! HTML into text, on html5ever's tokenizer (its tree builder is quadratic in depth). Linear, bounded, total.
//!
//! Knows tags and the classes by which mail programs mark quotes and signatures; what the marks mean for the text is
//! decided in `text`. The result is text for reading, never HTML made safe.

mod role;
mod convert;

use convert::Converter;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tokenizer, TokenizerOpts};
use std::ops::Range;

/// Bytes fed to the tokenizer at once.
const CHUNK_BYTES: usize = 2048;
/// Blanks, quotes and slashes in chunks that complete no tag, over a whole document. The tokenizer compares each
/// attribute of a tag with those before it, so that one tag with 100 000 attributes would take 10 s.
const TAG_SEPARATORS_MAX: usize = 20_000;

/// What a stretch of the text is by the word of the program that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The line that introduces a quote, or a quote.
    Quote,
    /// A signature.
    Signature,
    /// From here to the end: the mail that was answered.
    Rest,
}

/// HTML as text.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) text: String,
    pub(super) marks: Vec<(Range<usize>, Mark)>,
    /// Not all of it was read.
    pub(super) cut: bool,
}

/// Converts at most `max` bytes of `html`.
pub(super) fn to_text(html: &str, max: usize) -> Converted {
    let kept = html.get(..html.floor_char_boundary(max)).unwrap_or("");
    let tokenizer = Tokenizer::new(Converter::default(), TokenizerOpts::default());
    let queue = BufferQueue::default();
    let (mut separators, mut tokens) = (0_usize, 0_usize);
    for chunk in without_comments(kept).flat_map(chunks) {
        queue.push_back(StrTendril::from(chunk));
        // The tokenizer may stop in front of a script, and goes on when it is fed again.
        while !queue.is_empty() {
            let _ = tokenizer.feed(&queue);
        }
        if tokenizer.sink.tokens() == tokens {
            separators += chunk.bytes().filter(|b| b" \t\r\n/\"'".contains(b)).count();
        }
        tokens = tokenizer.sink.tokens();
        if separators > TAG_SEPARATORS_MAX {
            break;
        }
    }
    let stopped = separators > TAG_SEPARATORS_MAX;
    if !stopped {
        tokenizer.end();
    }
    let mut converted = tokenizer.sink.finish();
    converted.cut = stopped || html.len() > max;
    converted
}

/// `text` in pieces of [`CHUNK_BYTES`] at most.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (chunk, after) = rest.split_at_checked(rest.floor_char_boundary(CHUNK_BYTES))?;
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The stretches outside comments. Word writes conditional comments of many kilobytes, of which nothing is text.
fn without_comments(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(html);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((piece, comment)) = text.split_once("<!--") else { return Some(text) };
        rest = comment.split_once("-->").map(|(_, after)| after);
        Some(piece)
    })
}

#[cfg(test)]
mod tests;
