//! What goes on beside something else that does not: a mailbox whose server refuses, a second daemon on the same file,
//! a clock that is set back.

use crate::program::{Program, verb};
use crate::world::{ANA, DESK, MARIA, World, configuration};
use postdesk::demo::server::{ImapFault, MailServer, ServerOptions, When};
use postdesk::loops::intake::Intake;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The longest wait for what the daemon does at once.
const TIME_MAX: Duration = Duration::from_secs(30);

const SALES: &str = "ventas@desk.example";

/// The table of a second mailbox that lives on `port`.
fn second_mailbox(world: &World, port: u16) -> String {
    let password = world.dir.path().join("password");
    format!(
        "\n[[mailbox]]\nname = \"ventas\"\nqueue = \"soporte\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nuser = \"{SALES}\"\npassword_file = \"{}\"\n",
        password.display()
    )
}

/// Who has written, while one mailbox was down and afterwards: all are filed, and answered once.
async fn goes_on(world: &mut World, other: &MailServer, repair: impl FnOnce(&MailServer)) {
    let (_never, go_on) = watch::channel(false);
    let mut sales = Intake::new(world.shared.clone(), "ventas", Arc::new(postdesk::net::TcpDial));
    for round in 0..3 {
        other.deliver(SALES, world.letter(MARIA, &format!("Compra {round}"), "Quiero comprar.").raw());
        world.writes(MARIA, &format!("Ayuda {round}"), &format!("No imprime la impresora {round}."));
        assert!(sales.step(&go_on).await.is_err(), "the second mailbox is down");
        world.work().await;
        assert_eq!(world.tickets().len(), round + 1, "the first one goes on");
        world.verify();
    }
    assert_eq!(other.mails(SALES, "INBOX").len(), 3, "nothing is touched that was not read");
    repair(other);
    sales.step(&go_on).await.unwrap();
    world.work().await;
    assert_eq!(world.tickets().len(), 6);
    assert_eq!(other.mails(SALES, "INBOX").len(), 0);
    assert!(world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1));
    world.verify();
}

#[tokio::test]
async fn a_mailbox_with_a_wrong_password_keeps_no_other_waiting() {
    let mut world = World::start().await;
    let other = MailServer::start(ServerOptions::default()).await.unwrap();
    other.add_account(SALES, "another one");
    world.reconfigures("", "", &second_mailbox(&world, other.imap_port()));
    goes_on(&mut world, &other, |server| server.add_account(SALES, "secret")).await;
}

#[tokio::test]
async fn a_mailbox_whose_server_refuses_connections_keeps_no_other_waiting() {
    let mut world = World::start().await;
    let other = MailServer::start(ServerOptions::default()).await.unwrap();
    other.add_account(SALES, "secret");
    other.refuse_connections(true);
    world.reconfigures("", "", &second_mailbox(&world, other.imap_port()));
    goes_on(&mut world, &other, |server| server.refuse_connections(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_on_the_same_database_is_refused_and_the_first_goes_on() {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    [DESK, ANA, MARIA].iter().for_each(|address| server.add_account(address, "secret"));
    let dir = tempfile::TempDir::new().unwrap();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, configuration(dir.path(), &server, "", "", "")).unwrap();
    let first = Program::run(&config);
    let opened = |server: &MailServer| server.commands().iter().any(|command| command == "IMAP SELECT");
    assert!(server.wait_for(opened, TIME_MAX).await, "{}", first.log());

    let second = verb(&config, &["run"]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains("another postdesk is running on") && said.contains("desk.db"), "{said}");
    let beside = verb(&config, &["verify"]).output().unwrap();
    assert_eq!(beside.status.code(), Some(0), "the other verbs need no lock: {beside:?}");

    let letter = format!(
        "From: <{MARIA}>\r\nTo: <{DESK}>\r\nSubject: Impresora\r\nMessage-ID: <1@client.example>\r\n\r\nNo funciona desde ayer.\r\n"
    );
    server.deliver(DESK, letter);
    let answered = |server: &MailServer| !server.mails(MARIA, "INBOX").is_empty();
    assert!(server.wait_for(answered, TIME_MAX).await, "{}", first.log());
    // However the first one dies, the lock dies with it.
    drop(first);
    let third = Program::run(&config);
    let again = |server: &MailServer| {
        server.commands().iter().filter(|command| *command == "IMAP SELECT").count() >= 2
    };
    assert!(server.wait_for(again, TIME_MAX).await, "{}", third.log());
    assert_eq!(third.stop(), Some(0));
}

#[tokio::test]
async fn a_clock_set_back_at_any_step_breaks_no_promise() {
    const DAY: i64 = 86_400;
    let mut world = World::start().await;
    let letter =
        |n: usize| (format!("Asunto {n}"), format!("Texto número {n}, la impresora no funciona desde ayer."));
    // Between the commit and word of the server's answer: the batch is settled a day before it was received.
    world.writes(MARIA, &letter(0).0, &letter(0).1);
    world.server.imap_fault(When::next("MOVE"), ImapFault::Drop);
    assert!(world.takes().await.is_err());
    world.clock.advance(-DAY);
    world.endures().await;
    world.verify();
    // Between filing and sending, and over a restart.
    world.writes(MARIA, &letter(1).0, &letter(1).1);
    world.takes().await.unwrap();
    world.clock.advance(-DAY);
    world.restarts().await;
    world.verify();
    world.endures().await;
    // An answer that is dated before what it answers.
    let note = world.new_mails(ANA).pop().unwrap();
    world.clock.advance(-30 * DAY);
    world.answers(ANA, &note, "Ya funciona.\r\n\r\n#close");
    world.endures().await;
    let number = world.tickets().pop().unwrap();
    assert_eq!(world.ticket(number).row.status.word(), "closed");
    assert_eq!(world.tickets().len(), 2);
    assert_eq!(world.rows("SELECT 1 FROM mail WHERE settled_at IS NULL"), [] as [String; 0]);
    assert!(world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1));
    world.verify();
}
