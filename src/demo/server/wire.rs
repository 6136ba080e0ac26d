//! The server's side of a connection: lines in, bytes out, and the ways in which bytes may fail to arrive. Knows no
//! protocol.

use crate::net::BoxStream;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio_rustls::TlsAcceptor;

/// The longest command line. Bytes.
const LINE_MAX: u64 = 1 << 20;
/// The largest literal or mail. Bytes.
pub(super) const LITERAL_MAX: usize = 256 << 20;
/// Output is sent on when it has grown to this. Bytes.
const SEND_AT: usize = 256 * 1024;

/// How the present answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Whole,
    /// The connection ends after so many bytes.
    CutAfter(usize),
    /// So many bytes at a time, each after this long.
    Drip(usize, Duration),
    /// Not at all.
    Mute,
}

pub(super) struct Wire {
    stream: BufReader<BoxStream>,
    out: Vec<u8>,
    pub(super) flow: Flow,
}

pub(super) fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "ended by the server")
}

impl Wire {
    pub(super) fn new(stream: BoxStream) -> Self {
        Self { stream: BufReader::with_capacity(32 * 1024, stream), out: Vec::new(), flow: Flow::Whole }
    }

    /// Goes on over TLS. What was sent in clear before is dropped.
    pub(super) async fn secure(self, config: &Arc<rustls::ServerConfig>) -> io::Result<Self> {
        let stream = TlsAcceptor::from(Arc::clone(config)).accept(self.stream.into_inner()).await?;
        Ok(Self::new(Box::new(stream)))
    }

    pub(super) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.out.extend_from_slice(bytes.as_ref());
    }

    /// Says a whole line.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.say(text.as_ref());
        self.say("\r\n");
    }

    /// Sends what was said if it has become much.
    pub(super) async fn send_if_much(&mut self) -> io::Result<()> {
        if self.out.len() >= SEND_AT { self.send().await } else { Ok(()) }
    }

    /// Sends what was said, as the flow has it.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        let out = std::mem::take(&mut self.out);
        match self.flow {
            Flow::Whole => self.stream.write_all(&out).await?,
            Flow::Mute => {}
            Flow::CutAfter(most) if out.len() > most => {
                self.stream.write_all(out.get(..most).unwrap_or(&out)).await?;
                self.stream.flush().await?;
                return Err(ended());
            }
            Flow::CutAfter(most) => {
                self.stream.write_all(&out).await?;
                self.flow = Flow::CutAfter(most.saturating_sub(out.len()));
            }
            Flow::Drip(size, every) => {
                for piece in out.chunks(size.max(1)) {
                    tokio::time::sleep(every).await;
                    self.stream.write_all(piece).await?;
                    self.stream.flush().await?;
                }
            }
        }
        self.stream.flush().await
    }

    /// The next line with its line end; `None` at the end of the connection.
    pub(super) async fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_MAX).read_until(b'\n', &mut line).await?;
        if line.ends_with(b"\n") { Ok(Some(line)) } else { Ok(None) }
    }

    pub(super) async fn read_exact(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0_u8; count.min(LITERAL_MAX)];
        self.stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
}
