//! A mail that cannot be dealt with is set aside, the queue goes on, an admin hears of it, and it can be tried again.
//!
//! The template here is one that an admin might write: it passes the check, and fails for people with one name.

use crate::program::{Program, verb};
use crate::world::{ANA, DESK, LUIS, MARIA, PEDRO, World, configuration};
use postdesk::demo::server::{MailServer, SmtpFault, When};
use postdesk::desk::decision::Disposition;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest wait for what the daemon does at once.
const TIME_MAX: Duration = Duration::from_secs(20);
const ADMIN: &str = "admin@desk.example";
const BY_SURNAME: &str = "Subject: {{ subject }}\n\n{% if author_name %}Escribe la familia {{ (author_name | split(pat=\" \"))[1] }}:{% endif %}\n\n{{ text }}\n";

fn overridden(dir: &Path, name: &str, text: &str) -> String {
    let folder = dir.join("words/es");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
    format!("templates = \"{}\"", dir.join("words").display())
}

/// A world whose word to agents fails for some, and the program's configuration for the same desk.
async fn world() -> (World, PathBuf) {
    let words = tempfile::TempDir::new().unwrap().keep();
    let desk = overridden(&words, "notification.txt", BY_SURNAME);
    let world = World::start_with(&desk, "", "").await;
    let config = world.dir.path().join("config.toml");
    std::fs::write(&config, configuration(world.dir.path(), &world.server, &desk, "", "")).unwrap();
    (world, config)
}

fn says(config: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = verb(config, arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn named(world: &mut World, address: &str, name: &str, subject: &str) -> String {
    let letter = world.letter(address, subject, "La impresora del segundo piso no funciona desde ayer.");
    letter.raw().replacen(&format!("From: <{address}>"), &format!("From: {name} <{address}>"), 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_fails_is_set_aside_told_once_shown_exported_and_retried() {
    let (mut world, config) = world().await;
    world.tell_the_true_time();
    for (n, name) in [(1, "Madonna"), (2, "Cher")] {
        let mail = named(&mut world, MARIA, name, &format!("Uno {n}"));
        world.server.deliver(DESK, mail);
    }
    let good = named(&mut world, PEDRO, "Pedro Paz", "Dos");
    world.server.deliver(DESK, good);
    world.work().await;
    assert!(world.new_mail(ANA).text.contains("familia Paz"), "the queue goes on");
    world.no_mail(MARIA);
    assert_eq!((world.tickets().len(), world.new_mails(PEDRO).len()), (1, 1), "nothing half done");
    assert!(world.server.mails(DESK, "INBOX").is_empty(), "its bytes are kept, the mailbox is done with it");
    assert_eq!(world.shared.counters.mails_of(Disposition::Quarantined), 2);
    let word = world.new_mail(ADMIN);
    assert!(word.text.contains("es/notification.txt") && word.text.contains("inbox retry"), "{}", word.text);
    world.verify();

    let aside = world.reader().mails(Some("quarantined"), 10).unwrap();
    assert_eq!(aside.len(), 2);
    let id = aside.iter().map(|mail| mail.id).min().unwrap().to_string();
    let (code, said) = says(&config, &["inbox", "list", "--quarantined"]);
    assert!(code == Some(0) && said.contains("notification.txt"), "{said}");
    let (code, said) = says(&config, &["inbox", "show", &id]);
    assert!(code == Some(0) && said.contains("set aside") && said.contains("segundo piso"), "{said}");
    let file = world.dir.path().join("aside.eml");
    assert_eq!(says(&config, &["inbox", "export", &id, file.to_str().unwrap()]).0, Some(0));
    // Which of the two was set aside first is left open.
    let raw = std::fs::read_to_string(&file).unwrap();
    assert!(raw.starts_with("From: ") && raw.contains("<maria@client.example>"), "{raw}");
    let (code, said) = says(&config, &["inbox", "retry", &id]);
    assert!(code == Some(2) && said.contains("notification.txt"), "it fails again, and says so: {said}");
    assert_eq!(world.reader().mails(Some("quarantined"), 10).unwrap().len(), 2, "and stays aside");

    std::fs::write(&config, configuration(world.dir.path(), &world.server, "", "", "")).unwrap();
    let (code, said) = says(&config, &["inbox", "retry", &id]);
    assert!(code == Some(0) && said.contains("opened"), "{said}");
    assert_eq!(says(&config, &["inbox", "retry", &id]).0, Some(2), "once is enough");
    world.work().await;
    assert!(world.new_mail(MARIA).subject.contains("[#"));
    assert_eq!((world.tickets().len(), world.new_mails(ANA).len()), (2, 1));
    world.verify();
}

#[tokio::test]
async fn the_same_mail_delivered_again_after_it_was_set_aside_is_not_filed_twice() {
    let (mut world, _) = world().await;
    let mail = named(&mut world, MARIA, "Cher", "Uno");
    world.server.deliver(DESK, mail.as_bytes());
    world.work().await;
    let good = mail.replacen("From: Cher", "From: Cher Sarkisian", 1);
    world.server.deliver(DESK, good);
    world.work().await;
    assert_eq!(world.tickets().len(), 1);
    assert_eq!(world.last_account().0, "opened");
    let id = world.reader().mails(Some("quarantined"), 10).unwrap()[0].id;
    let outcome = world.shared.retry(id).await.unwrap();
    assert_eq!(outcome.disposition.word(), "duplicate");
    assert_eq!(world.tickets().len(), 1);
    world.verify();
}

#[tokio::test]
async fn a_broken_word_to_the_admin_keeps_no_mail_from_being_set_aside() {
    let words = tempfile::TempDir::new().unwrap();
    let broken = "Subject: x\n\n{% if lines %}{% for line in lines %}{% if \"set aside\" in line %}{{ (\"\" | split(pat=\" \"))[7] }}{% endif %}{% endfor %}{% endif %}x\n";
    overridden(words.path(), "admin.txt", broken);
    let desk = overridden(words.path(), "notification.txt", BY_SURNAME);
    let mut world = World::start_with(&desk, "", "").await;
    let mail = named(&mut world, MARIA, "Cher", "Uno");
    world.server.deliver(DESK, mail);
    world.work().await;
    assert_eq!(world.last_account().0, "quarantined");
    world.no_mail(ADMIN);
    world.verify();
}

#[tokio::test]
async fn a_word_about_a_refusal_that_cannot_be_made_does_not_stop_the_outbox() {
    let words = tempfile::TempDir::new().unwrap();
    let broken =
        "Subject: x\n\n{% if requester_name %}{{ (requester_name | split(pat=\" \"))[1] }}{% endif %}\n";
    let desk = overridden(words.path(), "undelivered.txt", broken);
    let mut world = World::start_with(&desk, "", "").await;
    let refusal = SmtpFault::Reply(550, "5.1.1 no such user".to_owned());
    world.server.smtp_fault(When::next("RCPT").to("cher@client.example"), refusal);
    let mail = named(&mut world, "cher@client.example", "Cher", "Uno");
    world.server.deliver(DESK, mail);
    world.writes(MARIA, "Dos", "La impresora del segundo piso no funciona desde ayer.");
    world.work().await;
    world.new_mail(MARIA);
    assert_eq!(world.new_mails(LUIS).len(), 2);
    let sql = "SELECT state FROM outbox WHERE recipient = 'cher@client.example'";
    let state: String = world.reader().db().query_row(sql, [], |r| r.get(0)).unwrap();
    assert_eq!(state, "failed");
    world.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_logs_it_tells_the_admin_and_goes_on() {
    let (mut world, config) = world().await;
    let daemon = Program::run(&config);
    let mail = named(&mut world, MARIA, "Cher", "Uno");
    world.server.deliver(DESK, mail);
    let good = named(&mut world, PEDRO, "Pedro Paz", "Dos");
    world.server.deliver(DESK, good);
    let there = |address: &'static str| move |server: &MailServer| !server.mails(address, "INBOX").is_empty();
    assert!(world.server.wait_for(there(ADMIN), TIME_MAX).await, "{}", daemon.log());
    assert!(world.server.wait_for(there(PEDRO), TIME_MAX).await, "{}", daemon.log());
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("quarantined")).unwrap();
    assert!(line.contains("ERROR") && line.contains("notification.txt"), "{line}");
    assert!(!log.contains(MARIA) && !log.contains("Cher"), "the log tells of nobody");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(world.new_mails(ADMIN).len(), 1);
    world.verify();
}
