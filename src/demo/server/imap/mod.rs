//! IMAP4rev1 (RFC 3501) with IDLE, MOVE, UIDPLUS, NAMESPACE, ID and LITERAL+: commands are parsed by imap-codec,
//! everything else is here. Knows when a fault fires.

mod data;
mod fetch;
mod folders;
mod login;
mod mails;
mod search;
mod view;

use super::faults::ImapFault;
use super::wire::{Flow, LITERAL_MAX, Wire, ended};
use super::{MailServer, Tls, lock};
use crate::net::BoxStream;
use imap_codec::CommandCodec;
use imap_codec::decode::{CommandDecodeError, Decoder};
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::LiteralMode;
use std::io;
use view::View;

/// One connection.
struct Session {
    server: MailServer,
    wire: Wire,
    /// The account that logged in.
    login: Option<String>,
    open: Option<View>,
    secured: bool,
    /// The folder is gone under the client: the end, after this answer.
    over: bool,
}

/// How a command ended.
enum End {
    Ok(String),
    No(String),
    Bad(String),
    /// The command was STARTTLS: say OK, then shake hands.
    StartTls,
    Logout,
}

fn ok(text: &str) -> End {
    End::Ok(text.to_owned())
}

fn no(text: &str) -> End {
    End::No(text.to_owned())
}

pub(super) async fn serve(server: MailServer, stream: BoxStream) -> io::Result<()> {
    let implicit = server.shared.options.imap_tls == Tls::Implicit;
    let mut session =
        Session { wire: Wire::new(stream), server, login: None, open: None, secured: false, over: false };
    if implicit {
        session = session.secure().await?;
    }
    session.greet().await?;
    while let Some(bytes) = session.read_command().await? {
        session = match session.command(&bytes).await? {
            Some(session) => session,
            None => return Ok(()),
        };
    }
    Ok(())
}

impl Session {
    async fn secure(self) -> io::Result<Self> {
        let Some(config) = self.server.shared.options.certificate.clone() else { return Err(ended()) };
        let wire = self.wire.secure(&config).await?;
        Ok(Self { wire, secured: true, ..self })
    }

    async fn greet(&mut self) -> io::Result<()> {
        let fault = lock(&self.server.shared.imap_faults).take("CONNECT", None);
        let capabilities = self.code();
        match fault {
            Some(ImapFault::Bye(text)) => {
                self.wire.line(format!("* BYE {text}"));
                self.wire.send().await?;
                return Err(ended());
            }
            Some(ImapFault::Replace(text)) => {
                self.wire.say(text);
                self.wire.send().await?;
                return Ok(());
            }
            Some(ImapFault::Say(bytes)) => self.wire.say(bytes),
            Some(ImapFault::Stall) => return std::future::pending().await,
            Some(ImapFault::Run(hook)) => hook.call(&self.server),
            Some(_) => return Err(ended()),
            None => {}
        }
        self.wire.line(format!("* OK {capabilities}Postdesk's demo server"));
        self.wire.send().await
    }

    /// `[CAPABILITY …] `, where the server tells unasked.
    fn code(&self) -> String {
        if self.server.shared.options.without.told {
            return String::new();
        }
        format!("[CAPABILITY {}] ", self.capabilities())
    }

    fn capabilities(&self) -> String {
        let options = &self.server.shared.options;
        let without = &options.without;
        let mut words = vec!["IMAP4rev1", "LITERAL+", "ID", "UNSELECT", "CHILDREN", "SASL-IR"];
        let clear = options.imap_tls == Tls::StartTls && !self.secured;
        let offers = [
            ("STARTTLS", clear),
            ("LOGINDISABLED", clear || without.login),
            ("AUTH=PLAIN", !clear),
            ("AUTH=XOAUTH2", !clear),
            ("IDLE", !without.idle),
            ("MOVE", !without.r#move),
            ("UIDPLUS", !without.uidplus),
            ("NAMESPACE", !without.namespace),
        ];
        words.extend(offers.into_iter().filter(|(_, offered)| *offered).map(|(word, _)| word));
        words.join(" ")
    }

    /// Reads one command with its literals. `None` at the end of the connection.
    async fn read_command(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(mut bytes) = self.wire.read_line().await? else { return Ok(None) };
        loop {
            let (length, ask) = match CommandCodec::default().decode(&bytes) {
                Err(CommandDecodeError::LiteralFound { length, mode, .. }) => {
                    (usize::try_from(length).unwrap_or(usize::MAX), mode == LiteralMode::Sync)
                }
                _ => return Ok(Some(bytes)),
            };
            if length > LITERAL_MAX {
                return Ok(Some(bytes));
            }
            if ask {
                self.wire.line("+ go on");
                self.wire.send().await?;
            }
            bytes.extend(self.wire.read_exact(length).await?);
            let Some(rest) = self.wire.read_line().await? else { return Ok(None) };
            bytes.extend(rest);
        }
    }

    /// Carries out one command, or its fault. `None` when the connection is over.
    async fn command(mut self, bytes: &[u8]) -> io::Result<Option<Self>> {
        let Ok((_, Command { tag, body })) = CommandCodec::default().decode(bytes) else {
            let tag = String::from_utf8_lossy(bytes);
            let tag = tag.split_ascii_whitespace().next().unwrap_or("*");
            self.wire.line(format!("{tag} BAD not a command that I know"));
            self.wire.send().await?;
            return Ok(Some(self));
        };
        let (tag, name) = (tag.inner(), plain_name(&body));
        self.server.note_command("IMAP", name);
        let fault = lock(&self.server.shared.imap_faults).take(name, None);
        let mut drop_after = false;
        match fault {
            None => {}
            Some(ImapFault::No(text)) => return self.instead(&format!("{tag} NO {text}\r\n")).await,
            Some(ImapFault::Bad(text)) => return self.instead(&format!("{tag} BAD {text}\r\n")).await,
            Some(ImapFault::Replace(text)) => return self.instead(&text.replace("{tag}", tag)).await,
            Some(ImapFault::Bye(text)) => {
                self.instead(&format!("* BYE {text}\r\n")).await?;
                return Ok(None);
            }
            Some(ImapFault::Stall) => return std::future::pending().await,
            Some(ImapFault::Drop) => return Ok(None),
            Some(ImapFault::Say(bytes)) => self.wire.say(bytes),
            Some(ImapFault::CutAfter(count)) => self.wire.flow = Flow::CutAfter(count),
            Some(ImapFault::Drip(size, every)) => self.wire.flow = Flow::Drip(size, every),
            Some(ImapFault::DropAfter) => {
                self.wire.flow = Flow::Mute;
                drop_after = true;
            }
            Some(ImapFault::Run(hook)) => hook.call(&self.server),
        }
        let end = self.carry_out(tag, body).await?;
        self.server.edge(&format!("IMAP {name} <"));
        self.answer(tag, end, drop_after).await
    }

    async fn instead(mut self, text: &str) -> io::Result<Option<Self>> {
        self.wire.say(text);
        self.wire.send().await?;
        Ok(Some(self))
    }

    async fn answer(mut self, tag: &str, end: End, drop_after: bool) -> io::Result<Option<Self>> {
        match &end {
            End::Ok(text) => self.wire.line(format!("{tag} OK {text}")),
            End::No(text) => self.wire.line(format!("{tag} NO {text}")),
            End::Bad(text) => self.wire.line(format!("{tag} BAD {text}")),
            End::StartTls => self.wire.line(format!("{tag} OK begin")),
            End::Logout => self.wire.line(format!("* BYE until next time\r\n{tag} OK done")),
        }
        self.wire.send().await?;
        self.wire.flow = Flow::Whole;
        match end {
            _ if drop_after || self.over => Ok(None),
            End::Logout => Ok(None),
            End::StartTls => self.secure().await.map(Some),
            _ => Ok(Some(self)),
        }
    }

    async fn carry_out(&mut self, tag: &str, body: CommandBody<'_>) -> io::Result<End> {
        let end = match body {
            CommandBody::Capability => {
                self.wire.line(format!("* CAPABILITY {}", self.capabilities()));
                ok("these")
            }
            CommandBody::Logout => End::Logout,
            CommandBody::StartTLS
                if self.server.shared.options.imap_tls == Tls::StartTls && !self.secured =>
            {
                End::StartTls
            }
            CommandBody::Id { .. } => {
                self.wire.line("* ID (\"name\" \"postdesk demo\")");
                ok("pleased")
            }
            CommandBody::Login { username, password } => {
                self.log_in(username.as_ref(), password.declassify().as_ref())
            }
            CommandBody::Authenticate { mechanism, initial_response } => {
                let first = initial_response.map(|secret| secret.declassify().to_vec());
                self.authenticate(&mechanism, first).await?
            }
            CommandBody::Noop | CommandBody::Check => {
                self.sync();
                ok("done")
            }
            _ if self.login.is_none() => no("log in first"),
            CommandBody::Idle if !self.server.shared.options.without.idle => self.idle(tag).await?,
            body => self.with_login(body).await?,
        };
        Ok(end)
    }
}

/// The name without `UID`, as faults are armed by it.
fn plain_name(body: &CommandBody<'_>) -> &'static str {
    match body.name() {
        "UID EXPUNGE" | "EXPUNGEUID" => "EXPUNGE",
        name => name,
    }
}
