//! Who is there: LOGIN, AUTHENTICATE PLAIN and XOAUTH2 (the password serves as the token).

use super::{End, Session, ok};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use imap_codec::imap_types::auth::AuthMechanism;
use std::io;

impl Session {
    pub(super) fn log_in(&mut self, user: &[u8], password: &[u8]) -> End {
        if self.capabilities().split(' ').any(|word| word == "LOGINDISABLED") {
            return End::No("[PRIVACYREQUIRED] not in this way".to_owned());
        }
        self.check(&String::from_utf8_lossy(user), &String::from_utf8_lossy(password))
    }

    fn check(&mut self, user: &str, password: &str) -> End {
        let login = self.server.store().password_fits(user, password);
        match login {
            Some(account) => {
                self.login = Some(account);
                End::Ok(format!("{}welcome", self.code()))
            }
            None => End::No("[AUTHENTICATIONFAILED] wrong name or password".to_owned()),
        }
    }

    pub(super) async fn authenticate(
        &mut self,
        mechanism: &AuthMechanism<'_>,
        first: Option<Vec<u8>>,
    ) -> io::Result<End> {
        if !matches!(mechanism, AuthMechanism::Plain | AuthMechanism::XOAuth2) {
            return Ok(End::No("I do not know that mechanism".to_owned()));
        }
        let word = match first {
            Some(word) => word,
            None => self.challenge("").await?,
        };
        let word = String::from_utf8_lossy(&word).into_owned();
        if *mechanism == AuthMechanism::Plain {
            let mut parts = word.split('\0').skip(1);
            let (user, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            return Ok(self.check(user, password));
        }
        let mut parts = word.split('\x01');
        let user = parts.next().and_then(|part| part.strip_prefix("user=")).unwrap_or_default();
        let token = parts.next().and_then(|part| part.strip_prefix("auth=Bearer ")).unwrap_or_default();
        let end = self.check(user, token);
        if matches!(end, End::No(_)) {
            self.challenge("{\"status\":\"400\"}").await?;
        }
        Ok(end)
    }

    async fn challenge(&mut self, text: &str) -> io::Result<Vec<u8>> {
        self.wire.line(format!("+ {}", STANDARD.encode(text)));
        self.wire.send().await?;
        let line = self.wire.read_line().await?.ok_or_else(super::ended)?;
        Ok(STANDARD.decode(line.trim_ascii()).unwrap_or_default())
    }

    /// The folder that a command names, or why there is none.
    pub(super) fn account(&self) -> &str {
        self.login.as_deref().unwrap_or_default()
    }

    /// Waits with the client until it says DONE, telling it of every change (RFC 2177).
    pub(super) async fn idle(&mut self, _tag: &str) -> io::Result<End> {
        let mut changed = self.server.shared.changed.subscribe();
        self.wire.line("+ idling");
        loop {
            self.sync();
            self.wire.send().await?;
            if self.over {
                return Ok(ok("over"));
            }
            tokio::select! {
                line = self.wire.read_line() => {
                    let line = line?.ok_or_else(super::ended)?;
                    self.server.note_command("IMAP", "DONE");
                    let done = line.trim_ascii().eq_ignore_ascii_case(b"DONE");
                    return Ok(if done { ok("back") } else { End::Bad("DONE was expected".to_owned()) });
                }
                _ = changed.changed() => {}
            }
        }
    }
}
