//! How the demo server is set up.

use crate::clock::Clock;
use crate::config::Tls;
use std::sync::Arc;

/// What of IMAP is not offered, so that a client's second ways are tried.
#[derive(Debug, Clone, Default)]
pub struct Without {
    /// No MOVE.
    pub r#move: bool,
    /// No IDLE.
    pub idle: bool,
    /// No UIDPLUS.
    pub uidplus: bool,
    /// No LOGIN, only AUTHENTICATE.
    pub login: bool,
    /// No keywords: PERMANENTFLAGS without `\*`, and STORE refuses them.
    pub keywords: bool,
    /// No NAMESPACE.
    pub namespace: bool,
    /// No capabilities in the greeting and after login.
    pub told: bool,
}

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// IMAP's port on 127.0.0.1; 0 for any.
    pub imap_port: u16,
    /// SMTP's port on 127.0.0.1; 0 for any.
    pub smtp_port: u16,
    /// Certificate and key, for anything but [`Tls::None`].
    pub certificate: Option<Arc<rustls::ServerConfig>>,
    /// Protection of IMAP.
    pub imap_tls: Tls,
    /// Protection of SMTP.
    pub smtp_tls: Tls,
    /// IMAP extensions left out.
    pub without: Without,
    /// Folders stand below this, with a dot between levels, as Courier has `INBOX.`; empty for `/` and no prefix.
    pub prefix: String,
    /// SMTP extensions in EHLO's answer, beside AUTH, SIZE and STARTTLS.
    pub extensions: Vec<String>,
    /// The limit that SIZE names; 0 for none.
    pub size_max: usize,
    /// Nobody submits without logging in.
    pub require_login: bool,
    /// The first attempt of each pair of sender and recipient is put off.
    pub greylist: bool,
    /// Mails that one SMTP connection may carry; more are refused with 452.
    pub mails_per_connection: Option<u32>,
    /// The name in `Authentication-Results` put on top of mail delivered by SMTP.
    pub authserv_id: Option<String>,
    /// When mail arrives.
    pub clock: Clock,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            imap_port: 0,
            smtp_port: 0,
            certificate: None,
            imap_tls: Tls::None,
            smtp_tls: Tls::None,
            without: Without::default(),
            prefix: String::new(),
            extensions: ["PIPELINING", "8BITMIME", "SMTPUTF8"].map(str::to_owned).to_vec(),
            size_max: 0,
            require_login: false,
            greylist: false,
            mails_per_connection: None,
            authserv_id: None,
            clock: Clock::real(),
        }
    }
}
