//! SMTP (RFC 5321) with AUTH, STARTTLS, SIZE, PIPELINING and what else is switched on: commands are parsed by
//! smtp-proto. Mail for a local account is delivered to its inbox as a receiving server would, other mail is recorded.
//! Knows when a fault fires.

use super::faults::SmtpFault;
use super::store::Submitted;
use super::wire::{LITERAL_MAX, Wire, ended};
use super::{MailServer, Tls, lock};
use crate::net::BoxStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use smtp_proto::request::receiver::DataReceiver;
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, AUTH_XOAUTH2, Request};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;

struct Session {
    server: MailServer,
    wire: Wire,
    login: Option<String>,
    secured: bool,
    sender: Option<String>,
    recipients: Vec<String>,
    /// Mails begun on this connection.
    mails: u32,
}

/// What happens after the reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Quit,
    StartTls,
    Data,
}

struct Answer {
    lines: Vec<String>,
    then: Then,
}

fn say(text: &str) -> Answer {
    Answer { lines: vec![text.to_owned()], then: Then::GoOn }
}

/// What became of a stage.
enum Stage {
    /// Carry the command out.
    Deed(Aftermath),
    /// It was answered or is over; go on reading.
    Done,
    Over,
}

/// What becomes of the reply after the deed.
#[derive(Clone)]
enum Aftermath {
    Reply,
    Raw(Vec<u8>),
    Stall,
    Drop,
    DropMidway(usize),
    GarbageForTls,
}

pub(super) async fn serve(server: MailServer, stream: BoxStream) -> io::Result<()> {
    let implicit = server.shared.options.smtp_tls == Tls::Implicit;
    let mut session = Session {
        server,
        wire: Wire::new(stream),
        login: None,
        secured: false,
        sender: None,
        recipients: Vec::new(),
        mails: 0,
    };
    if implicit {
        session = session.secure().await?;
    }
    match session.stage("CONNECT", None).await? {
        Stage::Deed(aftermath) => {
            if !session.reply(say("220 demo.example ESMTP Postdesk"), aftermath).await? {
                return Ok(());
            }
        }
        Stage::Done | Stage::Over => return Ok(()),
    }
    while let Some(line) = session.wire.read_line().await? {
        session = match session.command(&line).await? {
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
        Ok(Self { wire, secured: true, login: None, sender: None, recipients: Vec::new(), ..self })
    }

    /// Notes the command and lets its fault act.
    async fn stage(&mut self, name: &'static str, recipient: Option<&str>) -> io::Result<Stage> {
        if name != "CONNECT" {
            self.server.note_command("SMTP", name);
        }
        let fault = lock(&self.server.shared.smtp_faults).take(name, recipient);
        let stage = match fault {
            None => Stage::Deed(Aftermath::Reply),
            Some(SmtpFault::Reply(code, text)) => {
                self.wire.line(format!("{code} {text}"));
                self.wire.send().await?;
                if code == 421 { Stage::Over } else { Stage::Done }
            }
            Some(SmtpFault::Raw(bytes)) => Stage::Deed(Aftermath::Raw(bytes)),
            Some(SmtpFault::Stall) => return std::future::pending().await,
            Some(SmtpFault::StallAfter) => Stage::Deed(Aftermath::Stall),
            Some(SmtpFault::Drop) => Stage::Over,
            Some(SmtpFault::DropAfter) => Stage::Deed(Aftermath::Drop),
            Some(SmtpFault::DropMidway(count)) => Stage::Deed(Aftermath::DropMidway(count)),
            Some(SmtpFault::GarbageForTls) => Stage::Deed(Aftermath::GarbageForTls),
            Some(SmtpFault::Run(hook)) => {
                hook.call(&self.server);
                Stage::Deed(Aftermath::Reply)
            }
        };
        Ok(stage)
    }

    /// One command. `None` when the connection is over.
    async fn command(mut self, line: &[u8]) -> io::Result<Option<Self>> {
        let request = match Request::parse(&mut line.iter()) {
            Ok(request) => request,
            Err(_) => {
                self.wire.line("500 5.5.2 not a command that I know");
                self.wire.send().await?;
                return Ok(Some(self));
            }
        };
        let recipient = match &request {
            Request::Rcpt { to } => Some(to.address.to_ascii_lowercase()),
            _ => None,
        };
        let aftermath = match self.stage(request.name(), recipient.as_deref()).await? {
            Stage::Deed(aftermath) => aftermath,
            Stage::Done => return Ok(Some(self)),
            Stage::Over => return Ok(None),
        };
        let name = request.name();
        let answer = self.carry_out(request).await?;
        self.server.edge(&format!("SMTP {name} <"));
        let (then, positive) = (answer.then, aftermath.clone());
        if !self.reply(answer, aftermath).await? {
            return Ok(None);
        }
        match then {
            Then::GoOn => Ok(Some(self)),
            Then::Quit => Ok(None),
            Then::StartTls if matches!(positive, Aftermath::GarbageForTls) => {
                self.wire.say("* this is not TLS\r\n".repeat(20));
                self.wire.send().await?;
                Ok(None)
            }
            Then::StartTls => self.secure().await.map(Some),
            Then::Data => self.data(&positive).await,
        }
    }

    /// Answers as the fault has it. Whether the connection goes on.
    async fn reply(&mut self, answer: Answer, aftermath: Aftermath) -> io::Result<bool> {
        match aftermath {
            Aftermath::Reply | Aftermath::DropMidway(_) | Aftermath::GarbageForTls => {
                for line in answer.lines {
                    self.wire.line(line);
                }
            }
            Aftermath::Raw(bytes) => self.wire.say(bytes),
            Aftermath::Stall => return std::future::pending().await,
            Aftermath::Drop => return Ok(false),
        }
        self.wire.send().await?;
        Ok(true)
    }

    async fn carry_out(&mut self, request: Request<Cow<'_, str>>) -> io::Result<Answer> {
        let answer = match request {
            Request::Ehlo { .. } => self.ehlo(),
            Request::Helo { .. } => say("250 demo.example"),
            Request::StartTls if self.server.shared.options.smtp_tls == Tls::StartTls && !self.secured => {
                Answer { lines: vec!["220 2.0.0 begin".to_owned()], then: Then::StartTls }
            }
            Request::Auth { mechanism, initial_response } => {
                self.authenticate(mechanism, &initial_response).await?
            }
            Request::Mail { from } => self.mail(&from.address, from.size),
            Request::Rcpt { to } => self.rcpt(&to.address),
            Request::Data if self.recipients.is_empty() => say("554 5.5.1 no valid recipients"),
            Request::Data => Answer { lines: vec!["354 go on".to_owned()], then: Then::Data },
            Request::Rset => {
                self.forget();
                say("250 2.0.0 forgotten")
            }
            Request::Noop { .. } => say("250 2.0.0 still here"),
            Request::Vrfy { .. } => say("252 2.1.5 try and see"),
            Request::Quit => Answer { lines: vec!["221 2.0.0 until next time".to_owned()], then: Then::Quit },
            _ => say("502 5.5.1 I cannot do that"),
        };
        Ok(answer)
    }

    fn forget(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    fn ehlo(&mut self) -> Answer {
        self.forget();
        let options = &self.server.shared.options;
        let clear = options.smtp_tls == Tls::StartTls && !self.secured;
        let mut words = vec!["demo.example".to_owned()];
        words.extend(options.extensions.iter().cloned());
        words.push(format!("SIZE {}", options.size_max));
        words.push(if clear { "STARTTLS" } else { "AUTH PLAIN LOGIN XOAUTH2" }.to_owned());
        let last = words.len().saturating_sub(1);
        let mark = |at: usize| if at == last { ' ' } else { '-' };
        let lines = words.iter().enumerate().map(|(at, word)| format!("250{}{word}", mark(at))).collect();
        Answer { lines, then: Then::GoOn }
    }

    fn mail(&mut self, from: &str, size: usize) -> Answer {
        let options = &self.server.shared.options;
        self.mails = self.mails.saturating_add(1);
        if options.require_login && self.login.is_none() {
            return say("530 5.7.0 log in first");
        }
        if options.mails_per_connection.is_some_and(|most| self.mails > most) {
            return say("452 4.5.3 too many mails on one connection");
        }
        if options.size_max > 0 && size > options.size_max {
            return say("552 5.3.4 too large");
        }
        self.forget();
        self.sender = Some(from.to_owned());
        say("250 2.1.0 from there")
    }

    fn rcpt(&mut self, to: &str) -> Answer {
        let Some(sender) = self.sender.clone() else { return say("503 5.5.1 MAIL first") };
        if self.server.shared.options.greylist {
            let pair = (sender, to.to_ascii_lowercase());
            if self.server.change(|store| store.seen_pairs.insert(pair)) {
                return say("450 4.2.0 greylisted, come again");
            }
        }
        self.recipients.push(to.to_owned());
        say("250 2.1.5 to them")
    }

    /// Reads the mail and takes it over.
    async fn data(mut self, aftermath: &Aftermath) -> io::Result<Option<Self>> {
        let (mut raw, mut read, mut receiver) = (Vec::new(), 0_usize, DataReceiver::new());
        let mut first = true;
        loop {
            let Some(line) = self.wire.read_line().await? else { return Ok(None) };
            read = read.saturating_add(line.len());
            if matches!(aftermath, Aftermath::DropMidway(count) if read > *count) || read > LITERAL_MAX {
                return Ok(None);
            }
            // The receiver knows a dot by the line end before it, which the first line has not.
            if std::mem::take(&mut first) {
                let mut sink = Vec::new();
                receiver.ingest(&mut b"\r\n".iter(), &mut sink);
            }
            if receiver.ingest(&mut line.iter(), &mut raw) {
                break;
            }
        }
        let aftermath = match self.stage("DOT", None).await? {
            Stage::Deed(aftermath) => aftermath,
            Stage::Done => {
                self.forget();
                return Ok(Some(self));
            }
            Stage::Over => return Ok(None),
        };
        let id = self.take_over(Arc::from(raw));
        self.server.edge("SMTP DOT <");
        let going = self.reply(say(&format!("250 2.0.0 taken over as {id}")), aftermath).await?;
        Ok(going.then_some(self))
    }

    /// Records the mail and delivers it to local accounts. Its number.
    fn take_over(&mut self, raw: Arc<[u8]>) -> usize {
        let from = self.sender.take().unwrap_or_default();
        let recipients = std::mem::take(&mut self.recipients);
        let (login, options) = (self.login.clone(), &self.server.shared.options);
        let arrived = options.clock.now().0;
        let authserv_id = options.authserv_id.as_deref();
        self.server.change(|store| {
            for to in recipients {
                if let Some(account) = store.account_of(&to) {
                    let top = trace(&from, &to, login.as_deref(), authserv_id, &raw);
                    let delivered: Arc<[u8]> = Arc::from([top.as_bytes(), &raw].concat());
                    if let Some(inbox) = store.folder_mut(&account, "INBOX") {
                        inbox.add(delivered, Default::default(), arrived);
                    }
                }
                let (raw, login) = (Arc::clone(&raw), login.clone());
                store.submitted.push(Submitted { from: from.clone(), to, raw, login });
            }
            store.submitted.len()
        })
    }

    async fn authenticate(&mut self, mechanism: u64, first: &str) -> io::Result<Answer> {
        if self.server.shared.options.smtp_tls == Tls::StartTls && !self.secured {
            return Ok(say("530 5.7.0 STARTTLS first"));
        }
        let (user, password) = match mechanism {
            AUTH_PLAIN => {
                let word = self.word(first, "").await?;
                let mut parts = word.split('\0').skip(1);
                (parts.next().unwrap_or_default().to_owned(), parts.next().unwrap_or_default().to_owned())
            }
            AUTH_LOGIN => (self.word(first, "Username:").await?, self.word("", "Password:").await?),
            AUTH_XOAUTH2 => {
                let word = self.word(first, "").await?;
                let mut parts = word.split('\x01');
                let user = parts.next().and_then(|part| part.strip_prefix("user=")).unwrap_or_default();
                let token =
                    parts.next().and_then(|part| part.strip_prefix("auth=Bearer ")).unwrap_or_default();
                (user.to_owned(), token.to_owned())
            }
            _ => return Ok(say("504 5.5.4 I do not know that mechanism")),
        };
        self.login = self.server.store().password_fits(&user, &password);
        if self.login.is_some() {
            return Ok(say("235 2.7.0 welcome"));
        }
        if mechanism == AUTH_XOAUTH2 {
            self.word("", "{\"status\":\"400\"}").await?;
        }
        Ok(say("535 5.7.8 wrong name or password"))
    }

    /// The client's word: the one it sent along, or the answer to a challenge.
    async fn word(&mut self, first: &str, challenge: &str) -> io::Result<String> {
        let mut coded = first.to_owned();
        if coded.is_empty() {
            self.wire.line(format!("334 {}", STANDARD.encode(challenge)));
            self.wire.send().await?;
            let line = self.wire.read_line().await?.ok_or_else(ended)?;
            coded = String::from_utf8_lossy(&line).trim().to_owned();
        }
        Ok(String::from_utf8_lossy(&STANDARD.decode(coded).unwrap_or_default()).into_owned())
    }
}

/// The lines that a receiving server puts on top. The domain in From counts as proven when the client logged in as
/// that very address.
fn trace(from: &str, to: &str, login: Option<&str>, authserv_id: Option<&str>, raw: &[u8]) -> String {
    let mut top = format!("Return-Path: <{from}>\r\nDelivered-To: {to}\r\n");
    let Some(id) = authserv_id else { return top };
    let author = author(raw);
    let domain = author.rsplit_once('@').map_or("", |(_, domain)| domain);
    let verdict = if login.is_some_and(|login| login == author) { "pass" } else { "fail" };
    top.push_str(&format!("Authentication-Results: {id}; dmarc={verdict} header.from={domain}\r\n"));
    top
}

/// The address in From, roughly.
fn author(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let line = text
        .lines()
        .take_while(|line| !line.is_empty())
        .find(|line| line.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("from:")));
    let value = line.and_then(|line| line.get(5..)).unwrap_or_default();
    let address = value.rsplit_once('<').map_or(value, |(_, rest)| rest);
    address.trim().trim_end_matches('>').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_logged_in_as_the_author_is_proven() {
        let mail = b"Subject: x\r\nFrom: Ana <Ana@Example.org>\r\n\r\n";
        let line = |login| trace("a@b", "c@d", login, Some("mx"), mail);
        assert!(line(Some("ana@example.org")).contains("mx; dmarc=pass header.from=example.org"));
        assert!(line(Some("eve@example.org")).contains("dmarc=fail"));
        assert!(line(None).contains("dmarc=fail"));
    }
}
