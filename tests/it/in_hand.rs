//! An outbox worker that ends with a mail in its hands, in a daemon that goes on: the mail goes out all the same.

use crate::world::{self, ANA, DESK, Letter, MARIA};
use futures::future::BoxFuture;
use postdesk::clock::{Clock, Dice};
use postdesk::daemon::Daemon;
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::net::{Dial, Dialled, TcpDial};
use postdesk::{config, daemon};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// The longest that anything may take here.
const PATIENCE: Duration = Duration::from_secs(30);

/// What becomes of the first connection to the relay.
#[derive(Clone, Copy)]
enum First {
    Panics,
    NeverOpens,
}

/// Connects as always, but for the first connection to the relay.
struct Once {
    relay: u16,
    first: First,
    tried: AtomicUsize,
}

impl Dial for Once {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, std::io::Result<Dialled>> {
        if port != self.relay || self.tried.fetch_add(1, Ordering::SeqCst) > 0 {
            return TcpDial.dial(host, port);
        }
        match self.first {
            First::Panics => panic!("a fault of a worker"),
            First::NeverOpens => Box::pin(std::future::pending()),
        }
    }
}

/// A daemon with one outbox worker, to whom María has written.
async fn daemon(first: First) -> (MailServer, Arc<Once>, Daemon, TempDir) {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    for address in [DESK, ANA, world::LUIS, MARIA, "admin@desk.example"] {
        server.add_account(address, "secret");
    }
    let letter = Letter {
        from: MARIA.into(),
        to: DESK.into(),
        subject: "Impresora".into(),
        headers: "Message-ID: <impresora@client.example>\r\n".into(),
        body: "La impresora del segundo piso no funciona desde ayer, por favor ayuda.".into(),
    };
    server.deliver(DESK, letter.raw());
    let dir = TempDir::new().unwrap();
    let dial = Arc::new(Once { relay: server.smtp_port(), first, tried: AtomicUsize::new(0) });
    let (clock, dice) = (Clock::real(), Dice::from_seed(1));
    let daemon = Daemon::start(settings(&dir, &server), clock, dice, Arc::clone(&dial) as Arc<dyn Dial>)
        .await
        .unwrap();
    (server, dial, daemon, dir)
}

fn settings(dir: &TempDir, server: &MailServer) -> postdesk::loops::Settings {
    let more = "[limits]\nsmtp_connections = 1\n";
    let text = world::configuration(dir.path(), server, "", "", more);
    daemon::settings(config::parse(&text, &dir.path().join("config.toml")).unwrap()).unwrap()
}

/// All three mails that follow from María's arrive, once each, and none is in anybody's hands.
async fn all_arrive(server: &MailServer, daemon: Daemon, dir: &TempDir) {
    let all = |server: &MailServer| {
        [MARIA, ANA, world::LUIS].iter().all(|address| !server.mails(address, "INBOX").is_empty())
    };
    assert!(server.wait_for(all, PATIENCE).await, "not all arrive");
    daemon.stop().await;
    assert_eq!(server.submitted().len(), 3);
    let reader = postdesk::store::read::Reader::open(&dir.path().join("desk.db")).unwrap();
    assert_eq!(crate::soak::rows(reader.db(), "SELECT DISTINCT state FROM outbox"), ["sent"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mail_of_a_worker_that_falls_over_goes_out_in_the_same_daemon() {
    let (server, _, daemon, dir) = daemon(First::Panics).await;
    all_arrive(&server, daemon, &dir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mail_of_a_worker_that_a_reload_does_not_wait_for_goes_out_under_the_new_settings() {
    let (server, dial, mut daemon, dir) = daemon(First::NeverOpens).await;
    let end = std::time::Instant::now() + PATIENCE;
    while dial.tried.load(Ordering::SeqCst) == 0 {
        assert!(std::time::Instant::now() < end, "nothing is sent");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    daemon.reload(settings(&dir, &server)).await;
    all_arrive(&server, daemon, &dir).await;
}
