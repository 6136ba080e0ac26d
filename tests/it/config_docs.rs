//! `config.toml` is the manual of the configuration: it must load, name every key, and tell the true defaults.

use postdesk::config::keys::TABLES;
use postdesk::config::{After, Assign, AutomaticMail, Config, Reopen, Tls, load, parse};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn sample() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

fn meaning(text: &str) -> Config {
    parse(text, Path::new("config.toml")).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The key of a line: `key = …`, `#key = …` or `# or: key = …`.
fn key_of(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# or: ").or_else(|| line.strip_prefix('#')).unwrap_or(line);
    let (key, _) = line.split_once(" = ")?;
    key.chars().all(|c| c.is_ascii_lowercase() || c == '_').then_some(key)
}

#[test]
fn the_sample_loads() {
    load(&sample().0).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn every_key_is_documented_and_no_other() {
    let known: BTreeSet<(String, String)> = TABLES
        .iter()
        .flat_map(|table| table.keys.iter().map(|key| (table.name.to_owned(), (*key).to_owned())))
        .collect();
    let mut table = String::new();
    let mut documented = BTreeSet::new();
    for line in sample().1.lines() {
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).to_owned();
        } else if let Some(key) = key_of(line)
            && !table.is_empty()
        {
            documented.insert((table.clone(), key.to_owned()));
        }
    }
    assert_eq!(documented, known);
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let text = sample().1;
    let is_default = |line: &str| line.starts_with('#') && !line.starts_with("# ") && key_of(line).is_some();
    let written: Vec<&str> =
        text.lines().map(|line| if is_default(line) { line.trim_start_matches('#') } else { line }).collect();
    assert!(written.len() - written.iter().filter(|line| text.lines().any(|old| old == **line)).count() > 30);
    assert_eq!(format!("{:?}", meaning(&text)), format!("{:?}", meaning(&written.join("\n"))));
}

const SMALLEST: &str = r#"
[desk]
name = "Example"
domain = "example.org"

[smtp]
host = "mail.example.org"
user = "soporte@example.org"
password_file = "secret"

[[agent]]
address = "ana@example.org"

[[queue]]
name = "soporte"
address = "soporte@example.org"
time_zone = "America/Mexico_City"
language = "pt"

[[mailbox]]
host = "mail.example.org"
user = "soporte@example.org"
password_file = "secret"
"#;

#[test]
fn the_smallest_configuration_has_sensible_defaults() {
    let config = parse(SMALLEST, Path::new("/etc/postdesk/config.toml")).unwrap();
    let (agent, queue, mailbox) = (&config.agents[0], &config.queues[0], &config.mailboxes[0]);
    assert_eq!(config.desk.database, Path::new("/var/lib/postdesk/postdesk.db"));
    assert_eq!(config.desk.admins, std::slice::from_ref(&agent.person.address));
    assert_eq!(agent.language, queue.language);
    assert_eq!(agent.time_zone.iana_name(), Some("America/Mexico_City"));
    assert_eq!((queue.title.as_str(), queue.agents.as_slice()), ("Soporte", [0].as_slice()));
    assert_eq!((queue.reopen, queue.assign), (Reopen::Within(14 * 86400), Assign::FirstReply));
    assert_eq!(queue.automatic, AutomaticMail::Open);
    assert_eq!((mailbox.name.as_str(), mailbox.queue, mailbox.server.port), ("soporte", 0, 993));
    assert_eq!((mailbox.after.clone(), mailbox.poll_secs), (After::Move("Postdesk".into()), 60));
    assert_eq!((config.smtp.server.port, config.smtp.server.tls), (465, Tls::Implicit));
    assert_eq!(config.limits.mail_max_bytes, 50_000_000);
    assert!(config.web.is_none());
    let relative = format!("{:?}", config.smtp.server.secret);
    assert_eq!(relative, r#"Some(File("/etc/postdesk/secret"))"#);
}

#[test]
fn ports_follow_the_protection() {
    let with = |tls: &str| {
        let text =
            SMALLEST.replace("host = \"mail.example.org\"", &format!("host = \"localhost\"\ntls = {tls:?}"));
        let config = meaning(&text);
        (config.smtp.server.port, config.mailboxes[0].server.port)
    };
    assert_eq!([with("implicit"), with("starttls"), with("none")], [(465, 993), (587, 143), (25, 143)]);
}

#[test]
fn no_damage_to_the_sample_makes_the_reader_panic() {
    let text = sample().1;
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("# ")).collect();
    let file = Path::new("config.toml");
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        let cut = fewer.remove(at);
        let _ = parse(&fewer.join("\n"), file);
        fewer.insert(at, &cut[..cut.len() / 2]);
        let _ = parse(&fewer.join("\n"), file);
        let twice = [&lines[..=at], &lines[at..]].concat();
        let _ = parse(&twice.join("\n"), file);
        let odd = lines[at].replace('=', "= [").replace('"', "\u{0}'").replace('[', "[[");
        let _ = parse(&[&lines[..at], &[odd.as_str()], &lines[at + 1..]].concat().join("\n"), file);
    }
}
