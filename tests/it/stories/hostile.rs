//! Hostile mail: each is filed, shown as text, its files can be fetched under safe names, it is sent on to agents in a
//! form that harms nobody, and the queue goes on.

use super::desk::Desk;
use crate::world::{ANA, DESK, MARIA, PEDRO, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{MessageParser, MimeHeaders};
use postdesk::web;
use std::fmt::Write as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Longest line that SMTP carries, without its end (RFC 5321 4.5.3.1.6).
const LINE_MAX_BYTES: usize = 998;

/// A mail of María's with `fields` (the last of them without its line end) and `body`.
fn mail(name: &str, fields: &str, body: &str) -> (String, Vec<u8>) {
    let raw = format!(
        "From: =?utf-8?Q?Mar=C3=ADa?= <{MARIA}>\r\nTo: <{DESK}>\r\nSubject: {name}\r\nMessage-ID: <{}@client.example>\r\nMIME-Version: 1.0\r\n{fields}\r\n\r\n{body}",
        name.replace(' ', "-")
    );
    (name.to_owned(), raw.into_bytes())
}

const TEXT: &str = "Content-Type: text/plain; charset=utf-8";
const MIXED: &str = "Content-Type: multipart/mixed; boundary=b";
const HELLO: &str = "La impresora del segundo piso no funciona desde ayer.\r\n";

/// A multipart with one text and one file.
fn with_file(name: &str, fields: &str, bytes: &str) -> (String, Vec<u8>) {
    mail(name, MIXED, &format!("--b\r\n{TEXT}\r\n\r\n{HELLO}--b\r\n{fields}\r\n\r\n{bytes}\r\n--b--\r\n"))
}

fn deep() -> [(String, Vec<u8>); 3] {
    let mut multiparts = String::new();
    for n in 0..10_000 {
        write!(multiparts, "--b{n}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", n + 1).unwrap();
    }
    let multiparts = format!("{multiparts}--b10000\r\n{TEXT}\r\n\r\n{HELLO}");
    let mails = format!("{}{TEXT}\r\n\r\n{HELLO}", "Content-Type: message/rfc822\r\n\r\n".repeat(10_000));
    let wide = format!("--b\r\n{TEXT}\r\n\r\n{HELLO}") + &"--b\r\n\r\nx\r\n".repeat(10_000) + "--b--\r\n";
    [
        mail("10000 nested multiparts", "Content-Type: multipart/mixed; boundary=b0", &multiparts),
        mail("10000 nested mails", "Content-Type: message/rfc822", &mails),
        mail("10000 parts", MIXED, &wide),
    ]
}

/// More parts and header fields than the parser is given to make records of.
fn structures() -> [(String, Vec<u8>); 2] {
    let parts = format!("--b\r\n{TEXT}\r\n\r\n{HELLO}") + &"--b\r\n\r\n".repeat(30_000);
    [
        mail("30000 parts", MIXED, &parts),
        mail("250000 headers", &format!("{}{TEXT}", "a:\r\n".repeat(250_000)), HELLO),
    ]
}

fn long() -> Vec<(String, Vec<u8>)> {
    let many: String = (0..100_000).fold(String::new(), |mut all, n| {
        write!(all, "X-Header-{n}: {n}\r\n").unwrap();
        all
    });
    let words = "=?utf-8?Q?=C3=A1?=\r\n ".repeat(50_000);
    let nested_words = "=?utf-8?B?".repeat(20_000);
    let references: String = (0..50_000).fold(String::new(), |mut all, n| {
        write!(all, "<{n}@client.example>\r\n ").unwrap();
        all
    });
    let people = format!("Cc: {}", vec!["Ana <a@x.example>"; 20_000].join(",\r\n "));
    let megabyte = "x".repeat(1 << 20);
    vec![
        mail("100000 headers", &format!("{many}{TEXT}"), HELLO),
        mail("encoded words", &format!("Comments: {words}x\r\nSubject: {words}x\r\n{TEXT}"), HELLO),
        mail(
            "encoded words inside",
            &format!("Comments: {nested_words}\r\nFrom: {nested_words}\r\n{TEXT}"),
            HELLO,
        ),
        mail("50000 references", &format!("References: {references}<x@y>\r\n{TEXT}"), HELLO),
        mail("20000 people", &format!("{people}\r\n{TEXT}"), HELLO),
        mail("comments in comments", &format!("Cc: {}\r\n{TEXT}", "(".repeat(100_000)), HELLO),
        mail("a megabyte in a line", TEXT, &format!("{HELLO}{megabyte}\r\n")),
        mail("a megabyte in a header", &format!("X-Long: {megabyte}\r\n{TEXT}"), HELLO),
        mail("a megabyte of quotes", TEXT, &format!("{HELLO}{}\r\n", ">".repeat(1 << 20))),
        mail("a megabyte of line ends", TEXT, &format!("{HELLO}{}", "\r\n".repeat(1 << 19))),
        mail("a megabyte of marks", TEXT, &format!("{HELLO}{}\r\n", "e\u{301}\u{202e}".repeat(1 << 17))),
        mail(
            "deep html",
            "Content-Type: text/html",
            &format!("<p>{HELLO}</p>{}", "<div><table><tr><td>".repeat(20_000)),
        ),
    ]
}

fn files() -> Vec<(String, Vec<u8>)> {
    let named = |name: &str, file: &str| {
        with_file(
            name,
            &format!(
                "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{file}\""
            ),
            "bytes",
        )
    };
    vec![
        named("a path", "../../etc/passwd"),
        named("a windows path", "C:\\\\Windows\\\\system32\\\\calc.exe"),
        named("a device", "CON.txt"),
        named("right to left", "=?utf-8?Q?factura=E2=80=AEfdp.exe?="),
        named("control characters", "=?utf-8?Q?a=00b=0D=0ABcc:_x@y=1B[31m.txt?="),
        named("a long name", &"n".repeat(5000)),
        named("no name", ""),
        named("dots", ".."),
        with_file(
            "winmail.dat",
            "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64",
            "eJ8+IgAAAAAAAA==",
        ),
        with_file(
            "calendar",
            "Content-Type: text/calendar; method=REQUEST; charset=utf-8",
            "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR",
        ),
        with_file(
            "pgp keys",
            "Content-Type: application/pgp-keys; name=key.asc",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        ),
        mail(
            "pgp",
            "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b",
            "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n--b--\r\n",
        ),
        mail(
            "s mime",
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m",
            "MIAGCSqGSIb3DQEHA6CAMIACAQAxggG=\r\n",
        ),
        mail(
            "s mime signed",
            "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b",
            &format!(
                "--b\r\n{TEXT}\r\n\r\n{HELLO}--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\nMIAGCSqG\r\n--b--\r\n"
            ),
        ),
    ]
}

fn active() -> Vec<(String, Vec<u8>)> {
    let html = "<html><head><style>body{background:url(http://evil.example/css)}</style><script>evil()</script><base href=\"http://evil.example/\"><meta http-equiv=refresh content=\"0;url=http://evil.example/\"></head><body onload=evil()><p>La impresora del segundo piso no funciona.</p><img src=\"http://evil.example/pixel.gif\" onerror=evil()><img src=\"cid:logo\"><iframe src=\"http://evil.example/\"></iframe><svg onload=evil()></svg><a href=\"javascript:evil()\">aquí</a><form action=\"http://evil.example/\"><input name=password></form></body></html>";
    let related = format!(
        "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b\r\nContent-Type: image/svg+xml; name=logo.svg\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n\r\n<svg onload=\"evil()\"/>\r\n--b--\r\n"
    );
    vec![
        mail("html", "Content-Type: text/html; charset=utf-8", html),
        mail("html with cid", "Content-Type: multipart/related; boundary=b", &related),
        mail(
            "charsets",
            "Content-Type: text/plain; charset=\"utf-7\"",
            "+ADw-script+AD4-evil()+ADw-/script+AD4-\r\n",
        ),
        mail("unknown charset", "Content-Type: text/plain; charset=\"x-../../etc\"", HELLO),
        mail(
            "wrong encoding",
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64",
            "!!!! no base64 \u{1}\u{2} !!!!\r\n",
        ),
        mail("controls", TEXT, "La impresora\u{0} no \u{1b}[2Jfunciona\u{7}\u{8} desde \u{202e}reya\r\n"),
    ]
}

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
