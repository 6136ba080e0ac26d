//! What honest agents write: `tests/corpus/honest/replies.txt`, through the whole desk. What is no command reaches the
//! requester as it was written, and what may be one is explained with the way to have it sent.

use super::commands::opened;
use crate::world::{ANA, DESK, MARIA, Mail, World};

const TABLE: &str = include_str!("../../corpus/honest/replies.txt");

/// One reply of the table.
struct Honest {
    is_sent: bool,
    name: &'static str,
    /// What must reach the requester; the body where nothing is named.
    reads: Vec<&'static str>,
    /// What must not.
    hides: Vec<&'static str>,
    /// The files that must.
    files: Vec<&'static str>,
    /// The type of the body, where it is not plain text.
    kind: Option<&'static str>,
    body: String,
}

fn table() -> Vec<Honest> {
    TABLE.split("== ").filter(|block| !block.is_empty()).map(honest).collect()
}

fn honest(block: &'static str) -> Honest {
    let (head, rest) = block.split_once('\n').unwrap();
    let (word, name) = head.split_once(' ').unwrap();
    assert!(["sent", "refused"].contains(&word), "{head}");
    let mut found = Honest {
        is_sent: word == "sent",
        name,
        reads: Vec::new(),
        hides: Vec::new(),
        files: Vec::new(),
        kind: None,
        body: String::new(),
    };
    let mut lines = rest.lines().peekable();
    while let Some((mark, value)) = lines.peek().and_then(|line| line.split_once(' ')) {
        match mark {
            "::" => found.reads.push(value),
            "!!" => found.hides.push(value),
            "++" => found.files.push(value),
            "MIME" => found.kind = Some(value),
            _ => break,
        }
        lines.next();
    }
    found.body = lines.collect::<Vec<_>>().join("\r\n").trim_end().to_owned();
    found
}

/// The reply as the agent's program writes it, with the notification quoted below where it is plain text.
fn post(world: &mut World, note: &Mail, honest: &Honest) {
    let Some(kind) = honest.kind else { return world.answers(ANA, note, &honest.body) };
    let raw = world.answer(ANA, note, "x").raw();
    let head = raw.split_once("Content-Type: text/plain; charset=utf-8\r\n\r\n").unwrap().0;
    let charset = if kind.starts_with("text/") { "; charset=utf-8" } else { "" };
    world.server.deliver(DESK, format!("{head}Content-Type: {kind}{charset}\r\n\r\n{}\r\n", honest.body));
}

/// Words of a text, one space between them.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is wrong with what became of it.
fn complaint(honest: &Honest, to_maria: &[Mail], to_ana: &[Mail]) -> Option<String> {
    let told: Vec<&str> = to_ana.iter().map(|mail| mail.text.as_str()).collect();
    if !honest.is_sent {
        let explained = told.iter().any(|text| text.contains("No se envió nada"));
        return (!to_maria.is_empty() || !explained).then(|| format!("was not refused: {told:?}"));
    }
    let [reply] = to_maria else { return Some(format!("was not sent: {told:?}")) };
    let text = flat(&reply.text);
    let whole = vec![honest.body.as_str()];
    let reads = if honest.reads.is_empty() { &whole } else { &honest.reads };
    let lost = reads.iter().find(|words| !text.contains(&flat(words)));
    let shown = honest.hides.iter().find(|words| text.contains(**words));
    let files: Vec<&str> = reply.attachments.iter().map(|(name, _)| name.as_str()).collect();
    let is_whole = lost.is_none() && shown.is_none() && files == honest.files;
    (!is_whole).then(|| format!("was sent as {text:?} with {files:?}"))
}

#[tokio::test]
async fn what_honest_agents_write_is_sent_and_what_may_be_a_command_is_explained() {
    let (mut world, _, note) = opened("", "", "").await;
    let all = table();
    assert!(all.len() >= 60);
    let mut complaints = Vec::new();
    for honest in &all {
        world.clock.advance(3600);
        post(&mut world, &note, honest);
        world.work().await;
        let (to_maria, to_ana) = (world.new_mails(MARIA), world.new_mails(ANA));
        if let Some(complaint) = complaint(honest, &to_maria, &to_ana) {
            complaints.push(format!("{}: {complaint}", honest.name));
        }
    }
    assert!(complaints.is_empty(), "{} of {}: {complaints:#?}", complaints.len(), all.len());
    world.verify();
}

#[tokio::test]
async fn who_is_refused_is_told_how_the_line_is_sent_and_so_it_is() {
    for line in ["#general es nuestro canal de avisos", "1. #nota al pie", "# cerrar la tapa"] {
        let (mut world, _, note) = opened("", "", "").await;
        world.answers(ANA, &note, &format!("Hola María.\r\n\r\n{line}\r\n\r\nUn saludo"));
        world.work().await;
        world.no_mail(MARIA);
        let told = world.new_mail(ANA);
        assert_eq!(told.text.matches("ponga una palabra delante de la #").count(), 1, "{}", told.text);
        world.answers(ANA, &told, &format!("Hola María.\r\n\r\nVea {line}\r\n\r\nUn saludo"));
        world.work().await;
        assert!(world.new_mail(MARIA).text.contains(line));
        world.verify();
    }
}
