//! What lies between lettre and the connection: replies are made plain on their way in, and the end of each mail is
//! noticed on its way out. Knows lines and bytes, not what they mean.
//!
//! lettre takes one Latin-1 letter in `250 entregado` for a broken connection, and a reply `250` without a space
//! for none; the mail would be sent again. It reads a line of any length into memory. So: what is not printable ASCII
//! becomes `?`, a missing space or CR is put in, long lines are cut and endless ones refused.

use crate::net::BoxStream;
use lettre::transport::smtp::client::AsyncTokioStream;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is kept of one line of a reply; the rest is dropped. Bytes.
pub const REPLY_LINE_MAX: usize = 500;
/// What may come between two commands. Bytes.
pub const REPLY_MAX: usize = 64 * 1024;
const READ_BUFFER: usize = 4096;
const DOT: [u8; 5] = *b"\r\n.\r\n";

/// What the wire has seen, for the connection above lettre.
#[derive(Debug, Default)]
pub(super) struct Tap {
    /// Replies since the last command, made plain.
    pub heard: Vec<u8>,
    /// The last bytes that went out.
    tail: [u8; 5],
    /// Nothing was heard since something went out.
    fresh: bool,
    /// Bytes received since something went out.
    count: usize,
}

impl Tap {
    /// Whether the last thing sent was the end of a mail. Dot-stuffing keeps these five bytes out of the mail itself.
    pub(super) fn dot_has_left(&self) -> bool {
        self.tail == DOT
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.fresh = true;
        for byte in bytes.iter().rev().take(DOT.len()).rev() {
            self.tail.rotate_left(1);
            if let Some(last) = self.tail.last_mut() {
                *last = *byte;
            }
        }
    }

    fn received(&mut self, count: usize, plain: &[u8]) -> io::Result<()> {
        if std::mem::take(&mut self.fresh) {
            self.heard.clear();
            self.count = 0;
        }
        self.count = self.count.saturating_add(count);
        if self.count > REPLY_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an endless reply"));
        }
        self.heard.extend_from_slice(plain);
        Ok(())
    }
}

pub(super) struct Wire {
    inner: BoxStream,
    tap: Arc<Mutex<Tap>>,
    plainer: Plainer,
    /// Made plain and not yet read.
    ready: Vec<u8>,
}

impl Wire {
    /// `first` is read before anything else: the greeting that was already taken off the stream.
    pub(super) fn new(inner: BoxStream, tap: Arc<Mutex<Tap>>, first: &[u8]) -> Self {
        Self { inner, tap, plainer: Plainer::default(), ready: first.to_vec() }
    }

    fn tap(&self) -> std::sync::MutexGuard<'_, Tap> {
        self.tap.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.ready.is_empty() {
            let mut space = [0_u8; READ_BUFFER];
            let mut raw = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut raw))?;
            if raw.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.plainer.push(raw.filled(), &mut this.ready);
            let heard = this.tap().received(raw.filled().len(), &this.ready);
            heard?;
        }
        let count = this.ready.len().min(out.remaining());
        let rest = this.ready.split_off(count);
        out.put_slice(&this.ready);
        this.ready = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?;
        this.tap().sent(bytes.get(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "not every stream has an address"))
    }
}

/// Makes replies plain, byte by byte.
#[derive(Debug, Default)]
struct Plainer {
    column: usize,
}

impl Plainer {
    fn push(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        for byte in raw {
            match byte {
                b'\r' => {}
                b'\n' => {
                    if self.column == 3 {
                        out.push(b' ');
                    }
                    out.extend_from_slice(b"\r\n");
                    self.column = 0;
                }
                byte => self.text(*byte, out),
            }
        }
    }

    fn text(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.column == 3 && byte != b' ' && byte != b'-' {
            out.push(b' ');
        }
        if self.column < REPLY_LINE_MAX {
            out.push(if matches!(byte, b' '..=b'~') { byte } else { b'?' });
        }
        self.column = self.column.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(raw: &[u8]) -> String {
        let mut out = Vec::new();
        let mut plainer = Plainer::default();
        for byte in raw {
            plainer.push(&[*byte], &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn odd_replies_become_plain_ones() {
        assert_eq!(plain(b"250 OK\r\n"), "250 OK\r\n");
        assert_eq!(plain(b"250-a\r\n250 b\r\n"), "250-a\r\n250 b\r\n");
        assert_eq!(plain(b"250\r\n"), "250 \r\n");
        assert_eq!(plain(b"250\n"), "250 \r\n");
        assert_eq!(plain(b"250Aceptado\r\n"), "250 Aceptado\r\n");
        assert_eq!(plain(b"250 recibi\xf3 \x1b[1m\t\r\n"), "250 recibi? ?[1m?\r\n");
        assert_eq!(plain(&[b"250 ".as_slice(), &[b'x'; 9000], b"\r\n"].concat()).len(), REPLY_LINE_MAX + 2);
    }

    #[test]
    fn the_dot_is_noticed_however_it_is_cut() {
        for pieces in [&[&b"mail\r\n.\r\n"[..]][..], &[b"mail", b"\r", b"\n.", b"\r\n"], &[b"\r\n.\r", b"\n"]]
        {
            let mut tap = Tap::default();
            for piece in pieces {
                assert!(!tap.dot_has_left());
                tap.sent(piece);
            }
            assert!(tap.dot_has_left());
            tap.sent(b"QUIT\r\n");
            assert!(!tap.dot_has_left());
        }
    }
}
