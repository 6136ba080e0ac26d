//! Hostile mail: each is filed, shown as text, its files can be fetched under safe names, it is sent on to agents in a
//! form that harms nobody, and the queue goes on.

use super::desk::Desk;
use crate::hostile_mails::{HELLO, TEXT, active, deep, files, large, long, mail, structures, with_file};
use crate::world::{ANA, DESK, MARIA, PEDRO, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{MessageParser, MimeHeaders};
use postdesk::web;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Longest line that SMTP carries, without its end (RFC 5321 4.5.3.1.6).
const LINE_MAX_BYTES: usize = 998;

/// What the page behind `link` answers, as text.
async fn page(world: &World, link: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = web::router(web::WebState::new(world.shared.clone()));
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(web::serve(listener, router, stopped));
    let path = link.strip_prefix("https://help.desk.example").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nHost: help.desk.example\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    stop.send_replace(true);
    serving.await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// What was sent because of `name` can be read by anybody and does nothing to whoever reads it.
fn is_safe(name: &str, raw: &[u8]) {
    for line in raw.split(|b| *b == b'\n') {
        assert!(line.len() <= LINE_MAX_BYTES + 1, "{name}: a line of {} bytes", line.len());
    }
    let parsed = MessageParser::default().parse(raw).unwrap();
    let html = parsed.body_html(0).unwrap_or_default().to_lowercase();
    for active in [
        "<script",
        "onerror=",
        "onload=",
        "<iframe",
        "<form",
        "href=\"javascript",
        "src=\"http://evil",
        "<svg",
        "<base",
    ] {
        assert!(!html.contains(active), "{name}: {active}");
    }
    for file in parsed.attachments() {
        is_safe_name(name, file.attachment_name().unwrap_or_default());
    }
}

fn is_safe_name(name: &str, file: &str) {
    let bad = |c: char| c.is_control() || "/\\<>:\"|?*\u{202e}\u{200f}".contains(c);
    assert!(!file.contains(bad) && !file.starts_with('.') && file.len() <= 200, "{name}: {file:?}");
    assert!(!file.to_lowercase().starts_with("con."), "{name}: {file:?}");
}

/// Each mail of `mails` by itself, and a good one after them.
async fn all_are_dealt_with(mails: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let mut world = World::start_with("", "", "\n[budgets]\nper_sender = 100\n").await;
    for (name, raw) in mails {
        let before = world.tickets().len();
        world.server.deliver(DESK, &raw);
        world.work().await;
        let (disposition, reason) = world.last_account();
        assert_eq!(disposition, "opened", "{name}: {reason}");
        let number = world.tickets()[before];
        let reader = world.reader();
        let conversation = reader.conversation(number).unwrap().unwrap();
        for file in conversation.messages.iter().flat_map(|message| &message.attachments) {
            assert!(!file.name.is_empty());
            is_safe_name(&name, &file.name);
            let bytes = reader.download(number, file.id).unwrap().unwrap().bytes;
            assert_eq!(i64::try_from(bytes.len()).unwrap(), file.size, "{name}: {}", file.name);
        }
        for mail in world.server.submitted() {
            is_safe(&name, &mail.raw);
        }
        let note = world.new_mail(ANA);
        assert!(note.text.contains(&number.to_string()), "{name}");
        let ack = world.new_mail(MARIA);
        let link = ack.text.split_whitespace().find(|word| word.contains("/t/")).unwrap();
        let page = page(&world, link).await;
        assert!(page.starts_with("HTTP/1.1 200"), "{name}: {}", page.get(..200).unwrap_or(&page));
        for active in ["<script", "<iframe", "<img", "onerror=", "javascript:"] {
            assert!(!page.contains(active), "{name}: {active}");
        }
        world.verify();
    }
    world.writes(PEDRO, "Después de todo eso", "Este correo es bueno y llega como siempre.");
    world.work().await;
    world.new_mail(PEDRO);
    assert!(world.server.mails(DESK, "INBOX").is_empty());
    world.verify();
}

/// Inside a part that is encoded, where nothing before the parser sees how deep it goes: this ended the process.
#[tokio::test]
async fn mails_nested_inside_an_encoded_part_end_no_process() {
    let desk = Desk::new("desk.example", "", "");
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
    let encoded = STANDARD
        .encode(nested)
        .as_bytes()
        .chunks(76)
        .fold(String::new(), |all, line| all + std::str::from_utf8(line).unwrap() + "\r\n");
    let fields = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64";
    let outcome = desk.takes(with_file("sealed", fields, &encoded).1).await;
    assert_eq!(outcome.disposition.word(), "opened");
    assert_eq!(desk.takes(mail("plain", TEXT, HELLO).1).await.disposition.word(), "opened");
    desk.verify();
}

#[tokio::test]
async fn ten_thousand_parts_and_nested_mails_are_filed() {
    all_are_dealt_with(deep()).await;
}

#[tokio::test]
async fn reaching_a_bound_is_recorded() {
    let mut world = World::start().await;
    let mut codes = std::collections::BTreeMap::new();
    for (name, raw) in deep().into_iter().chain(long()).chain(structures()) {
        world.server.deliver(DESK, &raw);
        world.work().await;
        let sql = "SELECT oddities FROM mail ORDER BY id DESC LIMIT 1";
        let odd: String = world.reader().db().query_row(sql, [], |r| r.get(0)).unwrap();
        codes.insert(name, odd);
    }
    for (name, code) in [
        ("250000 headers", "structure-bound"),
        ("30000 parts", "structure-bound"),
        ("10000 parts", "parts-bound"),
        ("10000 nested mails", "nesting-bound"),
        ("100000 headers", "headers-bound"),
        ("50000 references", "references-bound"),
        ("20000 people", "addresses-bound"),
    ] {
        assert!(codes[name].contains(code), "{name}: {codes:#?}");
    }
    world.verify();
}

#[tokio::test]
async fn endless_headers_words_and_lines_are_filed() {
    all_are_dealt_with(long()).await;
}

#[tokio::test]
async fn mails_that_are_dear_by_their_size_are_filed() {
    all_are_dealt_with(large()).await;
}

#[tokio::test]
async fn files_of_every_kind_are_kept_under_safe_names() {
    all_are_dealt_with(files()).await;
}

#[tokio::test]
async fn what_would_act_is_shown_as_text() {
    all_are_dealt_with(active()).await;
}

#[tokio::test]
async fn winmail_calendar_and_sealed_parts_keep_their_names() {
    let mut world = World::start().await;
    let wanted = ["winmail.dat", "key.asc", "encrypted.asc", "smime.p7m", "smime.p7s"];
    for (_, raw) in files() {
        world.server.deliver(DESK, raw);
    }
    world.work().await;
    let kept: Vec<String> = world
        .tickets()
        .into_iter()
        .flat_map(|number| world.reader().conversation(number).unwrap().unwrap().messages)
        .flat_map(|message| message.attachments)
        .map(|file| file.name)
        .collect();
    for name in wanted.into_iter().chain(["passwd", "_CON.txt", "calc.exe"]) {
        assert!(kept.iter().any(|file| file == name), "{name} among {kept:?}");
    }
    assert!(kept.iter().any(|name| name.ends_with(".ics")), "{kept:?}");
    let sent: Vec<String> =
        world.new_mails(ANA).into_iter().flat_map(|mail| mail.attachments).map(|(name, _)| name).collect();
    for name in wanted {
        assert!(sent.iter().any(|file| file == name), "{name} among {sent:?}");
    }
    world.verify();
}
