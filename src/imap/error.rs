//! What can go wrong with a mailbox's server, as kinds to choose by. None of them ever holds mail or a secret.

use crate::config::secret::SecretError;
use crate::net::TlsError;
use std::io;

/// How much of a server's sentence is kept. Bytes.
pub const TEXT_MAX: usize = 200;

/// Why a session could not be opened or a command not be carried out. After anything but [`ImapError::Refused`] the
/// session is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// No connection.
    #[error("cannot connect to {host}:{port}: {source}")]
    Dial {
        /// Host as configured.
        host: String,
        /// TCP port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// No protection.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The server does not take this name and secret.
    #[error("the server refuses the login: {text}")]
    Login {
        /// Its sentence.
        text: String,
    },
    /// The server answered NO or BAD. The session can go on.
    #[error("the server refuses {command}: {text}")]
    Refused {
        /// What was asked.
        command: &'static str,
        /// Its sentence.
        text: String,
        /// Its response code in capitals, as `TRYCREATE` (RFC 5530); empty if none.
        code: String,
        /// Whether it was BAD: the command was not understood.
        bad: bool,
    },
    /// The server said what no IMAP server says.
    #[error("not IMAP as we know it: {0}")]
    Protocol(String),
    /// The connection ended.
    #[error("the connection ended: {0}")]
    Closed(String),
    /// The server did not answer in time.
    #[error("no answer in time to {what}")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
    },
    /// A mail is larger than was asked for.
    #[error("mail {uid} has {size} bytes, more than allowed")]
    TooLarge {
        /// Its UID; 0 where the server did not say.
        uid: u32,
        /// Its size as announced.
        size: u64,
    },
}

impl ImapError {
    /// Whether an admin must change something before trying again makes sense.
    pub fn is_config(&self) -> bool {
        match self {
            Self::Login { .. } | Self::Secret(_) => true,
            Self::Tls(error) => error.is_config(),
            _ => false,
        }
    }

    /// Whether the session can be used further.
    pub fn leaves_session_usable(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    pub(super) fn from_read(error: &io::Error) -> Self {
        Self::Closed(error.kind().to_string())
    }
}

/// A server's sentence, fit for a log: printable and short.
pub(super) fn sentence(bytes: &[u8]) -> String {
    let start = bytes.get(..TEXT_MAX).unwrap_or(bytes);
    String::from_utf8_lossy(start).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
