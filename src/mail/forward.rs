//! The mail that somebody forwards: who wrote it, about what, and its words; as an attachment (`message/rfc822`) or
//! inline, in the forms of Gmail, Outlook, Apple Mail, Thunderbird and mutt in English, Spanish and Portuguese.
//!
//! What is found is the forwarder's word and nothing more: inline it can be typed by anybody.

use super::header;
use super::ids::MessageId;
use super::text::history::{self, Role};
use crate::address::{Address, Person};

/// Lines of one header block.
const BLOCK_LINES_MAX: usize = 14;

/// A forwarded mail.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Forwarded {
    /// Who wrote it.
    pub from: Person,
    /// Its subject.
    pub subject: String,
    /// Its words.
    pub text: String,
    /// Its Message-ID: known of an attached mail only.
    pub message_id: Option<MessageId>,
}

impl Forwarded {
    /// The mail that this one forwards in its turn, inline.
    pub fn inner(&self) -> Option<Self> {
        inline(&self.text)
    }
}

/// Whether a mail of this subject and text says that it forwards another: by a prefix, or by the line that clients put
/// above what they forward.
pub(super) fn says_so(subject: &str, text: &str) -> bool {
    has_prefix(subject) || text.lines().any(|line| history::is_forward_line(unquoted(line).0.trim()))
}

/// Whether a subject begins with a client's prefix of forwarded mail.
pub(super) fn has_prefix(subject: &str) -> bool {
    let prefix = subject.split([':', '：']).next().unwrap_or("").trim().to_lowercase();
    prefix.len() < subject.len()
        && ["fwd", "fw", "rv", "enc", "i", "tr", "wg", "reenv", "doorst"].contains(&prefix.as_str())
}

/// The first mail that `text` holds behind a header block.
pub(super) fn inline(text: &str) -> Option<Forwarded> {
    let lines: Vec<&str> = text.lines().collect();
    let start = (0..lines.len()).find(|at| is_block(&lines, *at))?;
    let is_quoted = lines.get(start).is_some_and(|line| unquoted(line).1);
    let (mut from, mut subject, mut last, mut end) = (None, String::new(), None, start);
    for (index, line) in lines.iter().enumerate().skip(start).take(BLOCK_LINES_MAX) {
        let line = unquoted(line).0;
        let found = history::field(line);
        match found.clone() {
            Some((Role::From, value)) if from.is_none() => from = person(&value),
            Some((Role::Subject, value)) if subject.is_empty() => subject = value,
            Some(_) => {}
            None if line.trim().is_empty() => break,
            // A long field goes on in the next line.
            None => match last {
                Some(Role::From) if from.is_none() => from = person(line),
                Some(Role::Subject) => subject = format!("{subject} {}", line.trim()),
                Some(_) => {}
                None => break,
            },
        }
        last = found.map(|(role, _)| role).or(last);
        end = index + 1;
    }
    let rest = lines.get(end..).unwrap_or_default().iter();
    let own = |line: &&str| if is_quoted { unquoted(line).0.to_owned() } else { (*line).to_owned() };
    let body: Vec<String> = rest.map(own).take_while(|line| !is_end(line)).collect();
    Some(Forwarded { from: from?, subject, text: body.join("\n").trim().to_owned(), message_id: None })
}

/// Three fields of a header block within a few lines, From among them.
fn is_block(lines: &[&str], at: usize) -> bool {
    let role = |line: &str| history::field(unquoted(line).0).map(|(role, _)| role);
    if lines.get(at).and_then(|line| role(line)).is_none() {
        return false;
    }
    let block = lines.iter().skip(at).take(BLOCK_LINES_MAX).take_while(|l| !unquoted(l).0.trim().is_empty());
    let roles: Vec<Role> = block.filter_map(|line| role(line)).collect();
    roles.contains(&Role::From)
        && roles.len() >= 3
        && roles.iter().any(|r| matches!(r, Role::Date | Role::Subject))
}

/// A line without one quote mark, and whether it had one.
fn unquoted(line: &str) -> (&str, bool) {
    match line.trim_start().strip_prefix('>') {
        Some(rest) => (rest.strip_prefix(' ').unwrap_or(rest), true),
        None => (line, false),
    }
}

/// mutt's `----- End forwarded message -----`.
fn is_end(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("-----") && line.to_lowercase().contains("end forwarded message")
}

/// `María López <maria@x.example>`, `maria@x.example <mailto:…>`, `María [mailto:maria@x.example]`,
/// `"María" <maria@x.example<mailto:maria@x.example>>`.
fn person(value: &str) -> Option<Person> {
    let plain =
        value.replace(['*', '\u{a0}'], " ").replace("[mailto:", "<").replace("mailto:", "").replace(']', ">");
    let plain = plain.trim().trim_start_matches('[');
    let mut words = plain.split(['<', '>', ' ', '(', ')', '"', ';', ',']).filter(|word| word.contains('@'));
    let address = words.find_map(Address::parse)?;
    let before = plain.split('<').next().unwrap_or("").trim().trim_matches(['"', '\'', ' ']);
    let name = if before.contains('@') || !plain.contains('<') { "" } else { before };
    let decoded = header::one_line(name);
    Some(Person::new(&decoded, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_every_form_that_clients_write() {
        for text in [
            "María López <maria@x.example>",
            "*María López* <maria@x.example>",
            "María López [mailto:maria@x.example]",
            "\"María López\" <maria@x.example<mailto:maria@x.example>>",
            "María López <maria@x.example <mailto:maria@x.example>>",
        ] {
            let found = person(text).unwrap();
            assert_eq!(
                (found.name.as_str(), found.address.as_str()),
                ("María López", "maria@x.example"),
                "{text}"
            );
        }
        assert_eq!(person("maria@x.example <mailto:maria@x.example>").unwrap().name, "");
        assert_eq!(person("María López"), None);
    }

    /// As the programs of other languages write it above what they forward.
    #[test]
    fn forms_of_other_languages_are_read() {
        for text in [
            // Outlook, German.
            "Von: María López <maria@x.example>\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Ana <ana@y.example>\nBetreff: Factura\n\nHola.",
            // Gmail, German.
            "---------- Forwarded message ---------\nVon: María López <maria@x.example>\nDate: Mo., 5. Jan. 2026 um 10:00 Uhr\nSubject: Factura\nTo: <ana@y.example>\n\n\nHola.",
            // Thunderbird, German.
            "-------- Weitergeleitete Nachricht --------\nBetreff: \tFactura\nDatum: \tMon, 5 Jan 2026 10:00:00 +0100\nVon: \tMaría López <maria@x.example>\nAn: \tana@y.example\n\n\n\nHola.",
            // Outlook, French.
            "De : María López <maria@x.example>\nEnvoyé : lundi 5 janvier 2026 10:00\nÀ : Ana <ana@y.example>\nObjet : Factura\n\nHola.",
            // Apple Mail, French.
            "Début du message transféré :\n\nDe: María López <maria@x.example>\nObjet: Factura\nDate: 5 janvier 2026 à 10:00:00 UTC+1\nÀ: ana@y.example\n\nHola.",
            // Outlook, Italian.
            "Da: María López <maria@x.example>\nInviato: lunedì 5 gennaio 2026 10:00\nA: Ana <ana@y.example>\nOggetto: Factura\n\nHola.",
            // Thunderbird, Italian.
            "-------- Messaggio Inoltrato --------\nOggetto: \tFactura\nData: \tMon, 5 Jan 2026 10:00:00 +0100\nMittente: \tMaría López <maria@x.example>\nA: \tana@y.example\n\n\nHola.",
            // Outlook, Dutch.
            "Van: María López <maria@x.example>\nVerzonden: maandag 5 januari 2026 10:00\nAan: Ana <ana@y.example>\nOnderwerp: Factura\n\nHola.",
            // Outlook, Catalan.
            "De: María López <maria@x.example>\nEnviat: dilluns, 5 de gener de 2026 10:00\nPer a: Ana <ana@y.example>\nTema: Factura\n\nHola.",
            // Outlook of new, with bold words, and Cc.
            "*From:* María López <maria@x.example>\n*Sent:* Monday, January 5, 2026 10:00 AM\n*To:* Ana <ana@y.example>\n*Cc:* Luis <luis@y.example>\n*Subject:* Factura\n\nHola.",
            // Yahoo.
            "----- Forwarded Message -----\nFrom: María López <maria@x.example>\nTo: ana@y.example <ana@y.example>\nSent: Monday, January 5, 2026 at 10:00:00 AM GMT+1\nSubject: Factura\n\nHola.",
            // Spark, and the telephone's Outlook.
            "________________________________\nDe: María López <maria@x.example>\nEnviado: Monday, January 5, 2026 10:00:00 AM\nPara: ana@y.example <ana@y.example>\nAsunto: Factura\n\nHola.",
            // Roundcube, Spanish.
            "-------- Mensaje Original --------\nAsunto: Factura\nFecha: 2026-01-05 10:00\nDe: María López <maria@x.example>\nDestinatario: ana@y.example\n\nHola.",
            // mutt.
            "----- Forwarded message from María López <maria@x.example> -----\n\nDate: Mon, 5 Jan 2026 10:00:00 +0100\nFrom: María López <maria@x.example>\nTo: ana@y.example\nSubject: Factura\n\nHola.\n\n----- End forwarded message -----",
        ] {
            let found = inline(&format!("#new\n\n{text}")).unwrap_or_else(|| panic!("{text}"));
            let seen = (
                found.from.name.as_str(),
                found.from.address.as_str(),
                found.subject.as_str(),
                found.text.as_str(),
            );
            assert_eq!(seen, ("María López", "maria@x.example", "Factura", "Hola."), "{text}");
        }
    }

    /// A colleague got it from the requester and sent it on to the agent, who sends it on to the desk.
    #[test]
    fn of_a_forward_of_a_forward_the_outer_one_is_taken_and_holds_the_inner() {
        let text = "#new\n\n---------- Forwarded message ---------\nDe: Luis <luis@y.example>\nDate: mar, 6 ene 2026\nSubject: Fwd: Factura\nTo: <ana@y.example>\n\nMira esto.\n\n---------- Forwarded message ---------\nDe: María <maria@x.example>\nDate: lun, 5 ene 2026\nSubject: Factura\nTo: <luis@y.example>\n\nHola.";
        let found = inline(text).unwrap();
        assert_eq!(found.from.address.as_str(), "luis@y.example");
        assert!(found.text.contains("Hola."));
        assert_eq!(found.inner().unwrap().from.address.as_str(), "maria@x.example");
    }
}
