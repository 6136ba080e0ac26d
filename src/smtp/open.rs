//! From a configured server to a connection that is logged in.

use super::wire::{REPLY_LINE_MAX, REPLY_MAX, Tap, Wire};
use super::{Connection, Features, Reply, SmtpError, Waits};
use crate::config::{Server, Tls};
use crate::net::{BoxStream, Dial, TlsError, secure};
use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use secrecy::ExposeSecret;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

/// Stands for the greeting where the true one came before TLS: lettre waits for one, the server sends one only.
const GREETING_TAKEN: &[u8] = b"220 ready\r\n";

impl Connection {
    /// Connects, protects the connection as configured, and logs in where a user is configured. `ehlo` is our name.
    pub async fn open(server: &Server, ehlo: &str, dial: &dyn Dial) -> Result<Self, SmtpError> {
        Self::open_with(server, ehlo, dial, Waits::SERVICE).await
    }

    /// [`Connection::open`] with other waits.
    pub async fn open_with(
        server: &Server,
        ehlo: &str,
        dial: &dyn Dial,
        waits: Waits,
    ) -> Result<Self, SmtpError> {
        let host = server.host.as_str();
        let dialled = dial.dial(host, server.port).await.map_err(|source| SmtpError::Dial {
            host: host.to_owned(),
            port: server.port,
            source,
        })?;
        let ca_file = server.ca_file.as_deref();
        let (stream, first) = match server.tls {
            Tls::Implicit => (secure(dialled.stream, host, ca_file, waits.handshake).await?, &b""[..]),
            Tls::StartTls => {
                let clear = Clear { stream: BufReader::new(dialled.stream), wait: waits.command };
                let stream = clear.start_tls(ehlo).await?;
                (secure(stream, host, ca_file, waits.handshake).await?, GREETING_TAKEN)
            }
            Tls::None if dialled.loopback => (dialled.stream, &b""[..]),
            Tls::None => return Err(TlsError::PlainRefused(host.to_owned()).into()),
        };
        let mut connection = Self::greet(stream, first, ehlo, waits).await?;
        connection.log_in(server).await?;
        Ok(connection)
    }

    async fn greet(stream: BoxStream, first: &[u8], ehlo: &str, waits: Waits) -> Result<Self, SmtpError> {
        let tap = Arc::new(Mutex::new(Tap::default()));
        let wire = Box::new(Wire::new(stream, Arc::clone(&tap), first));
        let name = ClientId::Domain(plain_name(ehlo));
        // Greeting and EHLO: two waits.
        let wait = waits.command.saturating_mul(2);
        let smtp = match timeout(wait, AsyncSmtpConnection::connect_with_transport(wire, &name)).await {
            Ok(Ok(smtp)) => smtp,
            Ok(Err(error)) => return Err(explain("greeting or EHLO", &error)),
            Err(_) => return Err(SmtpError::TimedOut { what: "greeting or EHLO" }),
        };
        let features = Features::of(&tap.lock().unwrap_or_else(PoisonError::into_inner).heard);
        Ok(Self { smtp, tap, features, waits, mails: 0, worn: false, dead: false, busy: false })
    }

    async fn log_in(&mut self, server: &Server) -> Result<(), SmtpError> {
        let (Some(user), Some(source)) = (server.user.clone(), server.secret.clone()) else { return Ok(()) };
        // A secret may come from a command that takes its time.
        let secret = tokio::task::spawn_blocking(move || source.read())
            .await
            .map_err(|error| SmtpError::Protocol(error.to_string()))??;
        let ways: &[Mechanism] =
            if server.oauth { &[Mechanism::Xoauth2] } else { &[Mechanism::Plain, Mechanism::Login] };
        if self.smtp.server_info().get_auth_mechanism(ways).is_none() {
            return Err(SmtpError::NotOffered(if server.oauth {
                "AUTH XOAUTH2"
            } else {
                "AUTH PLAIN or LOGIN here (is TLS missing?)"
            }));
        }
        let credentials = Credentials::new(user, secret.expose_secret().to_owned());
        match timeout(self.waits.command, self.smtp.auth(ways, &credentials)).await {
            Ok(Ok(_)) => Ok(()),
            // XOAUTH2 tells the reason of a refusal in a challenge, which lettre does not expect.
            Ok(Err(error)) if error.is_client() => {
                Err(SmtpError::Login { text: "the relay asks on instead of accepting".to_owned() })
            }
            Ok(Err(error)) => Err(as_login(explain("AUTH", &error))),
            Err(_) => Err(SmtpError::TimedOut { what: "AUTH" }),
        }
    }
}

/// 5xx to AUTH means the name or the secret; 4xx is the relay's own trouble (RFC 4954 section 6).
fn as_login(error: SmtpError) -> SmtpError {
    match error {
        SmtpError::Refused { code, text, .. } if code >= 500 => SmtpError::Login { text },
        other => other,
    }
}

fn explain(command: &'static str, error: &LettreError) -> SmtpError {
    match error.status() {
        Some(code) => {
            let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            SmtpError::Refused { command, code: code.into(), text }
        }
        None => SmtpError::Closed(command),
    }
}

/// A name that cannot break out of its command.
fn plain_name(ehlo: &str) -> String {
    let name: String = ehlo.chars().filter(char::is_ascii_graphic).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

impl Features {
    fn of(heard: &[u8]) -> Self {
        let mut features = Self::default();
        for line in heard.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line.get(4..).unwrap_or_default()).to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("SIZE") => {
                    features.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0));
                }
                Some("PIPELINING") => features.pipelining = true,
                Some("SMTPUTF8") => features.utf8 = true,
                Some("8BITMIME") => features.eight_bit = true,
                _ => {}
            }
        }
        features
    }
}

/// The dialogue before STARTTLS, of which nothing is believed later (RFC 3207 section 4.2).
struct Clear {
    stream: BufReader<BoxStream>,
    wait: Duration,
}

impl Clear {
    async fn start_tls(mut self, ehlo: &str) -> Result<BoxStream, SmtpError> {
        self.expect("the greeting", 220).await?;
        self.send("EHLO", &format!("EHLO {}\r\n", plain_name(ehlo))).await?;
        let offers = self.expect("EHLO", 250).await?.text;
        if !offers.split('\n').any(|offer| offer.trim().eq_ignore_ascii_case("STARTTLS")) {
            return Err(SmtpError::NotOffered("STARTTLS"));
        }
        self.send("STARTTLS", "STARTTLS\r\n").await?;
        self.expect("STARTTLS", 220).await?;
        // What came in the same breath came in clear: somebody on the way put it there (CVE-2011-0411).
        if self.stream.buffer().is_empty() {
            Ok(self.stream.into_inner())
        } else {
            Err(SmtpError::Protocol("data after STARTTLS and before TLS".to_owned()))
        }
    }

    async fn send(&mut self, what: &'static str, line: &str) -> Result<(), SmtpError> {
        let write = async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        };
        match timeout(self.wait, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(SmtpError::Closed(what)),
            Err(_) => Err(SmtpError::TimedOut { what }),
        }
    }

    async fn expect(&mut self, command: &'static str, code: u16) -> Result<Reply, SmtpError> {
        let reply = match timeout(self.wait, self.reply(command)).await {
            Ok(reply) => reply?,
            Err(_) => return Err(SmtpError::TimedOut { what: command }),
        };
        if reply.code == code {
            return Ok(reply);
        }
        let text = reply.text.replace('\n', " ");
        Err(SmtpError::Refused { command, code: reply.code, text })
    }

    async fn reply(&mut self, command: &'static str) -> Result<Reply, SmtpError> {
        let mut text = String::new();
        loop {
            let mut line = Vec::new();
            let room = u64::try_from(REPLY_MAX).unwrap_or(u64::MAX);
            let count = (&mut self.stream).take(room).read_until(b'\n', &mut line).await;
            if !matches!(count, Ok(1..)) || !line.ends_with(b"\n") {
                return Err(SmtpError::Closed(command));
            }
            let line = String::from_utf8_lossy(&line);
            let code = line.get(..3).and_then(|digits| digits.parse().ok());
            let Some(code) = code else {
                return Err(SmtpError::Protocol(format!("{command} is answered by no reply")));
            };
            text.extend(line.chars().skip(4).take(REPLY_LINE_MAX).filter(|c| !c.is_control()));
            if line.chars().nth(3).is_none_or(|mark| mark != '-') {
                return Ok(Reply { code, text });
            }
            text.push('\n');
            if text.len() > REPLY_MAX {
                return Err(SmtpError::Protocol("an endless reply".to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_relay_offers_is_read_in_any_case() {
        let heard = b"250-mx.example\r\n250-PIPELINING\r\n250-size 1000\r\n250-8BitMime\r\n250 SMTPUTF8\r\n";
        let features = Features { size: Some(1000), pipelining: true, utf8: true, eight_bit: true };
        assert_eq!(Features::of(heard), features);
        assert_eq!(Features::of(b"250 mx\r\n"), Features::default());
    }

    #[test]
    fn our_name_stays_in_its_line() {
        assert_eq!(plain_name("a.example\r\nMAIL FROM:<x>"), "a.exampleMAILFROM:<x>");
        assert_eq!(plain_name("ñ"), "localhost");
    }
}
