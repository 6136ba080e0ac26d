//! A server that lists or announces mail, and gives none: nothing is filed that was not there, nothing is done with what did
//! not come, and somebody can read of it.

use crate::program::Program;
use crate::real::wait_until;
use crate::world::{DESK, MARIA, World, configuration};
use postdesk::demo::server::{ImapFault, MailServer, When};
use postdesk::loops::intake::Intake;
use postdesk::net::TcpDial;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const TIME_MAX: Duration = Duration::from_secs(20);
const NO_SIZE: &str = "{tag} OK nothing to say\r\n";
const NOTHING: &str = "* 1 FETCH (UID 1 BODY[] \"\")\r\n{tag} OK done\r\n";

fn idles(server: &MailServer) -> usize {
    server.commands().iter().filter(|command| *command == "IMAP IDLE").count()
}

#[tokio::test]
async fn nothing_given_for_a_mail_with_a_size_is_no_mail() {
    for literal in ["\"\"", "{0}\r\n", "NIL"] {
        let mut world = World::start().await;
        world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
        world.server.imap_fault(When::nth("FETCH", 2), ImapFault::Replace(NOTHING.replace("\"\"", literal)));
        world.takes().await.unwrap();
        assert_eq!(world.rows("SELECT 1 FROM mail"), [] as [String; 0], "{literal}");
        assert_eq!(world.server.mails(DESK, "INBOX").len(), 1, "{literal}: it is where it was");
        world.takes().await.unwrap();
        assert_eq!(world.tickets().len(), 1, "{literal}: asked for again over the same connection");
        assert!(world.server.mails(DESK, "INBOX").is_empty());
        world.verify();
    }
}

#[tokio::test]
async fn an_empty_mail_is_a_mail() {
    let mut world = World::start().await;
    world.server.deliver(DESK, "");
    world.takes().await.unwrap();
    assert_eq!(world.rows("SELECT 1 FROM mail").len(), 1);
    assert!(world.server.mails(DESK, "INBOX").is_empty());
    world.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_listed_and_never_given_is_named_in_the_log_and_taken_when_it_comes() {
    for (fault, said) in [(NO_SIZE, "says nothing of it"), (NOTHING, "gives nothing")] {
        let mut world = World::start().await;
        world.tell_the_true_time();
        let config = world.dir.path().join("config.toml");
        std::fs::write(&config, configuration(world.dir.path(), &world.server, "", "", "")).unwrap();
        world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
        if fault == NOTHING {
            world.server.imap_fault(When::nth("FETCH", 2), ImapFault::Replace(fault.into()));
        } else {
            world.server.imap_fault(When::always("FETCH"), ImapFault::Replace(fault.into()));
        }
        let daemon = Program::run(&config);
        assert!(world.server.wait_for(|server| idles(server) >= 1, TIME_MAX).await, "{}", daemon.log());
        // Another arrives: that makes it look again.
        world.writes("otro@client.example", "Otra", "El escáner del tercer piso tampoco funciona.");
        wait_until("a word about the mail that is not given", || {
            let log = daemon.log();
            log.lines().any(|line| line.contains("mail 1") && line.contains(said)).then_some(())
        });
        world.server.clear_faults();
        world.writes("tercero@client.example", "Más", "Y la cafetera del primer piso está rota.");
        let is_done = |server: &MailServer| server.mails(DESK, "INBOX").is_empty();
        assert!(world.server.wait_for(is_done, TIME_MAX).await, "{}", daemon.log());
        assert_eq!(daemon.stop(), Some(0));
        assert_eq!(world.tickets().len(), 3);
        world.verify();
    }
}

/// The bound below is the sum of the pauses: a slow machine only makes it longer.
#[tokio::test]
async fn a_server_that_announces_mail_at_each_idle_is_asked_less_and_less_often() {
    let mut world = World::start().await;
    let announced = ImapFault::Say(b"* 70 EXISTS\r\n* 80 EXISTS\r\n".to_vec());
    world.server.imap_fault(When::always("IDLE"), announced);
    let (stop, go_on) = watch::channel(false);
    let began = Instant::now();
    let running = tokio::spawn(Intake::new(world.shared.clone(), "soporte", Arc::new(TcpDial)).run(go_on));
    assert!(world.server.wait_for(|server| idles(server) >= 6, TIME_MAX).await);
    assert!(began.elapsed() >= Duration::from_millis(100 + 200 + 400), "{:?}", began.elapsed());
    // Mail that is there is found all the same, and what follows is at once again.
    world.server.clear_faults();
    world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer.");
    assert!(world.server.wait_for(|server| server.mails(DESK, "INBOX").is_empty(), TIME_MAX).await);
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(world.tickets().len(), 1);
    world.verify();
}
