//! A line to the servers that goes bad: after so many bytes from the server it ends, lies, falls silent or drips. Below
//! TLS, so that it can do so in the midst of a handshake or of a record.

use futures::future::BoxFuture;
use postdesk::loops::Waits;
use postdesk::net::{BoxStream, Dial, Dialled, TcpDial};
use postdesk::{imap, smtp};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Long enough for a loaded machine, short enough for a test that waits for it.
const SHORT: Duration = Duration::from_millis(600);

/// So long for each byte, and the bound is reached before a line is whole.
pub const DRIP: Duration = Duration::from_millis(60);

/// Bounds that a test can wait for.
pub const IMPATIENT: Waits = Waits {
    imap: imap::Waits {
        handshake: SHORT,
        greeting: SHORT,
        command: SHORT,
        mail: SHORT,
        stall: SHORT,
        idle: SHORT,
    },
    smtp: smtp::Waits { handshake: SHORT, command: SHORT, quit: SHORT, mail: SHORT },
};

/// What the line does once it has gone bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    Ends,
    Lies,
    Silent,
    Drips,
}

/// Opens connections; the next one to an armed port goes bad.
#[derive(Clone, Default)]
pub struct Line {
    armed: Arc<Mutex<Option<(u16, usize, Turns)>>>,
    fired: Arc<Mutex<bool>>,
}

impl Line {
    /// The next connection to `port` goes bad after `bytes` bytes.
    pub fn goes_bad(&self, port: u16, bytes: usize, turns: Turns) {
        *self.armed.lock().unwrap() = Some((port, bytes, turns));
        *self.fired.lock().unwrap() = false;
    }

    /// Whether it came to that.
    pub fn went_bad(&self) -> bool {
        *self.fired.lock().unwrap()
    }
}

impl Dial for Line {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Dialled>> {
        Box::pin(async move {
            let dialled = TcpDial.dial(host, port).await?;
            let armed = self.armed.lock().unwrap().take_if(|(at, _, _)| *at == port);
            let Some((_, left, turns)) = armed else { return Ok(dialled) };
            let fired = Arc::clone(&self.fired);
            let stream = Box::new(Bad { inner: dialled.stream, left, turns, fired, pause: None });
            Ok(Dialled { stream, loopback: dialled.loopback })
        })
    }
}

struct Bad {
    inner: BoxStream,
    left: usize,
    turns: Turns,
    fired: Arc<Mutex<bool>>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Bad {
    /// At most `most` bytes into `out`, each changed by `change`.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
        most: usize,
        change: u8,
    ) -> Poll<io::Result<()>> {
        let mut space = vec![0_u8; most.min(out.remaining())];
        let mut raw = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut raw))?;
        self.left = self.left.saturating_sub(raw.filled().len());
        let bytes: Vec<u8> = raw.filled().iter().map(|byte| byte ^ change).collect();
        out.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Bad {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.left > 0 {
            let left = this.left;
            return this.read(cx, out, left, 0);
        }
        *this.fired.lock().unwrap() = true;
        match this.turns {
            Turns::Ends => Poll::Ready(Ok(())),
            Turns::Silent => Poll::Pending,
            Turns::Lies => this.read(cx, out, usize::MAX, 0x5a),
            Turns::Drips => {
                let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(DRIP)));
                ready!(pause.as_mut().poll(cx));
                let read = this.read(cx, out, 1, 0);
                if read.is_ready() {
                    this.pause = None;
                }
                read
            }
        }
    }
}

impl AsyncWrite for Bad {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
