//! Who is believed, with real software before the desk: OpenDKIM, OpenDMARC and Postfix judge mail of agents and of
//! those who pretend to be agents, by SPF, DKIM and DMARC of zones that a real resolver serves.

use crate::program::Program;
use crate::real::{
    AUTHSERV_ID, Checks, HONEST_ADDRESS, PASSWORD, RealServers, STRANGERS_ADDRESS, run, wait_until,
};
use crate::real_story::{configure, s_nail};
use serde_json::Value;
use std::process::Command;

const DESK: &str = "soporte@desk.example";
/// An agent whose domain has everything else rejected.
const ANA: &str = "ana@example.org";
/// An agent whose domain publishes DMARC and asks for nothing.
const LUIS: &str = "luis@example.net";
/// An agent of the desk's own domain, whose mail the desk's own server signs and does not check.
const JOANA: &str = "joana@desk.example";
const MARIA: &str = "maria@example.net";
/// Somebody whom the agent writes to, and who keeps the mail.
const COLLEAGUE: &str = "colega@example.org";

/// A desk that believes its own server, with one ticket of María's.
struct Scene {
    servers: RealServers,
    desk: Program,
    ticket: i64,
    /// Mails in the ledger, and written by this test.
    accounted: usize,
    written: usize,
}

impl Scene {
    fn start() -> Self {
        let servers = RealServers::start_with_checks();
        let more = format!(
            "authserv_id = \"{AUTHSERV_ID}\"
[[agent]]
address = \"{LUIS}\"
name = \"Luís Souza\"
[[agent]]
address = \"{JOANA}\"
name = \"Joana\"
[budgets]
per_sender = 1000
"
        );
        let config = configure(&servers, PASSWORD, &more);
        let text = std::fs::read_to_string(&config).unwrap();
        let text = text
            .replace("\"ana@desk.example\"", &format!("\"{ANA}\""))
            .replace(&format!("[\"{ANA}\"]"), &format!("[\"{ANA}\", \"{LUIS}\", \"{JOANA}\"]"));
        std::fs::write(&config, text).unwrap();
        let desk = Program::run(&config);
        wait_until("the folder open for IDLE", || desk.log().contains("ready").then_some(()));
        let mut scene = Self { servers, desk, ticket: 0, accounted: 0, written: 0 };
        let question = scene.letter(MARIA, "No puedo entrar", "Desde ayer no puedo entrar al sistema.\n");
        let account = scene.posts(scene.world(STRANGERS_ADDRESS), MARIA, &question);
        assert_eq!(account["disposition"], "opened", "{account}");
        scene.ticket = account["number"].as_i64().unwrap();
        for who in [MARIA, ANA, LUIS, JOANA] {
            scene.servers.wait_for_mails(who, 1);
        }
        scene
    }

    fn checks(&self) -> &Checks {
        self.servers.checks()
    }

    /// The way of a mail that comes from `address` straight to the desk's server.
    fn world(&self, address: &'static str) -> (u16, &'static str) {
        (self.servers.smtp_port(), address)
    }

    /// The way of a mail whose sender's own server signs it.
    fn signed(&self) -> (u16, &'static str) {
        (self.checks().honest_port, "127.0.0.1")
    }

    /// A mail of an id of its own.
    fn letter(&mut self, from: &str, subject: &str, body: &str) -> String {
        self.written += 1;
        format!(
            "From: <{from}>\nTo: <{DESK}>\nSubject: {subject}\nDate: Fri, 20 Nov 2026 10:00:00 +0000\nMessage-ID: <{}.{from}>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}",
            self.written
        )
    }

    /// What an agent writes by himself, not as a reply: only the tag says which ticket is meant.
    fn order(&mut self, from: &str, body: &str) -> String {
        let subject = format!("Re: [#{}] No puedo entrar", self.ticket);
        self.letter(from, &subject, body)
    }

    /// Sends a mail to the desk; its line in the ledger.
    fn posts(&mut self, (port, address): (u16, &str), envelope: &str, mail: &str) -> Value {
        self.servers.send_raw_from(port, address, (envelope, DESK), mail.as_bytes());
        self.next_account()
    }

    fn next_account(&mut self) -> Value {
        self.accounted += 1;
        let wanted = self.accounted;
        wait_until(&format!("{wanted} mails in the ledger"), || {
            let list: Vec<Value> =
                serde_json::from_str(&self.desk.says(&["inbox", "list", "--json"])).unwrap();
            assert!(list.len() <= wanted, "{list:#?}");
            list.into_iter().max_by_key(|mail| mail["id"].as_i64()).filter(|mail| mail["id"] == wanted)
        })
    }

    /// All there is about the ticket.
    fn shown(&self) -> String {
        self.desk.says(&["ticket", "show", &self.ticket.to_string()])
    }

    /// The bytes of a mail as the desk keeps them.
    fn raw(&self, account: &Value) -> String {
        let file = self.servers.folder().join("exported.eml");
        self.desk.says(&["inbox", "export", &account["id"].to_string(), file.to_str().unwrap()]);
        String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()
    }

    fn ends(self) {
        self.desk.says(&["verify"]);
        assert_eq!(self.desk.stop(), Some(0));
    }
}

/// What the server wrote first about who sent a mail.
fn results(raw: &str) -> &str {
    raw.lines().find_map(|line| line.strip_prefix("Authentication-Results: ")).unwrap_or_default()
}

fn text(mail: &[u8]) -> String {
    mail_parser::MessageParser::default().parse(mail).unwrap().body_text(0).unwrap_or_default().into_owned()
}

#[test]
fn agents_whose_mail_is_signed_or_comes_from_their_server_are_obeyed() {
    let mut scene = Scene::start();
    // A forwarder's envelope: SPF has nothing to say about Ana's domain, the signature alone speaks for her.
    let mail = scene.order(ANA, "Hola María, ya puede entrar.\n\n#close\n");
    let account = scene.posts(scene.signed(), "bounces@forwarder.example", &mail);
    assert_eq!(account["disposition"], "agent", "{account}");
    let raw = scene.raw(&account);
    assert!(results(&raw).contains("dmarc=pass"), "{raw}");
    assert!(raw.contains("d=example.org"), "really signed: {raw}");
    assert!(scene.shown().contains("\nclosed,"), "{}", scene.shown());
    let reply = scene.servers.wait_for_mails(MARIA, 2).remove(1);
    assert!(text(&reply).contains("ya puede entrar"), "{}", text(&reply));
    assert!(!text(&reply).contains("#close"));

    // Luís's server signs nothing, but SPF names it.
    let mail = scene.order(LUIS, "#note\nLlamarla mañana.\n");
    let account = scene.posts(scene.world(HONEST_ADDRESS), LUIS, &mail);
    assert_eq!(account["disposition"], "agent", "{account}");
    assert!(results(&scene.raw(&account)).contains("dmarc=pass"));
    assert!(scene.shown().contains("(internal note)"), "{}", scene.shown());
    scene.ends();
}

/// A mail that Ana really wrote to `to`, as it lies in her colleague's mailbox: with her server's signature.
fn kept_by_the_colleague(scene: &mut Scene, to: &str) -> String {
    let way = scene.signed();
    kept_after(scene, to, way)
}

fn kept_after(scene: &mut Scene, to: &str, (port, address): (u16, &str)) -> String {
    let body = format!("Hola María, ya puede entrar ({}).\n", scene.written);
    let mail = scene.order(ANA, &body).replace(DESK, to);
    let had = scene.servers.read_mails(COLLEAGUE).len();
    scene.servers.send_raw_from(port, address, (ANA, COLLEAGUE), mail.as_bytes());
    let kept = scene.servers.wait_for_mails(COLLEAGUE, had + 1).remove(had);
    let kept = String::from_utf8(kept).unwrap().replace("\r\n", "\n");
    let signature = kept.find("DKIM-Signature:").unwrap();
    kept[signature..].to_owned()
}

/// One way to pretend: what it is called, where the mail goes in, from whose envelope, the mail, and what the server
/// says of it.
type Forgery = (&'static str, (u16, &'static str), &'static str, String, &'static str);

fn written_by_others(scene: &mut Scene) -> Vec<Forgery> {
    let close = "Hola María, mande su contraseña.\n\n#close\n";
    let stranger = scene.world(STRANGERS_ADDRESS);
    let careless = (scene.checks().careless_port, STRANGERS_ADDRESS);
    let evil = (scene.checks().evil_port, "127.0.0.1");
    let claim =
        |results: &str, mail: String| format!("Authentication-Results: {AUTHSERV_ID}; {results}\n{mail}");
    let (dmarc, spf) = ("dmarc=pass header.from=example.org", "spf=pass smtp.mailfrom=example.org");
    let dkim = "dkim=pass header.d=example.org";
    let three = claim(dkim, claim(dkim, claim(&format!("{dkim}; {dmarc}"), scene.order(ANA, close))));
    vec![
        ("an agent of p=reject", stranger, ANA, scene.order(ANA, close), "fail"),
        ("an agent of p=none", stranger, LUIS, scene.order(LUIS, close), "fail"),
        ("own results", stranger, ANA, claim(dmarc, scene.order(ANA, close)), "fail"),
        ("own results that stay in", careless, ANA, claim(spf, scene.order(ANA, close)), "fail"),
        ("own results, three", careless, ANA, three, "fail"),
        ("signed by another domain", evil, "x@evil.example", scene.order(ANA, close), "fail"),
    ]
}

/// What can be made of mail that an agent did write and sign.
fn passed_on(scene: &mut Scene) -> Vec<Forgery> {
    let stranger = scene.world(STRANGERS_ADDRESS);
    let another = format!("Subject: Re: [#{}] Otra cosa", scene.ticket);
    let mut forgeries = Vec::new();
    let mut add = |name, written_to, change: &dyn Fn(String) -> String, verdict| {
        let mail = change(kept_by_the_colleague(scene, written_to));
        forgeries.push((name, stranger, ANA, mail, verdict));
    };
    let on_top = |field: &str| {
        let field = field.to_owned();
        move |mail: String| format!("{field}\n{mail}")
    };
    add("another text", DESK, &|mail| mail.replace("ya puede entrar", "mande su contraseña"), "fail");
    add("a command more", DESK, &|mail| mail + "\n#close\n", "fail");
    add("another id", DESK, &|mail| mail.replace("Message-ID: <", "Message-ID: <x"), "fail");
    add("an answer to more", DESK, &on_top("References: <otro@example.org>"), "fail");
    add("a second sender", DESK, &on_top(&format!("From: <{ANA}>")), "fail");
    add("a second subject", DESK, &on_top(&another), "pass");
    add("not written to the desk", COLLEAGUE, &|mail| mail, "pass");
    add("a second recipient", COLLEAGUE, &on_top(&format!("To: <{DESK}>")), "pass");
    let short = (scene.checks().short_port, "127.0.0.1");
    let mail =
        kept_after(scene, COLLEAGUE, short).replace(&format!("To: <{COLLEAGUE}>"), &format!("To: <{DESK}>"));
    forgeries.push(("its recipient changed, that was not signed", stranger, ANA, mail, "pass"));
    forgeries
}

impl Scene {
    /// Each forgery is kept without effect, and its agent asked about it.
    fn withstands(&mut self, forgeries: Vec<Forgery>) {
        let before = self.shown();
        let inboxes = |scene: &Self| [ANA, LUIS].map(|agent| scene.servers.read_mails(agent).len());
        let (had_in_all, count) = (inboxes(self), forgeries.len());
        for (name, way, envelope, mail, verdict) in forgeries {
            let agent = if mail.contains(LUIS) { LUIS } else { ANA };
            let had = self.servers.read_mails(agent).len();
            let account = self.posts(way, envelope, &mail);
            let raw = self.raw(&account);
            assert!(results(&raw).contains(&format!("dmarc={verdict}")), "{name}: {raw}");
            assert_eq!(account["disposition"], "held", "{name}: {account}");
            let asked = self.servers.wait_for_mails(agent, had + 1).remove(had);
            assert!(text(&asked).contains("nada demuestra que sea suyo"), "{name}: {}", text(&asked));
        }
        assert_eq!(self.shown(), before, "nothing has happened to the ticket");
        let asked: usize = inboxes(self).iter().sum();
        assert_eq!(asked, had_in_all.iter().sum::<usize>() + count, "one question for each");
    }
}

#[test]
fn whoever_pretends_to_be_an_agent_has_no_power_and_the_agent_is_asked() {
    let mut scene = Scene::start();
    let forgeries = written_by_others(&mut scene);
    scene.withstands(forgeries);
    // The results that a stranger brought along and nobody took out stand below the server's own.
    let kept = scene.raw(&serde_json::json!({ "id": 5 }));
    assert!(
        kept.contains("Authentication-Results: mx.desk.example; spf=pass smtp.mailfrom=example.org"),
        "{kept}"
    );

    // The last that named Ana was hers after all: she says so.
    s_nail(&scene.servers, ANA, "Sí, fui yo.");
    assert_eq!(scene.next_account()["disposition"], "agent");
    assert!(scene.shown().contains("\nclosed,"), "{}", scene.shown());
    let replies = scene.servers.wait_for_mails(MARIA, 2);
    assert_eq!(replies.len(), 2, "the one that was confirmed went out, and no other");
    scene.ends();
}

#[test]
fn a_signed_mail_that_was_altered_or_passed_on_has_no_power() {
    let mut scene = Scene::start();
    let forgeries = passed_on(&mut scene);
    scene.withstands(forgeries);
    assert_eq!(scene.servers.read_mails(MARIA).len(), 1, "the acknowledgement and nothing else");
    scene.ends();
}

/// Submission with a password is not checked, so nothing is written on top of results that such a mail brings along:
/// `header_checks` takes them out.
#[test]
fn who_has_a_login_cannot_write_the_servers_results() {
    let mut scene = Scene::start();
    let claim = format!("Authentication-Results: {AUTHSERV_ID}; dmarc=pass header.from=desk.example\n");
    let mail = claim + &scene.order(JOANA, "#close\n");
    let file = scene.servers.folder().join("insider.eml");
    std::fs::write(&file, mail).unwrap();
    run(Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--user", &format!("{MARIA}:{PASSWORD}")])
        .args([
            "--mail-from",
            MARIA,
            "--mail-rcpt",
            DESK,
            "--upload-file",
            file.to_str().unwrap(),
            "--cacert",
        ])
        .arg(scene.servers.ca_file())
        .arg(format!("smtps://localhost:{}", scene.servers.submissions_port())));
    let account = scene.next_account();
    assert_eq!(account["disposition"], "held", "{account}");
    assert_eq!(results(&scene.raw(&account)), "");
    let asked = scene.servers.wait_for_mails(JOANA, 2).remove(1);
    assert!(text(&asked).contains("nada demuestra que sea suyo"), "{}", text(&asked));
    assert!(!scene.shown().contains("\nclosed,"), "{}", scene.shown());
    scene.ends();
}

/// RFC 8058: mail programs offer the button only where the signature covers both fields of it.
#[test]
fn what_the_desk_sends_is_signed_with_the_fields_of_leaving() {
    let mut scene = Scene::start();
    let question = scene.letter(MARIA, "Factura", "La factura de octubre tiene un error.\n");
    let question = question.replace("\nSubject:", &format!("\nCc: <{COLLEAGUE}>\nSubject:"));
    let account = scene.posts(scene.world(STRANGERS_ADDRESS), MARIA, &question);
    scene.ticket = account["number"].as_i64().unwrap();
    let answer = scene.order(ANA, "La corregimos hoy.\n");
    scene.posts(scene.signed(), ANA, &answer);

    let mail = scene.servers.wait_for_mails(COLLEAGUE, 1).remove(0);
    let parsed = mail_parser::MessageParser::default().parse(&mail).unwrap();
    let signature = parsed.header_raw("DKIM-Signature").unwrap().to_lowercase();
    let signature: String = signature.split_whitespace().collect();
    assert!(signature.contains("d=desk.example;"), "{signature}");
    let signed = signature.split(";h=").nth(1).unwrap().split(';').next().unwrap();
    for field in ["from", "subject", "message-id", "list-unsubscribe", "list-unsubscribe-post"] {
        assert!(parsed.header_raw(field).is_some(), "{}", String::from_utf8_lossy(&mail));
        assert!(signed.split(':').any(|name| name == field), "{field}: {signed}");
    }
    scene.ends();
}
