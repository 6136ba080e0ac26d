//! The relay: connect, log in, and submit bytes, once, to one recipient. Knows no ticket and retries nothing.
//!
//! Built on lettre's low-level connection, kept open for many mails. What lettre lacks is done round it: time limits
//! for every command, `SIZE=`, pipelining, STARTTLS without a byte of clear text taken over (`open`), replies of any
//! encoding and the knowledge whether the final dot has left (`wire`). The dialogue of one mail (`submit`) is ours,
//! because its outcome has four kinds and an error has two.

mod body;
mod error;
mod open;
mod submit;
mod wire;

pub use error::SmtpError;
pub use submit::Outcome;
pub use wire::{REPLY_LINE_MAX, REPLY_MAX};

use crate::net::HANDSHAKE_TIME_MAX;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Noop, Quit, Rset};
use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::timeout;

/// How long a relay may take (RFC 5321 4.5.3.2). [`Waits::SERVICE`] is what the daemon uses; tests use shorter ones.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the greeting and for each command.
    pub command: Duration,
    /// For QUIT: nothing hangs on its answer, and Exim takes its time.
    pub quit: Duration,
    /// From the first byte of a mail to the answer to its final dot.
    pub mail: Duration,
}

impl Waits {
    /// The minutes that the RFC asks a client to grant.
    pub const SERVICE: Self = Self {
        handshake: HANDSHAKE_TIME_MAX,
        command: Duration::from_secs(5 * 60),
        quit: Duration::from_millis(500),
        mail: Duration::from_secs(15 * 60),
    };
}

/// A connection to the relay, logged in, good for many mails.
pub struct Connection {
    smtp: AsyncSmtpConnection,
    tap: Arc<Mutex<wire::Tap>>,
    features: Features,
    waits: Waits,
    /// Mails tried on it.
    mails: u32,
    worn: bool,
    /// It ended, or nobody knows what it would answer.
    dead: bool,
    /// A mail is on its way. Stays so when its future was dropped.
    busy: bool,
}

/// What the relay offers (EHLO).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Features {
    /// `SIZE`: `Some(0)` means without a limit (RFC 1870).
    size: Option<u64>,
    pipelining: bool,
    utf8: bool,
    eight_bit: bool,
}

/// A reply of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    code: u16,
    text: String,
}

/// Why there is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// In time.
    TimedOut,
    /// The connection ended, or what came is no reply.
    Closed,
}

impl Connection {
    /// Whether another mail can be tried on it, as far as is known without asking.
    pub fn is_alive(&self) -> bool {
        !self.dead && !self.worn && !self.busy
    }

    /// Whether the last mail was put off only because this connection has carried enough of them (OpenSMTPD says 452
    /// to the 101st): on a new connection it may be tried at once.
    pub fn connection_worn(&self) -> bool {
        self.worn
    }

    /// Asks the relay whether it is still there.
    pub async fn check(&mut self) -> bool {
        let answer = self.ask(Noop, self.waits.command).await;
        self.dead |= !matches!(&answer, Ok(reply) if reply.is_positive());
        self.is_alive()
    }

    /// Says goodbye.
    pub async fn quit(mut self) {
        if !self.dead && !self.busy {
            // Nothing hangs on the answer.
            let _ = self.ask(Quit, self.waits.quit).await;
        }
    }

    /// Takes back a transaction that was begun.
    async fn reset(&mut self) {
        if !self.dead {
            let answer = self.ask(Rset, self.waits.command).await;
            self.dead |= !matches!(&answer, Ok(reply) if reply.is_positive());
        }
    }

    /// Sends a command and reads its reply, whatever its code.
    async fn ask(&mut self, command: impl Display, wait: Duration) -> Result<Reply, Broken> {
        let answer = timeout(wait, self.smtp.command(command)).await;
        self.judge(answer)
    }

    /// Reads the reply to a command that was sent along with others.
    async fn reply(&mut self, wait: Duration) -> Result<Reply, Broken> {
        let answer = timeout(wait, self.smtp.read_response()).await;
        self.judge(answer)
    }

    fn judge(&mut self, answer: Answer) -> Result<Reply, Broken> {
        let result = match answer {
            Err(_) => Err(Broken::TimedOut),
            Ok(Ok(response)) => {
                let text = response.message().collect::<Vec<_>>().join(" ");
                Ok(Reply { code: response.code().into(), text: short(&text) })
            }
            // lettre makes an error of every reply that is not positive; its code and sentence are inside.
            Ok(Err(error)) => match error.status() {
                Some(code) => {
                    let text = std::error::Error::source(&error).map(ToString::to_string);
                    Ok(Reply { code: code.into(), text: short(&text.unwrap_or_default()) })
                }
                None => Err(Broken::Closed),
            },
        };
        // RFC 5321 3.8: after 421 the server closes.
        self.dead |= result.as_ref().map_or(true, |reply| reply.code == 421);
        result
    }
}

type Answer = Result<
    Result<lettre::transport::smtp::response::Response, lettre::transport::smtp::Error>,
    tokio::time::error::Elapsed,
>;

/// A relay's sentence, as long as a table of attempts can bear.
fn short(text: &str) -> String {
    text.chars().take(REPLY_LINE_MAX).collect()
}

impl Reply {
    fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }
}
