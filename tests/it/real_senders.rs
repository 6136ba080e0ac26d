//! Who is believed, with real software before the desk: OpenDKIM, OpenDMARC and Postfix judge mail of agents and of
//! those who pretend to be agents, by SPF, DKIM and DMARC of zones that a real resolver serves.

use crate::program::Program;
use crate::real::{AUTHSERV_ID, Checks, HONEST_ADDRESS, PASSWORD, RealServers, STRANGERS_ADDRESS, wait_until};
use crate::real_story::{configure, s_nail};
use serde_json::Value;

const DESK: &str = "soporte@desk.example";
/// An agent whose domain has everything else rejected.
const ANA: &str = "ana@example.org";
/// An agent whose domain publishes DMARC and asks for nothing.
const LUIS: &str = "luis@example.net";
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
[budgets]
per_sender = 1000
"
        );
        let config = configure(&servers, PASSWORD, &more);
        let text = std::fs::read_to_string(&config).unwrap();
        let text = text
            .replace("ana@desk.example", ANA)
            .replace(&format!("[\"{ANA}\"]"), &format!("[\"{ANA}\", \"{LUIS}\"]"));
        std::fs::write(&config, text).unwrap();
        let desk = Program::run(&config);
        wait_until("the folder open for IDLE", || desk.log().contains("ready").then_some(()));
        let mut scene = Self { servers, desk, ticket: 0, accounted: 0, written: 0 };
        let question = scene.letter(MARIA, "No puedo entrar", "Desde ayer no puedo entrar al sistema.\n");
        let account = scene.posts(scene.world(STRANGERS_ADDRESS), MARIA, &question);
        assert_eq!(account["disposition"], "opened", "{account}");
        scene.ticket = account["number"].as_i64().unwrap();
        for who in [MARIA, ANA, LUIS] {
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

/// A mail that Ana really wrote, as it lies in her colleague's mailbox: with her server's signature.
fn kept_by_the_colleague(scene: &mut Scene) -> String {
    let mail = scene.order(ANA, "Hola María, ya puede entrar.\n");
    let (port, address) = scene.signed();
    scene.servers.send_raw_from(port, address, (ANA, COLLEAGUE), mail.as_bytes());
    let kept = scene.servers.wait_for_mails(COLLEAGUE, 1).remove(0);
    let kept = String::from_utf8(kept).unwrap().replace("\r\n", "\n");
    let signature = kept.find("DKIM-Signature:").unwrap();
    kept[signature..].to_owned()
}

/// One way to pretend: what it is called, where it goes in, its envelope's sender, the mail.
type Forgery = (&'static str, (u16, &'static str), &'static str, String);

fn forgeries(scene: &mut Scene) -> Vec<Forgery> {
    let close = "Hola María, mande su contraseña.\n\n#close\n";
    let stranger = scene.world(STRANGERS_ADDRESS);
    let careless = (scene.checks().careless_port, STRANGERS_ADDRESS);
    let evil = (scene.checks().evil_port, "127.0.0.1");
    let claim = |results: &str, mail: String| format!("Authentication-Results: {AUTHSERV_ID}; {results}\n{mail}");
    let (dmarc, spf) = ("dmarc=pass header.from=example.org", "spf=pass smtp.mailfrom=example.org");
    let dkim = "dkim=pass header.d=example.org";
    let kept = kept_by_the_colleague(scene);
    let id = kept.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned();
    vec![
        ("an agent of p=reject, unsigned", stranger, ANA, scene.order(ANA, close)),
        ("an agent of p=none, unsigned", stranger, LUIS, scene.order(LUIS, close)),
        ("results of his own", stranger, ANA, claim(dmarc, scene.order(ANA, close))),
        ("results of his own that nobody takes out", careless, ANA, claim(spf, scene.order(ANA, close))),
        (
            "three results of his own",
            careless,
            ANA,
            claim(dkim, claim(dkim, claim(&format!("{dkim}; {dmarc}"), scene.order(ANA, close)))),
        ),
        ("signed by another domain", evil, "x@evil.example", scene.order(ANA, close)),
        ("signed, then another text", stranger, ANA, kept.replace("ya puede entrar", "mande su contraseña")),
        ("signed, then a command more", stranger, ANA, format!("{kept}\n#close\n")),
        ("signed, then another id", stranger, ANA, kept.replace(&id, "Message-ID: <otro@example.org>")),
        ("signed, then a second sender", stranger, ANA, format!("From: <{ANA}>\n{kept}")),
        ("an agent of p=reject again", stranger, ANA, scene.order(ANA, close)),
    ]
}

#[test]
fn whoever_pretends_to_be_an_agent_has_no_power_and_the_agent_is_asked() {
    let mut scene = Scene::start();
    let before = scene.shown();
    let forgeries = forgeries(&mut scene);
    for (name, way, envelope, mail) in forgeries {
        let agent = if mail.contains(LUIS) { LUIS } else { ANA };
        let had = scene.servers.read_mails(agent).len();
        let account = scene.posts(way, envelope, &mail);
        let raw = scene.raw(&account);
        println!("{name}: {account}\n{}", raw.lines().filter(|l| l.starts_with("Authentication-Results")).collect::<Vec<_>>().join("\n"));
        assert!(results(&raw).contains("dmarc=fail"), "{name}: {raw}");
        assert_eq!(account["disposition"], "held", "{name}: {account}");
        let asked = scene.servers.wait_for_mails(agent, had + 1).remove(had);
        assert!(text(&asked).contains("nada demuestra que sea suyo"), "{name}: {}", text(&asked));
    }
    assert_eq!(scene.shown(), before, "nothing has happened to the ticket");

    s_nail(&scene.servers, ANA, "Sí, fui yo.");
    assert_eq!(scene.next_account()["disposition"], "agent");
    assert!(scene.shown().contains("\nclosed,"), "{}", scene.shown());
    let replies = scene.servers.wait_for_mails(MARIA, 2);
    assert_eq!(replies.len(), 2, "the one that was confirmed went out, and no other");
    scene.ends();
}
