//! Mail as a person's client makes it: new, or an answer with references, prefix and quotation. Knows no ticket.

use super::setting::{DESK, Someone};
use crate::clock::{Clock, Dice, Timestamp};
use crate::mail::Mail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// A mail being written.
pub(super) struct Letter {
    pub(super) from: Someone,
    /// Logged in, or from a server that anybody can use.
    pub(super) proven: bool,
    pub(super) to: String,
    subject: String,
    headers: String,
    body: String,
    file: Option<(String, Vec<u8>)>,
}

impl Letter {
    /// A new mail to the desk.
    pub(super) fn new(from: Someone, subject: &str, body: &str) -> Self {
        let (subject, body) = (subject.to_owned(), body.to_owned());
        Self { from, proven: true, to: DESK.to_owned(), subject, headers: String::new(), body, file: None }
    }

    /// An answer to `mail`, the answered text quoted below, as most clients do it.
    pub(super) fn answer(from: Someone, mail: &Mail, body: &str) -> Self {
        let begins = mail.subject.get(..3).is_some_and(|prefix| prefix.eq_ignore_ascii_case("re:"));
        let subject = if begins { mail.subject.clone() } else { format!("Re: {}", mail.subject) };
        let mut letter = Self::new(from, &subject, body);
        if let Some(person) = mail.reply_to.first().or(mail.from.as_ref()) {
            letter.to = person.address.to_string();
        }
        letter.body.push_str(&quotation(mail));
        if let Some(id) = &mail.message_id {
            let older: String = mail.references.iter().map(|id| format!("{id}\r\n ")).collect();
            let _ = write!(letter.headers, "In-Reply-To: {id}\r\nReferences: {older}{id}\r\n");
        }
        letter
    }

    /// With a file.
    pub(super) fn with_file(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.file = Some((name.to_owned(), bytes));
        self
    }

    /// With another header.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// From a server where nobody logged in as the author.
    pub(super) fn unproven(self) -> Self {
        Self { proven: false, ..self }
    }

    /// Its bytes.
    pub(super) fn raw(&self) -> Vec<u8> {
        let domain = self.from.address.rsplit('@').next().unwrap_or_default();
        let head = format!(
            "From: {} <{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{:016x}@{domain}>\r\n{}MIME-Version: 1.0\r\n",
            coded(self.from.name),
            self.from.address,
            self.to,
            coded(&self.subject),
            date(Clock::real().now()),
            Dice::real().draw(),
            self.headers,
        );
        let text = format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            base64_lines(self.body.replace("\r\n", "\n").replace('\n', "\r\n").as_bytes())
        );
        match &self.file {
            None => format!("{head}{text}"),
            Some((name, bytes)) => format!(
                "{head}Content-Type: multipart/mixed; boundary=\"=-demo\"\r\n\r\n--=-demo\r\n{text}--=-demo\r\nContent-Type: application/pdf; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--=-demo--\r\n",
                base64_lines(bytes)
            ),
        }
        .into_bytes()
    }
}

/// A header value of any letters (RFC 2047); the demo's are short enough for one word.
fn coded(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", STANDARD.encode(text)) }
}

fn base64_lines(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(57) {
        out.push_str(&STANDARD.encode(chunk));
        out.push_str("\r\n");
    }
    out
}

fn date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.0).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn quotation(mail: &Mail) -> String {
    let author =
        mail.from.as_ref().map(|from| format!("{} <{}>", from.name, from.address)).unwrap_or_default();
    let at = jiff::Timestamp::from_second(mail.date.unwrap_or_default().0).unwrap_or_default();
    let quoted: String = mail.text().lines().map(|line| format!("> {line}\n")).collect();
    format!("\n\nEl {}, {author} escribió:\n\n{quoted}", at.strftime("%d/%m/%Y %H:%M"))
}

/// A page of one line, small and whole (ISO 32000-1 7.5): a reader opens it without a complaint.
pub(super) fn pdf(line: &str) -> Vec<u8> {
    let page = format!("BT /F1 18 Tf 60 760 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let (mut out, mut places) = ("%PDF-1.4\n".to_owned(), String::new());
    for (at, object) in objects.iter().enumerate() {
        let _ = writeln!(places, "{:010} 00000 n ", out.len());
        let _ = write!(out, "{} 0 obj\n{object}\nendobj\n", at.saturating_add(1));
    }
    let start = out.len();
    let count = objects.len().saturating_add(1);
    let _ = write!(
        out,
        "xref\n0 {count}\n0000000000 65535 f \n{places}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::setting::{ANA, MARIA};
    use super::*;
    use crate::mail::{LIMITS, read};

    #[test]
    fn a_letter_is_read_as_it_was_meant() {
        let letter = Letter::new(MARIA, "Señal débil", "Hola:\nadiós.").with_file("señal.pdf", pdf("x"));
        let mail = read(&letter.raw(), &LIMITS);
        assert_eq!((mail.subject.as_str(), mail.fresh().as_str()), ("Señal débil", "Hola:\nadiós."));
        assert_eq!(mail.attachments.len(), 1);
        assert!(
            mail.oddities.is_empty() || mail.oddities.iter().all(|o| o.code != "no-from"),
            "{:?}",
            mail.oddities
        );
    }

    #[test]
    fn an_answer_points_at_what_it_answers_and_folds_it() {
        let first = read(&Letter::new(MARIA, "Hola", "¿Hay alguien?").raw(), &LIMITS);
        let answer = read(&Letter::answer(ANA, &first, "Sí.").raw(), &LIMITS);
        assert_eq!(answer.in_reply_to, first.message_id.into_iter().collect::<Vec<_>>());
        assert_eq!(answer.fresh(), "Sí.");
        assert!(answer.text().contains("> ¿Hay alguien?"));
    }
}
