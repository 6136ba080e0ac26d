//! Mail as people's clients write it, and as it reaches them.

use super::{DESK, World};
use mail_parser::{MessageParser, MimeHeaders};
use postdesk::demo::server::Stored;

/// A mail as a person's client makes it.
pub struct Letter {
    pub from: String,
    pub to: String,
    pub subject: String,
    pub headers: String,
    pub body: String,
}

impl Letter {
    pub fn raw(&self) -> String {
        format!(
            "From: <{}>\r\nTo: <{}>\r\nSubject: {}\r\n{}Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
            self.from, self.to, self.subject, self.headers, self.body
        )
    }

    pub fn with(mut self, headers: &str) -> Self {
        self.headers += headers;
        self
    }
}

/// A mail as it reached somebody.
#[derive(Debug, Clone)]
pub struct Mail {
    pub raw: String,
    pub id: String,
    pub subject: String,
    pub from: String,
    pub text: String,
    pub attachments: Vec<(String, Vec<u8>)>,
}

impl Mail {
    fn of(stored: &Stored) -> Self {
        let parsed = MessageParser::default().parse(&stored.raw).unwrap();
        let from = parsed.from().and_then(|from| from.first()).unwrap();
        Self {
            raw: String::from_utf8_lossy(&stored.raw).into_owned(),
            id: parsed.message_id().unwrap().to_owned(),
            subject: parsed.subject().unwrap_or_default().to_owned(),
            from: format!("{} <{}>", from.name().unwrap_or_default(), from.address().unwrap_or_default()),
            text: parsed.body_text(0).unwrap_or_default().into_owned(),
            attachments: parsed
                .attachments()
                .map(|part| (part.attachment_name().unwrap_or_default().to_owned(), part.contents().to_vec()))
                .collect(),
        }
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let parsed = MessageParser::default().parse(self.raw.as_bytes()).unwrap();
        parsed.header_raw(name).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl World {
    pub fn letter(&mut self, from: &str, subject: &str, body: &str) -> Letter {
        self.written += 1;
        let headers = format!("Message-ID: <{}.{from}>\r\n", self.written);
        Letter { from: from.into(), to: DESK.into(), subject: subject.into(), headers, body: body.into() }
    }

    /// Somebody writes to the desk.
    pub fn writes(&mut self, from: &str, subject: &str, body: &str) {
        let letter = self.letter(from, subject, body);
        self.posts(&letter);
    }

    pub fn posts(&mut self, letter: &Letter) {
        self.server.deliver(DESK, letter.raw());
    }

    /// Somebody answers `mail` as a client does: references, subject, quotation.
    pub fn answers(&mut self, from: &str, mail: &Mail, body: &str) {
        let letter = self.answer(from, mail, body);
        self.posts(&letter);
    }

    pub fn answer(&mut self, from: &str, mail: &Mail, body: &str) -> Letter {
        let subject = if mail.subject.starts_with("Re:") {
            mail.subject.clone()
        } else {
            format!("Re: {}", mail.subject)
        };
        let quoted: String = mail.text.lines().map(|line| format!("> {line}\r\n")).collect();
        let body = format!(
            "{body}\r\n\r\nEl lun, 5 ene 2026 a las 10:00, Soporte <{DESK}> escribió:\r\n\r\n{quoted}"
        );
        let mut letter = self.letter(from, &subject, &body);
        letter.to = mail.header("Reply-To").unwrap_or_else(|| DESK.to_owned());
        letter.headers += &format!(
            "In-Reply-To: <{}>\r\nReferences: {} <{}>\r\n",
            mail.id,
            mail.header("References").unwrap_or_default(),
            mail.id
        );
        letter
    }

    /// The mails that reached `address` since this was last asked.
    pub fn new_mails(&mut self, address: &str) -> Vec<Mail> {
        let all = self.server.mails(address, "INBOX");
        let seen = self.seen.entry(address.to_owned()).or_default();
        let new = all.iter().skip(*seen).map(Mail::of).collect();
        *seen = all.len();
        new
    }

    /// The one mail that reached `address` since this was last asked.
    pub fn new_mail(&mut self, address: &str) -> Mail {
        let mut mails = self.new_mails(address);
        assert_eq!(
            mails.len(),
            1,
            "{address} got {:?}",
            mails.iter().map(|m| &m.subject).collect::<Vec<_>>()
        );
        mails.remove(0)
    }

    pub fn no_mail(&mut self, address: &str) {
        let mails = self.new_mails(address);
        assert!(
            mails.is_empty(),
            "{address} got {:?}",
            mails.iter().map(|m| (&m.subject, &m.text)).collect::<Vec<_>>()
        );
    }
}
