//! Why there is no connection to the relay, as kinds to choose by. What becomes of one mail is an
//! [`super::Outcome`] instead.

use crate::config::secret::SecretError;
use crate::net::TlsError;
use std::io;

/// Why a connection could not be opened. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
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
    /// The relay does not take this name and secret.
    #[error("the relay refuses the login: {text}")]
    Login {
        /// Its sentence.
        text: String,
    },
    /// The relay does not offer what is configured.
    #[error("the relay does not offer {0}")]
    NotOffered(&'static str),
    /// The relay answered with an error.
    #[error("the relay refuses {command}: {code} {text}")]
    Refused {
        /// What was asked.
        command: &'static str,
        /// Its reply code.
        code: u16,
        /// Its sentence.
        text: String,
    },
    /// The relay said what no SMTP server says.
    #[error("not SMTP as we know it: {0}")]
    Protocol(String),
    /// The connection ended.
    #[error("the connection ended during {0}")]
    Closed(&'static str),
    /// The relay did not answer in time.
    #[error("no answer in time to {what}")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
    },
}

impl SmtpError {
    /// Whether an admin must change something before trying again makes sense.
    pub fn is_config(&self) -> bool {
        match self {
            Self::Login { .. } | Self::Secret(_) | Self::NotOffered(_) => true,
            Self::Tls(error) => error.is_config(),
            _ => false,
        }
    }
}
