//! An agent's whole day with real software: neomutt and s-nail against Dovecot and Postfix, the program as a process. The
//! clients make every reply themselves, with their own references and their own quotation.

use crate::program::Program;
use crate::real::{Neomutt, PASSWORD, RealServers, wait_until};
use crate::real_story::{configure, s_nail};
use std::collections::BTreeMap;
use std::path::PathBuf;

const DESK: &str = "soporte@desk.example";
const ANA: &str = "ana@desk.example";
const LUIS: &str = "luis@desk.example";
const MARIA: &str = "maria@example.org";
const PEDRO: &str = "pedro@example.net";

/// A mail as it lies in somebody's inbox.
struct Received {
    raw: String,
    id: String,
    text: String,
    points_at: String,
}

impl Received {
    fn of(raw: &[u8]) -> Self {
        let parsed = mail_parser::MessageParser::default().parse(raw).unwrap();
        let field = |name: &str| parsed.header_raw(name).unwrap_or_default().to_owned();
        Self {
            id: parsed.message_id().unwrap().to_owned(),
            text: parsed.body_text(0).unwrap_or_default().into_owned(),
            points_at: field("In-Reply-To") + &field("References"),
            raw: String::from_utf8_lossy(raw).into_owned(),
        }
    }
}

struct Day {
    servers: RealServers,
    config: PathBuf,
    desk: Program,
    ana: Neomutt,
    seen: BTreeMap<&'static str, usize>,
}

impl Day {
    fn begins() -> Self {
        let servers = RealServers::start();
        let luis = format!("[[agent]]\naddress = \"{LUIS}\"\nname = \"Luís Souza\"\n");
        let config = configure(&servers, PASSWORD, &luis);
        let text = std::fs::read_to_string(&config).unwrap();
        let both = format!("[\"{ANA}\", \"{LUIS}\"]");
        std::fs::write(&config, text.replace(&format!("[\"{ANA}\"]"), &both)).unwrap();
        let desk = Program::run(&config);
        wait_until("the folder open for IDLE", || desk.log().contains("ready").then_some(()));
        let ana = Neomutt::new(&servers, ANA, "Ana García");
        Self { servers, config, desk, ana, seen: BTreeMap::new() }
    }

    /// The next mails of `who`, which must be that many.
    fn next(&mut self, who: &'static str, count: usize) -> Vec<Received> {
        let seen = self.seen.entry(who).or_default();
        let all = self.servers.wait_for_mails(who, *seen + count);
        let new: Vec<Received> = all[*seen..].iter().map(|raw| Received::of(raw)).collect();
        let texts: Vec<&str> = new.iter().map(|mail| mail.text.as_str()).collect();
        assert_eq!(new.len(), count, "{who} got {texts:#?}");
        *seen = all.len();
        new
    }

    fn next_one(&mut self, who: &'static str) -> Received {
        self.next(who, 1).remove(0)
    }

    /// Somebody outside writes; the number of the ticket that it opens, and Ana's notification.
    fn asks(&mut self, who: &'static str, id: &str, subject: &str, text: &str) -> (i64, Received) {
        let mail = format!(
            "From: <{who}>\nTo: <{DESK}>\nSubject: {subject}\nMessage-ID: <{id}@client.example>\nDate: Fri, 20 Nov 2026 08:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
        );
        self.servers.send_raw(who, DESK, mail.as_bytes());
        self.next_one(who);
        self.next_one(LUIS);
        let told = self.next_one(ANA);
        let number = told.raw.lines().find_map(|line| line.strip_prefix("X-Postdesk-Ticket: ")).unwrap();
        (number.trim().parse().unwrap(), told)
    }

    fn shown(&self, number: i64) -> String {
        self.desk.says(&["ticket", "show", &number.to_string()])
    }

    /// Waits until there is `wanted` in what is known of a ticket.
    fn until(&self, number: i64, wanted: &str) {
        wait_until(&format!("{wanted:?} in ticket {number}"), || {
            self.shown(number).contains(wanted).then_some(())
        });
    }

    fn set_hold(&self, old: &str, new: &str) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        let line = |hold: &str| format!("hold_replies = \"{hold}\"");
        assert!(text.contains(&line(old)));
        std::fs::write(&self.config, text.replace(&line(old), &line(new))).unwrap();
        self.desk.reload();
    }
}

/// A time zone in which it is `hour` o'clock now, `hours_later` more than that.
fn zone_where_it_is(hour: i64, hours_later: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let utc = i64::try_from(now / 3600 % 24).unwrap();
    // From -11 to 12; the signs of these names are the other way round.
    let east = (hour + hours_later - utc + 11).rem_euclid(24) - 11;
    format!("Etc/GMT{}{}", if east > 0 { '-' } else { '+' }, east.abs())
}

impl Day {
    /// Takes the ticket, leaves a note, answers, and gets an answer to that; the requester sees the answer alone.
    fn takes_notes_and_answers(&mut self, number: i64, told: &Received) -> Received {
        self.ana.replies(&told.id, "#take");
        self.until(number, &format!("assigned to {ANA}"));
        self.ana.replies(&told.id, "#note\nParece la contraseña caducada.");
        self.until(number, "Parece la contraseña caducada.");
        assert!(self.next_one(LUIS).text.contains("contraseña caducada"), "a colleague reads the note");

        self.ana.replies(&told.id, "Hola María, ya puede entrar.\nUn saludo.");
        assert!(self.next_one(LUIS).text.contains("ya puede entrar"));
        let reply = self.next_one(MARIA);
        assert!(reply.text.starts_with("Hola María, ya puede entrar.\nUn saludo.\n"), "{}", reply.text);
        for unseen in ["contraseña caducada", "#", "Desde ayer", "por encima de esta línea", "wrote:", ANA]
        {
            let text = reply.text.replace(&format!("[#{number}]"), "");
            assert!(!text.contains(unseen), "{unseen}: {text}");
        }
        let raw = reply.raw.replace("m1@client.example", "");
        for trace in [ANA, "client.example", "User-Agent", "NeoMutt"] {
            assert!(!raw.contains(trace), "{trace} of the agent's own mail: {raw}");
        }
        assert!(reply.points_at.contains("<m1@client.example>"), "in her own thread: {}", reply.points_at);

        s_nail(&self.servers, MARIA, "Gracias, pero me pide otra clave.");
        let answer = self.next_one(ANA);
        assert!(answer.text.contains("me pide otra clave"), "{}", answer.text);
        assert!(answer.text.contains(&format!("LE LLEGA A: {MARIA}")), "{}", answer.text);
        answer
    }

    /// Takes a reply back while it waits: it stays as a note.
    fn takes_a_reply_back(&mut self, number: i64, answer: &Received) {
        self.set_hold("0s", "10m");
        self.ana.replies(&answer.id, "La clave nueva es 1234.");
        assert!(self.next_one(LUIS).text.contains("La respuesta sale en nombre de"), "it is still here");
        self.ana.replies(&answer.id, "#undo");
        self.until(number, "a reply was taken back before it was sent");
        self.set_hold("10m", "0s");
        let shown = self.shown(number);
        let message = shown.split("\n--- ").find(|message| message.contains("1234")).unwrap();
        assert!(message.contains("(internal note)"), "{shown}");
        assert!(shown.contains(&format!("reply to {MARIA}: dropped")), "{shown}");
        assert!(
            self.next_one(LUIS).text.contains("retiró la última respuesta"),
            "colleagues hear of that too"
        );
    }

    /// Searches, lists and looks at a ticket by mail, and answers what came: the ticket's requester gets it.
    fn works_through_the_desk(&mut self, printer: i64, entry: i64, proof: &Received) {
        self.ana.replies(&proof.id, "#search IMPRESORA piso");
        let found = self.next_one(ANA);
        assert!(found.text.contains(&printer.to_string()), "{}", found.text);
        assert!(!found.text.contains(&entry.to_string()), "{}", found.text);
        self.ana.replies(&found.id, "#list");
        let list = self.next_one(ANA);
        assert!(list.text.contains("Tickets en curso: 2"), "{}", list.text);
        assert!(list.text.contains(&printer.to_string()) && list.text.contains(&entry.to_string()));
        s_nail(&self.servers, LUIS, "#lista");
        assert!(self.next_one(LUIS).text.contains("Tickets en curso: 2"), "in another client too");
        self.ana.replies(&list.id, &format!("#show {printer}"));
        let ticket = self.next_one(ANA);
        assert!(ticket.text.contains("La impresora del segundo piso no imprime."), "{}", ticket.text);
        self.ana.replies(&ticket.id, "Hola Pedro, ¿tiene papel?");
        let reply = self.next_one(PEDRO);
        assert!(reply.text.starts_with("Hola Pedro, ¿tiene papel?"), "{}", reply.text);
        assert!(reply.points_at.contains("<p1@client.example>"), "{}", reply.points_at);
        self.next_one(LUIS);
        s_nail(&self.servers, PEDRO, "Sí, tiene papel.");
        assert!(self.next_one(ANA).text.contains("tiene papel"));
    }

    /// The next morning: it is between eight and nine where Ana lives, and twelve hours later where Luis does.
    fn wakes_up_to_a_digest(mut self, open: i64, done: [i64; 2]) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        let eight = |name: &str, later| {
            format!("{name}\ndigest_hour = 8\ntime_zone = \"{}\"", zone_where_it_is(8, later))
        };
        let (ana, luis) = ("name = \"Ana García\"", "name = \"Luís Souza\"");
        let text = text.replace(ana, &eight(ana, 0)).replace(luis, &eight(luis, 12));
        std::fs::write(&self.config, text).unwrap();
        assert_eq!(self.desk.stop(), Some(0));
        self.desk = Program::run(&self.config);
        let digest = self.next_one(ANA);
        assert!(digest.text.contains(&open.to_string()), "{}", digest.text);
        assert!(done.iter().all(|number| !digest.text.contains(&number.to_string())), "{}", digest.text);
        // She answers it, as she answers anything of the desk's.
        self.ana.replies(&digest.id, &format!("#show {open}"));
        assert!(self.next_one(ANA).text.contains("Sí, tiene papel."));
        for who in [ANA, LUIS, MARIA, PEDRO] {
            assert_eq!(self.servers.read_mails(who).len(), self.seen[who], "{who} got more than was seen");
        }
        assert_eq!(self.servers.read_mails(DESK).len(), 0, "all that came was taken");
        self.desk.says(&["verify"]);
        assert_eq!(self.desk.stop(), Some(0));
    }
}

#[test]
fn an_agents_whole_day_in_a_real_mail_client() {
    let mut day = Day::begins();
    let (entry, told) = day.asks(MARIA, "m1", "No puedo entrar", "Desde ayer no puedo entrar al sistema.");
    let (printer, about_printer) =
        day.asks(PEDRO, "p1", "Impresora", "La impresora del segundo piso no imprime.");
    let (again, told_again) = day.asks(MARIA, "m2", "Sigo igual", "Sigo sin poder entrar, ¿hay novedades?");
    assert!(told.text.contains("Desde ayer no puedo entrar"), "{}", told.text);

    let answer = day.takes_notes_and_answers(entry, &told);
    day.takes_a_reply_back(entry, &answer);
    day.ana.replies(&told_again.id, &format!("#merge {entry}"));
    day.until(again, &format!("merged into {entry}"));
    day.works_through_the_desk(printer, entry, &about_printer);

    day.ana.replies(&answer.id, "Le llamo y lo vemos.\n\n#close");
    day.until(entry, "\nclosed,");
    let last = day.next_one(MARIA);
    assert!(
        last.text.starts_with("Le llamo y lo vemos.\n") && !last.text.contains("#close"),
        "{}",
        last.text
    );
    day.next_one(LUIS);
    day.wakes_up_to_a_digest(printer, [entry, again]);
}
