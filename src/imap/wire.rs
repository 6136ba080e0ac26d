//! Bytes to frames: one frame is one response line with its literals. Knows how much may come and how long it may
//! take, and nothing of what it means.
//!
//! Every read ends: by data, by the end of the connection, by a wait or by a bound. A literal takes memory as it
//! arrives, not as it is announced.

use super::error::ImapError;
use super::response::uid_before_literal;
use crate::net::BoxStream;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout_at};

/// The longest line without its literals. Bytes; [`super::search::WINDOW`] UIDs fit.
pub const LINE_MAX: usize = 1 << 20;
/// The most literals in one response.
pub const LITERALS_MAX: usize = 64;
/// The largest literal where no mail is fetched: folder names, texts. Bytes.
pub const SMALL_LITERAL_MAX: u64 = 64 * 1024;
/// What may come in answer to one command, mails not counted. Bytes.
pub const ANSWER_MAX: u64 = 32 << 20;
const READ_BUFFER: usize = 32 * 1024;

/// One response: the line, with `{n}` left where a literal stood, and the literals in order.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub line: Vec<u8>,
    pub literals: Vec<Vec<u8>>,
}

/// What the present command may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// What is waited for, for the error.
    pub what: &'static str,
    /// For all of it.
    pub time: Duration,
    /// Without one byte.
    pub stall: Duration,
    /// Bytes read in all.
    pub bytes: u64,
    /// Bytes of one literal.
    pub literal: u64,
}

pub(super) struct Wire {
    stream: BufReader<BoxStream>,
    budget: Budget,
    deadline: Instant,
    left: u64,
}

impl Wire {
    pub(super) fn new(stream: BoxStream, budget: Budget) -> Self {
        let stream = BufReader::with_capacity(READ_BUFFER, stream);
        Self { stream, budget, deadline: Instant::now() + budget.time, left: budget.bytes }
    }

    /// Starts counting anew.
    pub(super) fn allow(&mut self, budget: Budget) {
        self.budget = budget;
        self.deadline = Instant::now() + budget.time;
        self.left = budget.bytes;
    }

    /// The stream, for TLS to be put on. Anything already read came in clear and before it was asked for: somebody on
    /// the way put it there (CVE-2011-0411).
    pub(super) fn into_inner(self) -> Result<BoxStream, ImapError> {
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(ImapError::Protocol("data after STARTTLS and before TLS".to_owned()))
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), ImapError> {
        let until = self.deadline;
        let what = self.budget.what;
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout_at(until, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ImapError::from_read(&error)),
            Err(_) => Err(ImapError::TimedOut { what }),
        }
    }

    pub(super) async fn frame(&mut self) -> Result<Frame, ImapError> {
        let mut frame = Frame::default();
        loop {
            let piece_start = frame.line.len();
            self.line(&mut frame.line).await?;
            let piece = frame.line.get(piece_start..).unwrap_or_default();
            let Some(size) = announced(piece).filter(|_| !is_sentence(&frame.line)) else { return Ok(frame) };
            if size > self.budget.literal {
                return Err(ImapError::TooLarge { uid: uid_before_literal(&frame.line).unwrap_or(0), size });
            }
            if frame.literals.len() >= LITERALS_MAX {
                return Err(ImapError::Protocol("too many literals in one response".to_owned()));
            }
            let literal = self.literal(size).await?;
            frame.literals.push(literal);
        }
    }

    /// Appends one line without its line end.
    async fn line(&mut self, line: &mut Vec<u8>) -> Result<(), ImapError> {
        loop {
            self.fill().await?;
            let ready = self.stream.buffer();
            let end = ready.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(ready.len(), |at| at.saturating_add(1));
            line.extend_from_slice(ready.get(..taken).unwrap_or_default());
            self.stream.consume(taken);
            if line.len() > LINE_MAX {
                return Err(ImapError::Protocol(format!("a line of more than {LINE_MAX} bytes")));
            }
            if end.is_some() {
                line.pop();
                line.pop_if(|byte| *byte == b'\r');
                return Ok(());
            }
        }
    }

    async fn literal(&mut self, size: u64) -> Result<Vec<u8>, ImapError> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(size.min(READ_BUFFER));
        while bytes.len() < size {
            self.fill().await?;
            let ready = self.stream.buffer();
            let taken = ready.len().min(size.saturating_sub(bytes.len()));
            bytes.extend_from_slice(ready.get(..taken).unwrap_or_default());
            self.stream.consume(taken);
        }
        Ok(bytes)
    }

    /// Waits until a frame has begun to arrive. Nothing is lost when the wait is given up.
    pub(super) async fn readable(&mut self) -> Result<(), ImapError> {
        self.fill().await
    }

    /// Waits until at least one byte can be read.
    async fn fill(&mut self) -> Result<(), ImapError> {
        if !self.stream.buffer().is_empty() {
            return Ok(());
        }
        let until = self.deadline.min(Instant::now() + self.budget.stall);
        let count = match timeout_at(until, self.stream.fill_buf()).await {
            Ok(Ok(bytes)) => bytes.len(),
            Ok(Err(error)) => return Err(ImapError::from_read(&error)),
            Err(_) => return Err(ImapError::TimedOut { what: self.budget.what }),
        };
        if count == 0 {
            return Err(ImapError::Closed(format!("by the server, during {}", self.budget.what)));
        }
        self.left = self.left.checked_sub(u64::try_from(count).unwrap_or(u64::MAX)).ok_or_else(|| {
            ImapError::Protocol(format!("too many bytes in answer to {}", self.budget.what))
        })?;
        Ok(())
    }
}

/// The size of the literal that this piece of a line ends by announcing: `{12}`, `{12+}`, `~{12}`.
fn announced(piece: &[u8]) -> Option<u64> {
    let inner = piece.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|byte| *byte == b'{')?;
    let digits = inner.get(open.checked_add(1)?..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than fit announce more than is allowed.
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX))
}

/// Whether the line is a status or a continuation, whose human text may end in `{12}` without a literal behind it.
fn is_sentence(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    first == b"+"
        || first != b"*"
        || [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|w| second.eq_ignore_ascii_case(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line_only() {
        assert_eq!(announced(b"* 1 FETCH (BODY[] {12}"), Some(12));
        assert_eq!(announced(b"* LIST () \".\" ~{3+}"), Some(3));
        assert_eq!(announced(b"* 1 FETCH (BODY[] {99999999999999999999999}"), Some(u64::MAX));
        for none in [&b"* OK {12} x"[..], b"{}", b"{-1}", b"{1a}", b"}", b""] {
            assert_eq!(announced(none), None);
        }
        assert!(is_sentence(b"* OK thank you {12}"));
        assert!(is_sentence(b"P4 NO {12}"));
        assert!(!is_sentence(b"* 1 FETCH (BODY[] {12}"));
    }
}
