//! As much of Rust as the layering test needs: tokens, `mod` lines, and every path that the code names, with `use`
//! trees written out. Comments, texts and whatever stands under `#[cfg(test)]` are left out.

/// What a file declares and names.
pub struct Code {
    /// Modules declared with `mod name;`, in order.
    pub modules: Vec<String>,
    /// Modules declared with `mod name;` under `#[cfg(test)]`.
    pub test_modules: Vec<String>,
    /// Every path of two segments or more, and every single name that `use` brings in.
    pub paths: Vec<Path>,
}

/// `std::fs::read`, and the line it starts in.
#[derive(Debug)]
pub struct Path {
    pub segments: Vec<String>,
    pub line: usize,
}

/// A word, `::`, or one other character.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Reads a file.
pub fn code(text: &str) -> Code {
    let tokens = tokens(text);
    if is_cfg_test(&tokens, 0, true) {
        return Code { modules: Vec::new(), test_modules: Vec::new(), paths: Vec::new() };
    }
    let (kept, dropped) = without_tests(&tokens);
    Code { modules: modules(&kept), test_modules: modules(&dropped), paths: paths(&kept) }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line, mut tokens) = (0, 1, Vec::new());
    while at < chars.len() {
        let end = token_end(&chars, at);
        let token: String = chars[at..end].iter().collect();
        let is_word = token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let is_text = token.ends_with(['"', '#']) && token.contains('"') || token.starts_with('\'');
        if (is_word || token.chars().count() == 1 || token == "::") && !is_text && !token.trim().is_empty() {
            tokens.push(Token { text: token.clone(), line });
        }
        line += token.matches('\n').count();
        at = end;
    }
    tokens
}

/// Where the token, comment, text or space that begins at `at` ends.
fn token_end(chars: &[char], at: usize) -> usize {
    let next = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    let until = |from: usize, stop: &dyn Fn(usize) -> bool| {
        (from..chars.len()).find(|index| stop(*index)).unwrap_or(chars.len())
    };
    match (next(0), next(1)) {
        ('/', '/') => until(at, &|i| chars[i] == '\n'),
        ('/', '*') => comment_end(chars, at),
        (':', ':') => at + 2,
        ('"', _) => text_end(chars, at + 1),
        ('b' | 'c', '"') => text_end(chars, at + 2),
        ('r', '"' | '#') if raw_start(chars, at + 1).is_some() => raw_end(chars, at + 1),
        ('b' | 'c', 'r') if raw_start(chars, at + 2).is_some() => raw_end(chars, at + 2),
        ('\'', '\\') => until(at + 3, &|i| chars[i] == '\'') + 1,
        ('\'', _) if next(2) == '\'' => at + 3,
        (c, _) if c.is_alphanumeric() || c == '_' => {
            until(at, &|i| !chars[i].is_alphanumeric() && chars[i] != '_')
        }
        _ => at + 1,
    }
    .min(chars.len())
}

fn comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (0, at);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn text_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The number of `#` before the quote of a raw text that begins at `at`.
fn raw_start(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at.min(chars.len())..].iter().take_while(|c| **c == '#').count();
    (chars.get(at + hashes) == Some(&'"')).then_some(hashes)
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = raw_start(chars, at).unwrap_or(0);
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let from = at + hashes + 1;
    (from..chars.len()).find(|i| chars[*i..].starts_with(&close)).map_or(chars.len(), |i| i + close.len())
}

/// Whether the attribute at `at` (`#[…]`, or `#![…]` when `inner`) is a `cfg` that only tests meet.
fn is_cfg_test(tokens: &[Token], at: usize, inner: bool) -> bool {
    let text = |offset: usize| tokens.get(at + offset).map_or("", |token| token.text.as_str());
    let open = if inner { 2 } else { 1 };
    if text(0) != "#" || (inner && text(1) != "!") || text(open) != "[" || text(open + 1) != "cfg" {
        return false;
    }
    let end = closing(tokens, at + open);
    let words: Vec<&str> = tokens[at..end].iter().map(|token| token.text.as_str()).collect();
    words.contains(&"test") && !words.contains(&"not") && !words.contains(&"any")
}

/// The index behind the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// The tokens outside and inside of items under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<Token>) {
    let (mut kept, mut dropped, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        if is_cfg_test(tokens, at, false) {
            let end = item_end(tokens, at);
            dropped.extend_from_slice(&tokens[at..end]);
            at = end;
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    (kept, dropped)
}

/// Where the item whose attributes begin at `at` ends: behind its `;`, or behind its block.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" => {
                let end = closing(tokens, at);
                // A `use` tree goes on to its `;`.
                return if tokens.get(end).is_some_and(|token| token.text == ";") { end + 1 } else { end };
            }
            "(" | "[" => at = closing(tokens, at),
            _ => at += 1,
        }
    }
    tokens.len()
}

fn modules(tokens: &[Token]) -> Vec<String> {
    tokens
        .windows(3)
        .filter(|three| three[0].text == "mod" && three[2].text == ";")
        .map(|three| three[1].text.clone())
        .collect()
}

fn is_word(token: &Token) -> bool {
    token.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn paths(tokens: &[Token]) -> Vec<Path> {
    let (mut paths, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at].text == "use" {
            at = tree(tokens, at + 1, &[], &mut paths);
        } else if is_word(&tokens[at]) {
            let (segments, end) = chain(tokens, at);
            if segments.len() > 1 {
                paths.push(Path { segments, line: tokens[at].line });
            }
            at = end;
        } else {
            at += 1;
        }
    }
    paths
}

/// `a::b::c` from `at`, and the index behind it.
fn chain(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut segments = vec![tokens[at].text.clone()];
    while let [colons, word, ..] = &tokens[at + 1..]
        && colons.text == "::"
        && is_word(word)
    {
        segments.push(word.text.clone());
        at += 2;
    }
    (segments, at + 1)
}

/// A `use` tree from `at` below `prefix`: each leaf becomes a path. Gives the index behind it.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], paths: &mut Vec<Path>) -> usize {
    if tokens.get(at).is_some_and(|token| token.text == "::") {
        at += 1;
    }
    let mut segments = prefix.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    if tokens.get(at).is_some_and(is_word) {
        let (more, end) = chain(tokens, at);
        segments.extend(more);
        at = end;
        if tokens.get(at).is_some_and(|token| token.text == "::") {
            at += 1;
        }
    }
    match tokens.get(at).map(|token| token.text.as_str()) {
        Some("{") => {
            at += 1;
            while tokens.get(at).is_some_and(|token| token.text != "}") {
                at = tree(tokens, at, &segments, paths);
                if tokens.get(at).is_some_and(|token| token.text == ",") {
                    at += 1;
                }
            }
            at + 1
        }
        other => {
            // `self` in a tree is the prefix itself.
            if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
                segments.pop();
            }
            paths.push(Path { segments, line });
            let skip = match other {
                Some("*") => 1,
                Some("as") => 2,
                _ => 0,
            };
            // An unexpected token is passed over, so that the walk always ends.
            (at + skip).max(at + usize::from(skip == 0 && !matches!(other, Some("," | "}" | ";"))))
        }
    }
}
