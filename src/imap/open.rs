//! From a configured server to a session that is logged in.

use super::error::ImapError;
use super::response::{Response, Status};
use super::wire::{Budget, Wire};
use super::{ANSWER_MAX, SMALL_LITERAL_MAX, Session, Waits, text};
use crate::config::{Server, Tls};
use crate::net::{Dial, TlsError, secure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;

/// Challenges answered at most in one login.
const CHALLENGES_MAX: usize = 4;

impl Session {
    /// Connects, protects the connection as configured, and logs in.
    pub async fn open(server: &Server, dial: &dyn Dial) -> Result<Self, ImapError> {
        Self::open_with(server, dial, Waits::SERVICE).await
    }

    /// [`Session::open`] with other waits.
    pub async fn open_with(server: &Server, dial: &dyn Dial, waits: Waits) -> Result<Self, ImapError> {
        let (host, port) = (server.host.as_str(), server.port);
        let dialled = dial.dial(host, port).await.map_err(|source| ImapError::Dial {
            host: host.to_owned(),
            port,
            source,
        })?;
        let ca_file = server.ca_file.as_deref();
        let mut session = match server.tls {
            Tls::Implicit => {
                let stream = secure(dialled.stream, host, ca_file, waits.handshake).await?;
                Self::over(stream, waits)
            }
            Tls::None if !dialled.loopback => {
                return Err(TlsError::PlainRefused(host.to_owned()).into());
            }
            Tls::StartTls | Tls::None => Self::over(dialled.stream, waits),
        };
        let mut known = session.greeting().await?;
        if server.tls == Tls::StartTls {
            session = session.start_tls(server).await?;
            known = false;
        }
        if !known {
            session.learn_capabilities().await?;
        }
        session.log_in(server).await?;
        Ok(session)
    }

    fn over(stream: crate::net::BoxStream, waits: Waits) -> Self {
        let budget = Budget {
            what: "the greeting",
            time: waits.greeting,
            stall: waits.greeting,
            bytes: ANSWER_MAX,
            literal: SMALL_LITERAL_MAX,
        };
        Self {
            wire: Wire::new(stream, budget),
            waits,
            capabilities: Vec::new(),
            tags: 0,
            busy: false,
            selected: None,
            namespace: None,
            folders: HashMap::new(),
        }
    }

    /// Reads the greeting (RFC 3501 7.1). Whether it named the capabilities.
    async fn greeting(&mut self) -> Result<bool, ImapError> {
        match self.next().await? {
            Response::Status { status: Status::Ok, text } => Ok(text.code == "CAPABILITY"),
            // Logged in by other means, a client certificate say; we have none, so who is it that it takes us for?
            Response::Status { status: Status::Preauth, .. } => Err(ImapError::Protocol(
                "the server greets with PREAUTH: nobody has logged in yet".to_owned(),
            )),
            _ => Err(ImapError::Protocol("the greeting is not IMAP's".to_owned())),
        }
    }

    /// Upgrades to TLS (RFC 3501 6.2.1). Never goes on without: a refusal is an error. What the server said in clear
    /// is forgotten.
    async fn start_tls(mut self, server: &Server) -> Result<Self, ImapError> {
        self.run("STARTTLS", "STARTTLS", |_| ()).await?;
        let waits = self.waits;
        let stream = self.wire.into_inner()?;
        let stream = secure(stream, &server.host, server.ca_file.as_deref(), waits.handshake).await?;
        Ok(Self::over(stream, waits))
    }

    async fn learn_capabilities(&mut self) -> Result<(), ImapError> {
        self.run("CAPABILITY", "CAPABILITY", |_| ()).await
    }

    async fn log_in(&mut self, server: &Server) -> Result<(), ImapError> {
        let (Some(user), Some(source)) = (server.user.clone(), server.secret.clone()) else {
            return Err(ImapError::Login { text: "no user or no secret is configured".to_owned() });
        };
        // A secret may come from a command that takes its time.
        let secret = tokio::task::spawn_blocking(move || source.read())
            .await
            .map_err(|error| ImapError::Protocol(error.to_string()))??;
        let before = std::mem::take(&mut self.capabilities);
        let offers = |name: &str| before.iter().any(|have| have == name);
        let spelt = (text::quoted(&user), text::quoted(secret.expose_secret()));
        let result = match spelt {
            _ if server.oauth => self.log_in_oauth(&user, &secret).await,
            (Some(name), Some(word)) if !offers("LOGINDISABLED") => {
                let line = Zeroizing::new(format!("LOGIN {name} {}", Zeroizing::new(word).as_str()));
                self.run("LOGIN", &line, |_| ()).await
            }
            // Also for what quoting cannot hold: an `ñ` in a password.
            _ if offers("AUTH=PLAIN") => self.log_in_plain(&user, &secret).await,
            _ => Err(ImapError::Login {
                text: "the server offers no login that can carry this name and secret".to_owned(),
            }),
        };
        result.map_err(as_login)?;
        if self.capabilities.is_empty() {
            self.learn_capabilities().await?;
        }
        Ok(())
    }

    /// SASL PLAIN (RFC 4616), not as an initial response: that is an extension.
    async fn log_in_plain(&mut self, user: &str, secret: &SecretString) -> Result<(), ImapError> {
        let word = Zeroizing::new(format!("\0{user}\0{}", secret.expose_secret()));
        self.authenticate("AUTHENTICATE PLAIN", &Zeroizing::new(STANDARD.encode(word.as_bytes()))).await
    }

    /// XOAUTH2, as Google and Microsoft have it.
    async fn log_in_oauth(&mut self, user: &str, token: &SecretString) -> Result<(), ImapError> {
        let word = Zeroizing::new(format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose_secret()));
        self.authenticate("AUTHENTICATE XOAUTH2", &Zeroizing::new(STANDARD.encode(word.as_bytes()))).await
    }

    /// Answers the first challenge with `word` and any further one with nothing: with XOAUTH2 the second holds the
    /// reason of a refusal, which comes as the tagged NO only once it is answered.
    async fn authenticate(&mut self, command: &'static str, word: &str) -> Result<(), ImapError> {
        let tag = self.begin(self.budget(command))?;
        self.wire.send(format!("{tag} {command}\r\n").as_bytes()).await?;
        let mut challenges = 0_usize;
        loop {
            match self.next().await? {
                Response::Continue if challenges == 0 => {
                    self.wire.send(Zeroizing::new(format!("{word}\r\n")).as_bytes()).await?;
                }
                Response::Continue => self.wire.send(b"\r\n").await?,
                Response::Tagged { tag: theirs, status, text } if theirs == tag => {
                    return self.end(command, status, text);
                }
                _ => continue,
            }
            challenges = challenges.saturating_add(1);
            if challenges > CHALLENGES_MAX {
                return Err(ImapError::Protocol(format!("{command} never ends")));
            }
        }
    }
}

/// A NO to a login means the name or the secret, unless the server's code says that it is the server (RFC 5530).
fn as_login(error: ImapError) -> ImapError {
    match error {
        ImapError::Refused { text, code, bad: false, .. }
            if !["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN"].contains(&code.as_str()) =>
        {
            ImapError::Login { text }
        }
        other => other,
    }
}
