//! The other doors: a mail piped in, and the verbs of the command line, through the program itself.

use crate::program::verb;
use crate::world::{MARIA, World};
use postdesk::demo::server::{MailServer, ServerOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// The desk's configuration file, for the program as a process beside the world's own loops.
fn config_file(dir: &Path, server: &MailServer) -> PathBuf {
    let file = dir.join("config.toml");
    std::fs::write(&file, crate::world::configuration(dir, server, "", "", "")).unwrap();
    file
}

fn pipe(config: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = verb(config, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses at once does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn says(config: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = verb(config, arguments).output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_piped_in_is_filed_and_one_that_cannot_be_stored_is_tried_again() {
    let mut world = World::start().await;
    world.tell_the_true_time();
    let config = config_file(world.dir.path(), &world.server);
    let mail = world.letter(MARIA, "Por la tubería", "Necesito ayuda con mi cuenta.").raw();
    let output = pipe(&config, &["deliver", "--queue", "soporte"], mail.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    world.work().await;
    assert!(world.new_mail(MARIA).subject.contains("[#"));
    world.verify();

    assert_eq!(pipe(&config, &["deliver", "--queue", "none"], mail.as_bytes()).status.code(), Some(75));
    std::fs::rename(world.dir.path().join("desk.db"), world.dir.path().join("away.db")).unwrap();
    assert_eq!(pipe(&config, &["deliver", "--queue", "soporte"], mail.as_bytes()).status.code(), Some(75));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_does_what_an_agents_mail_does() {
    let mut world = World::start().await;
    world.tell_the_true_time();
    let config = config_file(world.dir.path(), &world.server);
    world.writes(MARIA, "Impresora", "La impresora no funciona desde ayer por la tarde.");
    world.work().await;
    world.new_mail(MARIA);
    let number = world.tickets()[0].to_string();

    let (code, said) = says(&config, &["ticket", "list"]);
    assert_eq!(code, Some(0));
    assert!(said.contains(&number) && said.contains("Impresora"), "{said}");
    assert_eq!(says(&config, &["ticket", "reply", &number, "Ya funciona."]).0, Some(2), "which agent?");
    let (code, said) =
        says(&config, &["ticket", "reply", &number, "Ya funciona.", "--as", crate::world::ANA]);
    assert_eq!(code, Some(0), "{said}");
    world.work().await;
    assert!(world.new_mail(MARIA).text.contains("Ya funciona."));
    assert_eq!(
        says(&config, &["ticket", "note", &number, "Era el papel.", "--as", crate::world::ANA]).0,
        Some(0)
    );
    assert_eq!(
        says(&config, &["ticket", "assign", &number, crate::world::LUIS, "--as", crate::world::ANA]).0,
        Some(0)
    );
    assert_eq!(
        says(&config, &["ticket", "assign", &number, "nobody@x.example", "--as", crate::world::ANA]).0,
        Some(1)
    );
    assert_eq!(says(&config, &["ticket", "close", &number, "--as", crate::world::ANA]).0, Some(0));
    world.work().await;
    world.no_mail(MARIA);
    let ticket = world.ticket(world.tickets()[0]);
    assert_eq!((ticket.row.status.word(), ticket.row.assignee.as_str()), ("closed", crate::world::LUIS));
    assert!(says(&config, &["ticket", "show", &number]).1.contains("Era el papel."));
    assert_eq!(says(&config, &["ticket", "show", "1"]).0, Some(2));

    for arguments in [
        &["verify"][..],
        &["doctor"],
        &["inbox", "list"],
        &["outbox", "list"],
        &["check", "--connect"],
        &["template", "list"],
        &["template", "check"],
    ] {
        let (code, said) = says(&config, arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        let mut json = arguments.to_vec();
        json.push("--json");
        let (_, said) = says(&config, &json);
        assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{arguments:?}: {said}");
    }
    let copy = world.dir.path().join("copy.db");
    assert_eq!(says(&config, &["backup", copy.to_str().unwrap()]).0, Some(0));
    assert_eq!(says(&config, &["backup", copy.to_str().unwrap()]).0, Some(2), "nothing is written over");
    world.verify();
}

#[tokio::test]
async fn explain_says_what_would_be_done_and_changes_nothing() {
    let mut world = World::start().await;
    let config = config_file(world.dir.path(), &world.server);
    world.writes(MARIA, "Impresora", "La impresora no funciona desde ayer por la tarde.");
    world.work().await;
    let number = world.tickets()[0];
    let mail = world.dir.path().join("mail.eml");
    let letter = world.letter(MARIA, &format!("Re: [#{number}] Impresora"), "¿Alguna novedad?");
    std::fs::write(&mail, letter.raw()).unwrap();
    let (code, said) = says(&config, &["explain", mail.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("follow-up") && said.contains("notification to ana@desk.example"), "{said}");
    let (_, said) = says(&config, &["explain", mail.to_str().unwrap(), "--json"]);
    let value: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(value["decision"]["match"]["evidence"], "subject-tag");
    assert_eq!(world.ticket(number).messages.len(), 1);
    world.verify();
}

#[tokio::test]
async fn a_template_with_an_error_is_refused_with_its_line() {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let words = dir.path().join("words/es");
    std::fs::create_dir_all(&words).unwrap();
    std::fs::write(words.join("reply.txt"), "Subject: {{ subject }}\n\nHola\n{{ txet }}\n").unwrap();
    let file = dir.path().join("config.toml");
    let templates = format!("templates = \"{}\"", dir.path().join("words").display());
    std::fs::write(&file, crate::world::configuration(dir.path(), &server, &templates, "", "")).unwrap();
    let (code, said) = says(&file, &["check"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("es/reply.txt:4:") && said.contains("txet"), "{said}");
}
