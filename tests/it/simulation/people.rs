//! Who writes to the desk: requesters, strangers, robots, a list, dead addresses, and the agents. Each acts on the mail
//! that reached it, as people do. Every word of theirs is marked, so that it can be followed.

use crate::world::{ANA, DESK, LUIS};
use mail_parser::MessageParser;
use postdesk::clock::Dice;
use postdesk::demo::server::{MailServer, Submitted};
use postdesk::mail::{LIMITS, read};
use postdesk::store::read::Reader;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Whose words are followed: the number is in the mark. The third is away, the fourth a robot that hides what it is.
pub const REQUESTERS: [&str; 5] = [
    "maria@client.example",
    "pedro@client.example",
    "away@client.example",
    "bot@robots.example",
    "stranger@evil.example",
];
/// Takes part in everybody's tickets.
pub const COPIED: &str = "jefe@client.example";
/// Mail to it comes back.
pub const DEAD: &str = "gone@client.example";
pub const ADMIN: &str = "admin@desk.example";
pub const AGENTS: [&str; 2] = [ANA, LUIS];

/// What the agents command; none of these lines may leave.
pub const COMMANDS: [&str; 14] = [
    "#close",
    "#resolver",
    "#pending 3d",
    "#abrir",
    "#assign me",
    "#prioridad alta",
    "#tag urgente",
    "#cc jefe@client.example",
    "#watch",
    "#undo",
    "#help",
    "#clsoe",
    "#assign nadie",
    "#nota",
];

/// Mails a person remembers.
const REMEMBERED: usize = 12;

pub struct People {
    pub delivered: Vec<Delivered>,
    boxes: BTreeMap<String, (usize, Vec<Arc<[u8]>>)>,
    bounced: usize,
    corpus: Vec<Vec<u8>>,
    words: u32,
}

/// A mail that was put into the desk's inbox.
pub struct Delivered {
    pub raw: Arc<[u8]>,
    pub key: [u8; 32],
}

struct Letter {
    from: String,
    head: String,
    body: String,
}

impl People {
    pub fn new(server: &MailServer) -> Self {
        for address in REQUESTERS.iter().chain(&AGENTS).chain(&[ADMIN, DESK, COPIED]) {
            server.add_account(address, "secret");
        }
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let mut paths: Vec<_> = ["auto", "bounce", "malformed", "parse", "reply-trim"]
            .iter()
            .flat_map(|kind| std::fs::read_dir(root.join(kind)).unwrap().map(|entry| entry.unwrap().path()))
            .filter(|path| path.extension().is_some_and(|end| end == "eml"))
            .collect();
        paths.sort();
        let corpus = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
        Self { delivered: Vec::new(), boxes: BTreeMap::new(), bounced: 0, corpus, words: 0 }
    }

    /// One person does one thing.
    pub fn act(&mut self, dice: &Dice, server: &MailServer, reader: &Reader, round: u32) {
        self.look(server);
        match dice.below(24) {
            0..=3 => self.writes(dice, server, dice.below(2) as usize, round),
            4..=6 => self.answers(dice, server, dice.below(2) as usize),
            7 => self.robot(dice, server),
            8 => self.vacation(dice, server),
            9 => self.stranger(dice, server, reader),
            10 => self.list(server),
            11 => self.bounces(server),
            12 => self.again(dice, server),
            13 => self.odd(dice, server),
            14 => self.forged_agent(dice, server, reader),
            15 => self.large(server),
            16 => self.own_mail(dice, server),
            _ => self.agent(dice, server),
        }
    }

    pub fn some_ticket(&self, dice: &Dice, reader: &Reader) -> Option<i64> {
        let mut all = reader.db().prepare("SELECT number FROM ticket ORDER BY id").unwrap();
        let numbers: Vec<i64> = all.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
        numbers.get(dice.below(numbers.len() as u64) as usize).copied()
    }

    /// Puts bytes into the desk's inbox and remembers them.
    fn deliver(&mut self, server: &MailServer, raw: Vec<u8>) {
        server.deliver(DESK, &raw);
        self.delivered.push(Delivered { key: read(&raw, &LIMITS).content_key, raw: raw.into() });
    }

    fn post(&mut self, server: &MailServer, letter: &Letter) {
        let raw = format!(
            "{}From: <{}>\r\nTo: <{DESK}>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
            letter.head, letter.from, letter.body
        );
        self.deliver(server, raw.into_bytes());
    }

    fn letter(&mut self, from: &str, subject: &str, body: &str) -> Letter {
        self.words += 1;
        let head = format!("Message-ID: <{}.{from}>\r\nSubject: {subject}\r\n", self.words);
        Letter { from: from.to_owned(), head, body: body.to_owned() }
    }

    /// A word that tells whose it is.
    fn word(&mut self, kind: &str) -> String {
        self.words += 1;
        format!("{kind}N{}", self.words)
    }

    /// New mail of everybody.
    fn look(&mut self, server: &MailServer) {
        for address in REQUESTERS.iter().chain(&AGENTS) {
            let all = server.mails(address, "INBOX");
            let (seen, kept) = self.boxes.entry((*address).to_owned()).or_default();
            kept.extend(all.iter().skip(*seen).map(|mail| Arc::clone(&mail.raw)));
            *seen = all.len();
            let over = kept.len().saturating_sub(REMEMBERED);
            kept.drain(..over);
        }
    }

    fn some_mail(&self, dice: &Dice, of: &str) -> Option<Arc<[u8]>> {
        let kept = &self.boxes.get(of)?.1;
        kept.get(dice.below(kept.len() as u64) as usize).cloned()
    }

    fn writes(&mut self, dice: &Dice, server: &MailServer, who: usize, round: u32) {
        let word = self.word(&format!("WORDOF{who}"));
        let texts = [
            "Buenos días, no puedo entrar al sistema de facturas desde ayer",
            "The printer is broken again, could you please help us with it",
            "Bom dia, não consigo imprimir a nota fiscal de ontem, podem ajudar",
        ];
        let text = texts[dice.below(3) as usize];
        let mut letter =
            self.letter(REQUESTERS[who], &format!("Caso {round} {word}"), &format!("{text}. {word}"));
        if dice.below(4) == 0 {
            letter.head = format!(
                "Authentication-Results: mx.desk.example; dmarc=pass header.from=client.example\r\n{}",
                letter.head
            );
        }
        match dice.below(8) {
            0 => letter.head += &format!("Cc: <{COPIED}>\r\n"),
            1 => letter.from = DEAD.to_owned(),
            2 => letter.head += &format!("Cc: <{DESK}>, <{ANA}>\r\nReply-To: <{DESK}>\r\n"),
            _ => {}
        }
        self.post(server, &letter);
    }

    /// A client's answer to `raw`: subject, references, quotation.
    fn answer(&mut self, from: &str, raw: &[u8], body: &str) -> Option<Letter> {
        let mail = MessageParser::default().parse(raw)?;
        let subject = format!("Re: {}", mail.subject()?.trim_start_matches("Re: "));
        let id = mail.message_id()?;
        let quoted: String = mail.body_text(0)?.lines().map(|line| format!("> {line}\r\n")).collect();
        let body = format!(
            "{body}\r\n\r\nEl lun, 5 ene 2026 a las 10:00, Soporte <{DESK}> escribió:\r\n\r\n{quoted}"
        );
        let mut letter = self.letter(from, &subject, &body);
        letter.head += &format!("In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n");
        Some(letter)
    }

    fn answers(&mut self, dice: &Dice, server: &MailServer, who: usize) {
        let Some(raw) = self.some_mail(dice, REQUESTERS[who]) else { return };
        let word = self.word(&format!("WORDOF{who}"));
        if let Some(letter) =
            self.answer(REQUESTERS[who], &raw, &format!("Gracias, pero sigue igual. {word}"))
        {
            self.post(server, &letter);
        }
    }

    /// Answers whatever it gets, or writes anew, and shows in no header that it is a robot.
    fn robot(&mut self, dice: &Dice, server: &MailServer) {
        let word = self.word("WORDOF3");
        let letter = match self.some_mail(dice, REQUESTERS[3]) {
            Some(raw) if dice.below(2) == 0 => self.answer(REQUESTERS[3], &raw, &word),
            _ => Some(self.letter(
                REQUESTERS[3],
                &format!("Your request {word}"),
                &format!("We have received your message. {word}"),
            )),
        };
        letter.iter().for_each(|letter| self.post(server, letter));
    }

    fn vacation(&mut self, dice: &Dice, server: &MailServer) {
        let word = self.word("WORDOF2");
        let away = REQUESTERS[2];
        let letter = match self.some_mail(dice, away) {
            Some(raw) => self.answer(away, &raw, &format!("No estoy. {word}")).map(|mut letter| {
                letter.head += "Auto-Submitted: auto-replied\r\n";
                letter
            }),
            None => {
                Some(self.letter(away, "Una pregunta", &format!("¿Cuándo abren la oficina mañana? {word}")))
            }
        };
        letter.iter().for_each(|letter| self.post(server, letter));
    }

    /// Knows a ticket's number, or has got hold of somebody else's mail.
    fn stranger(&mut self, dice: &Dice, server: &MailServer, reader: &Reader) {
        let word = self.word("WORDOF4");
        let from = REQUESTERS[4];
        let letter =
            match (dice.below(2), self.some_mail(dice, REQUESTERS[0]), self.some_ticket(dice, reader)) {
                (0, Some(stolen), _) => self.answer(from, &stolen, &word).map(|mut letter| {
                    letter.body = format!("Cuénteme más. {word}");
                    letter
                }),
                (_, _, Some(number)) => Some(self.letter(
                    from,
                    &format!("Re: [#{number}] Caso"),
                    &format!("Quiero saber de este caso. {word}"),
                )),
                _ => Some(self.letter(from, "Hola", &word)),
            };
        letter.iter().for_each(|letter| self.post(server, letter));
    }

    fn list(&mut self, server: &MailServer) {
        let mut letter = self.letter("news@lists.example", "Boletín", "Novedades de la semana.");
        letter.head += "List-Id: <news.lists.example>\r\nPrecedence: list\r\nList-Unsubscribe: <mailto:u@lists.example>\r\n";
        self.post(server, &letter);
    }

    /// Reports about mail to the dead address.
    fn bounces(&mut self, server: &MailServer) {
        let all = server.submitted();
        let gone: Vec<&Submitted> = all.iter().skip(self.bounced).filter(|mail| mail.to == DEAD).collect();
        for mail in &gone {
            self.words += 1;
            let head = String::from_utf8_lossy(&mail.raw);
            let head = head.split("\r\n\r\n").next().unwrap_or_default();
            let raw = format!(
                "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nTo: <{DESK}>\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b{}@mx.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {DEAD}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n\r\n--b--\r\n",
                self.words
            );
            self.deliver(server, raw.into_bytes());
        }
        self.bounced = all.len();
    }

    /// A mail that came before comes again.
    fn again(&mut self, dice: &Dice, server: &MailServer) {
        let count = self.delivered.len() as u64;
        if let Some(mail) = self.delivered.get(dice.below(count) as usize) {
            let raw = mail.raw.to_vec();
            self.deliver(server, raw);
        }
    }

    /// A mail of the corpus, as it is or with some bytes changed.
    fn odd(&mut self, dice: &Dice, server: &MailServer) {
        let mut raw = self.corpus[dice.below(self.corpus.len() as u64) as usize].clone();
        for _ in 0..dice.below(3) * dice.below(20) {
            if raw.len() < 2 {
                break;
            }
            let at = dice.below(raw.len() as u64) as usize;
            match dice.below(3) {
                0 => raw[at] = dice.draw() as u8,
                1 => drop(raw.remove(at)),
                _ => raw.insert(at, b"\r\n\0=?\"<>;#"[dice.below(10) as usize]),
            }
        }
        self.deliver(server, raw);
    }

    /// Says that it is an agent and cannot show it.
    fn forged_agent(&mut self, dice: &Dice, server: &MailServer, reader: &Reader) {
        let Some(number) = self.some_ticket(dice, reader) else { return };
        let letter = self.letter(ANA, &format!("[#{number}]"), &format!("{}\r\n\r\n#close", self.words));
        self.post(server, &letter);
    }

    fn large(&mut self, server: &MailServer) {
        let body = "Demasiado.\r\n".repeat(8000);
        let letter = self.letter(REQUESTERS[0], "Grande", &body);
        self.post(server, &letter);
    }

    /// Mail that we sent comes back as it is.
    fn own_mail(&mut self, dice: &Dice, server: &MailServer) {
        if let Some(raw) = self.some_mail(dice, REQUESTERS[0]) {
            self.deliver(server, raw.to_vec());
        }
    }

    fn agent(&mut self, dice: &Dice, server: &MailServer) {
        let who = AGENTS[dice.below(2) as usize];
        let Some(raw) = self.some_mail(dice, who) else { return };
        let command = COMMANDS[dice.below(COMMANDS.len() as u64) as usize];
        let (public, note) = (self.word("PUBLIC"), self.word("SECRET"));
        let body = match dice.below(6) {
            0 => format!("#note\r\nEste cliente siempre se queja. {note}"),
            1 => command.to_owned(),
            2 => format!("{command}\r\nEntre nosotros: {note}\r\n#nota"),
            3 => format!("Ya está. {public}\r\n\r\n{}", COMMANDS[dice.below(9) as usize]),
            4 => format!("Lo veo. {note}\r\n#close\r\nHasta luego."),
            _ => format!("Hola, lo estamos mirando. {public}"),
        };
        let Some(mut letter) = self.answer(who, &raw, &body) else { return };
        if dice.below(8) == 0 {
            letter.head += "Auto-Submitted: auto-replied\r\n";
            letter.body = format!("Estoy de vacaciones. {note}");
        }
        self.post(server, &letter);
    }

    /// Everybody who is inside.
    pub fn inside() -> BTreeSet<&'static str> {
        [ANA, LUIS, ADMIN].into()
    }
}
