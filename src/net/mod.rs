//! How a connection to a server comes about: name to address to stream, and TLS on top where asked for.
//!
//! Knows sockets and certificates, and no mail protocol. The protocols above take a [`BoxStream`] and a [`Dial`], so
//! that a test or a simulated network hands in its own.

mod tls;

pub use tls::{CertificateFault, HANDSHAKE_TIME_MAX, TlsError, secure};

use futures::future::BoxFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a name may take to resolve.
pub const RESOLVE_TIME_MAX: Duration = Duration::from_secs(20);
/// How long one address may take to answer before the next is tried.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(15);
/// How many addresses of one name are tried.
pub const ADDRESSES_MAX: usize = 8;

/// Bytes both ways: TCP, TLS, in memory, simulated.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// A stream whose kind does not matter.
pub type BoxStream = Box<dyn Stream>;

/// An open connection, before TLS.
pub struct Dialled {
    /// The bytes.
    pub stream: BoxStream,
    /// Whether the other end is this machine; only then may anything secret go without TLS.
    pub loopback: bool,
}

/// Opens connections.
pub trait Dial: Send + Sync {
    /// Connects to `port` of `host`.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Dialled>>;
}

/// Opens TCP connections with Nagle's algorithm off: with it on, each command of a dialogue waits for the other
/// side's delayed acknowledgement, 40 ms.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpDial;

impl Dial for TcpDial {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Dialled>> {
        Box::pin(connect(host, port))
    }
}

async fn connect(host: &str, port: u16) -> io::Result<Dialled> {
    // An IPv6 address may be written in brackets, as in a URL.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = timeout(RESOLVE_TIME_MAX, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| late(format!("the name {host} did not resolve in time")))??;
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
    for address in found.take(ADDRESSES_MAX) {
        match connect_to(address).await {
            Ok(stream) => {
                return Ok(Dialled { loopback: address.ip().to_canonical().is_loopback(), stream });
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(address: SocketAddr) -> io::Result<BoxStream> {
    let stream = timeout(CONNECT_TIME_MAX, TcpStream::connect(address))
        .await
        .map_err(|_| late(format!("{address} did not answer in time")))??;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

fn late(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}
