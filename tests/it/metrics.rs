//! `/metrics` as a monitoring sees it: the numbers are true, in the format that it reads, and nobody's mail is in them.

use crate::program::Program;
use crate::world::{ANA, DESK, MARIA, PEDRO, World, configuration};
use postdesk::demo::server::{MailServer, ServerOptions, SmtpFault, When};
use postdesk::web;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Long enough for any machine; what is waited for is watched, not slept through.
const LONG: Duration = Duration::from_secs(60);

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The numbers by name and labels. Fails on what is not in the format (Prometheus, text, 0.0.4).
fn numbers(body: &str) -> BTreeMap<String, f64> {
    let mut all = BTreeMap::new();
    let mut family = String::new();
    for line in body.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family, "{line}");
            assert!(["counter", "gauge"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let plain = name.split('{').next().unwrap();
            assert_eq!(plain, family, "{line}");
            assert!(all.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{line} twice");
        }
    }
    all
}

/// What `/metrics` says of `world` now.
async fn seen(world: &World) -> (BTreeMap<String, f64>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(web::serve(listener, web::metrics_router(world.shared.clone()), stopped));
    let (head, body) = get(address, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_lowercase().contains("text/plain; version=0.0.4"), "{head}");
    let (other, _) = get(address, "/t/1").await;
    assert!(other.starts_with("HTTP/1.1 404"), "nothing else is there: {other}");
    stop.send_replace(true);
    serving.await.unwrap();
    (numbers(&body), body)
}

#[tokio::test]
async fn the_numbers_are_true_and_nobodys_mail_is_in_them() {
    let mut world = World::start_with("", "", "\n[budgets]\nper_sender = 2\n").await;
    let (before, _) = seen(&world).await;
    assert!(
        before.iter().all(|(name, value)| *value == 0.0
            || name.contains("_up")
            || name.contains("build")
            || name.contains("bytes")),
        "{before:#?}"
    );
    for n in 0..4 {
        world.writes(
            MARIA,
            &format!("Asunto secreto {n}"),
            &format!("La impresora {n} no funciona desde ayer."),
        );
    }
    world.writes(PEDRO, "Otra cosa", "Mi correo no llega desde el lunes pasado.");
    world.server.smtp_fault(When::always("RCPT").to(PEDRO), SmtpFault::Reply(451, "4.3.0 not now".into()));
    world.work().await;
    let (after, body) = seen(&world).await;
    let value =
        |name: &str| *after.get(&format!("postdesk_{name}")).unwrap_or_else(|| panic!("{name}: {body}"));
    assert_eq!(value("mails_total{disposition=\"opened\"}"), 5.0);
    assert_eq!(value("mails_total{disposition=\"bounce\"}"), 0.0);
    assert_eq!(value("outbox_rows{state=\"deferred\"}"), 1.0);
    assert_eq!(value("outbox_rows{state=\"queued\"}"), 0.0);
    assert_eq!(value("send_attempts_total{end=\"deferred\"}"), 1.0);
    let sent = world.rows("SELECT 1 FROM outbox WHERE state = 'sent'").len();
    assert_eq!(value("send_attempts_total{end=\"sent\"}"), sent as f64);
    assert_eq!(value("tickets_live"), 5.0);
    assert_eq!(value("tickets_unassigned"), 5.0);
    assert_eq!(value("budgets_used_up"), 1.0);
    assert_eq!(value("automatic_answers_this_hour"), 3.0);
    assert_eq!(
        value("mailbox_last_success_timestamp_seconds{mailbox=\"soporte\"}"),
        world.clock.now().0 as f64
    );
    assert_eq!(value("mailbox_up{mailbox=\"soporte\"}"), 1.0);
    assert_eq!(value("database_up"), 1.0);
    assert!(value("outbox_next_due_timestamp_seconds") > world.clock.now().0 as f64);
    for private in ["@", "secreto", "impresora", "desk.example", "client.example"] {
        assert!(!body.contains(private), "{private} in {body}");
    }
}

#[tokio::test]
async fn what_is_set_aside_is_counted_while_it_is_there() {
    let mut world = World::start_with("", "", "\n[limits]\nmail_max = \"100 kB\"\n").await;
    let templates = world.dir.path().join("templates");
    std::fs::create_dir_all(templates.join("es")).unwrap();
    let broken =
        "Subject: Re: {{ subject }}\n\n{% if subject == 'Impresora' %}{{ subject / 2 }}{% endif %}x\n";
    std::fs::write(templates.join("es/notification.txt"), broken).unwrap();
    world.reconfigures(
        &format!("templates = \"{}\"", templates.display()),
        "",
        "\n[limits]\nmail_max = \"100 kB\"\n",
    );
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona, por favor.");
    world.writes("big@client.example", "Grande", &"0123456789\r\n".repeat(10_000));
    world.work().await;
    let (numbers, _) = seen(&world).await;
    let aside = |word: &str| format!("postdesk_mails_aside{{disposition=\"{word}\"}}");
    assert_eq!((numbers[&aside("quarantined")], numbers[&aside("refused")]), (1.0, 1.0));
    assert_eq!(numbers["postdesk_mails_total{disposition=\"quarantined\"}"], 1.0);
    world.reconfigures("", "", "");
    let id = world.rows("SELECT id FROM mail WHERE disposition = 'quarantined'")[0].parse().unwrap();
    world.shared.retry(id).await.unwrap();
    let (numbers, _) = seen(&world).await;
    assert_eq!(numbers[&aside("quarantined")], 0.0, "what was retried is gone");
    assert_eq!(numbers["postdesk_mails_total{disposition=\"quarantined\"}"], 1.0, "a counter never falls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_has_numbers_where_they_are_configured_and_nowhere_else() {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    [DESK, ANA].iter().for_each(|address| server.add_account(address, "secret"));
    let dir = tempfile::TempDir::new().unwrap();
    let config = dir.path().join("config.toml");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = configuration(dir.path(), &server, "", "", &format!("\n[metrics]\nlisten = \"{free}\"\n"));
    std::fs::write(&config, text).unwrap();
    let daemon = Program::run(&config);
    let opened = |server: &MailServer| server.commands().iter().any(|command| command == "IMAP SELECT");
    assert!(server.wait_for(opened, LONG).await, "{}", daemon.log());
    let (head, body) = get(free, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(numbers(&body).contains_key("postdesk_mailbox_up{mailbox=\"soporte\"}"));
    // The status page, which a proxy shows to the world, knows nothing of it.
    let log = daemon.log();
    let page = log.lines().find_map(|line| line.split("status page listens on http://").nth(1)).unwrap();
    let (head, _) = get(page.trim().parse().unwrap(), "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    assert_eq!(daemon.stop(), Some(0));
}
