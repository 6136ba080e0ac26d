//! The main story with real software: Dovecot and Postfix with TLS and login, neomutt and s-nail as people's clients,
//! the program as a process.

use crate::program::{Program, verb};
use crate::real::{RealServers, run, wait_until};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DESK: &str = "soporte@desk.example";
const ANA: &str = "ana@desk.example";
const MARIA: &str = "maria@example.org";

/// The configuration of the desk on the real servers; `mailbox` is added to the mailbox's table.
pub fn configure(servers: &RealServers, password: &str, mailbox: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let dir = servers.folder().join("desk");
    std::fs::create_dir_all(&dir).unwrap();
    let secret = dir.join("secret");
    std::fs::write(&secret, password).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        r#"
[desk]
name = "Ejemplo"
domain = "mx.desk.example"
database = "desk.db"
hold_replies = "0s"

[web]
listen = "127.0.0.1:0"
base_url = "https://help.desk.example"

[smtp]
host = "localhost"
port = {submission}
tls = "starttls"
user = "{DESK}"
password_file = "secret"
ca_file = "{ca}"

[[agent]]
address = "{ANA}"
name = "Ana García"

[[queue]]
name = "soporte"
title = "Soporte"
address = "{DESK}"
agents = ["{ANA}"]

[[mailbox]]
name = "soporte"
queue = "soporte"
host = "localhost"
port = {imaps}
tls = "implicit"
user = "{DESK}"
password_file = "secret"
ca_file = "{ca}"
poll = "10s"
{mailbox}
"#,
        submission = servers.submission_port(),
        imaps = servers.imaps_port(),
        ca = servers.ca_file().display(),
    );
    let file = dir.join("config.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// Sends with neomutt, as a person with one attachment does.
fn neomutt(servers: &RealServers, from: &str, subject: &str, text: &str, attachment: &Path) {
    let rc = servers.folder().join("neomuttrc");
    let settings = format!(
        "set from = \"{from}\"\nset realname = \"María López\"\nset use_from = yes\nset smtp_url = \"smtp://127.0.0.1:{}/\"\nset ssl_starttls = no\nset ssl_force_tls = no\nset copy = no\nset folder = /nonexistent\nset record = \"\"\n",
        servers.smtp_port()
    );
    std::fs::write(&rc, settings).unwrap();
    let mut child = Command::new("neomutt")
        .args([
            "-n",
            "-F",
            rc.to_str().unwrap(),
            "-s",
            subject,
            "-a",
            attachment.to_str().unwrap(),
            "--",
            DESK,
        ])
        .env("HOME", servers.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Answers the newest mail in `who`'s maildir with s-nail, quoting it, as a person does.
pub fn s_nail(servers: &RealServers, who: &str, text: &str) {
    let mailbox = format!("maildir://{}", servers.maildir(who).display());
    let script = format!("folder {mailbox}\nset quote\nreply $\n{text}\n~.\nxit\n");
    let mut child = Command::new("s-nail")
        .args([
            "-#",
            "-:/",
            "-S",
            "v15-compat=yes",
            "-S",
            &format!("mta=smtp://127.0.0.1:{}", servers.smtp_port()),
        ])
        .args([
            "-S",
            "smtp-auth=none",
            "-S",
            &format!("from={who}"),
            "-S",
            "hostname=client.example",
            "-S",
            "sendwait",
            "-S",
            "noask",
        ])
        .env("HOME", servers.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn text(mail: &[u8]) -> String {
    mail_parser::MessageParser::default().parse(mail).unwrap().body_text(0).unwrap_or_default().into_owned()
}

fn subject(mail: &[u8]) -> String {
    mail_parser::MessageParser::default().parse(mail).unwrap().subject().unwrap_or_default().to_owned()
}

#[test]
fn the_main_story_with_real_servers_and_real_clients() {
    let servers = RealServers::start();
    let config = configure(&servers, "secret", "");
    let desk = Program::run(&config);
    wait_until("the folder open for IDLE", || desk.log().contains("ready").then_some(()));
    let pdf = servers.folder().join("factura.pdf");
    std::fs::write(&pdf, b"%PDF-1.4\nfactura\n").unwrap();
    neomutt(
        &servers,
        MARIA,
        "No puedo entrar",
        "Hola, desde ayer no puedo entrar al sistema de facturas.\nGracias,\nMaría\n",
        &pdf,
    );

    let acknowledgement = servers.wait_for_mails(MARIA, 1).remove(0);
    assert!(subject(&acknowledgement).contains("[#"), "{}", subject(&acknowledgement));
    let notification = servers.wait_for_mails(ANA, 1).remove(0);
    assert!(text(&notification).contains("no puedo entrar al sistema"));
    let parsed = mail_parser::MessageParser::default().parse(&notification).unwrap();
    assert_eq!(parsed.attachment(0).unwrap().contents(), b"%PDF-1.4\nfactura\n");

    s_nail(&servers, ANA, "Hola María, ya está arreglado.");
    let mails = servers.wait_for_mails(MARIA, 2);
    let reply = text(&mails[1]);
    assert!(reply.contains("ya está arreglado"), "{reply}");
    assert!(!reply.contains("no puedo entrar al sistema"), "history is folded away: {reply}");
    assert!(!String::from_utf8_lossy(&mails[1]).contains(ANA));

    s_nail(&servers, MARIA, "Perfecto, muchas gracias.");
    let mails = servers.wait_for_mails(ANA, 2);
    assert!(text(&mails[1]).contains("Perfecto, muchas gracias"));

    s_nail(&servers, ANA, "#cerrar");
    let list = || desk.says(&["ticket", "list", "--all", "--json"]);
    wait_until("the ticket closed", || list().contains("\"closed\"").then_some(()));
    let tickets: serde_json::Value = serde_json::from_str(&list()).unwrap();
    assert_eq!(tickets.as_array().unwrap().len(), 1, "one thread: {tickets}");

    desk.says(&["verify"]);
    let doctor = desk.says(&["doctor"]);
    assert!(doctor.contains("the server has 0 in INBOX, the ledger has 0 of them"), "{doctor}");
    assert_eq!(servers.read_folder(DESK, "Postdesk").len(), 4, "what was taken is in the folder");
    assert_eq!(desk.stop(), Some(0));
}

#[test]
fn a_backlog_of_a_thousand_mails_is_taken_once_and_in_order() {
    let servers = RealServers::start();
    let new = servers.maildir(DESK).join("new");
    for folder in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(servers.maildir(DESK).join(folder)).unwrap();
    }
    for n in 0..1000 {
        // Every tenth is an answer to the mail before it, which must have been filed first.
        let (id, answer) = if n % 10 == 9 {
            (n, format!("In-Reply-To: <{}@client.example>\r\n", n - 1))
        } else {
            (n, String::new())
        };
        let from = if n % 10 == 9 { n - 1 } else { n };
        let mail = format!(
            "From: <person{from}@example.org>\r\nTo: <{DESK}>\r\nSubject: Asunto {n}\r\nMessage-ID: <{id}@client.example>\r\n{answer}\r\nTexto del mensaje {n}.\r\n"
        );
        std::fs::write(new.join(format!("{:010}.M{n:06}P1.host", 1_700_000_000 + n)), mail).unwrap();
    }
    run(Command::new("chown")
        .args(["-R", "--reference"])
        .arg(servers.folder().join("mail"))
        .arg(servers.maildir(DESK)));
    let config = configure(&servers, "secret", "");
    let desk = Program::run(&config);
    let accounted = || {
        // The database is there a moment after the start.
        let output = verb(&config, &["inbox", "list", "--limit", "2000", "--json"]).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout)
            .ok()
            .and_then(|list| list.as_array().cloned())
            .unwrap_or_default()
    };
    wait_until("a thousand mails in the ledger", || (accounted().len() >= 1000).then_some(()));
    let count = |word: &str| accounted().iter().filter(|mail| mail["disposition"] == word).count();
    assert_eq!((count("opened"), count("follow-up")), (900, 100));
    wait_until("the inbox empty", || servers.read_mails(DESK).is_empty().then_some(()));
    assert_eq!(servers.read_folder(DESK, "Postdesk").len(), 1000);
    desk.says(&["verify"]);
    assert_eq!(desk.stop(), Some(0));
}

#[test]
fn a_wrong_password_and_an_expired_certificate_are_named() {
    let servers = RealServers::start_expired();
    let config = configure(&servers, "secret", "");
    let output = verb(&config, &["check", "--connect"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("expired"), "{said}");
    drop(servers);

    let servers = RealServers::start();
    let config = configure(&servers, "wrong", "");
    let output = verb(&config, &["check", "--connect"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("refuses the login"), "{said}");
    assert!(!said.contains("wrong"), "the password is never printed: {said}");
}
