//! Loops that fall over: what they held is put where it belongs while the daemon runs, as after a crash.

use crate::world::{DESK, MARIA, World, configuration};
use futures::future::BoxFuture;
use postdesk::clock::{Clock, Dice};
use postdesk::daemon::{self, Daemon};
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::loops::Waits;
use postdesk::net::{BoxStream, Dial, Dialled, TcpDial};
use postdesk::store::Connection;
use postdesk::store::read::Reader;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Long enough for any machine; what is waited for is watched, not slept through.
const LONG: Duration = Duration::from_secs(90);

/// Where the program meets a fault of its own: below the relay's dialogue, before the end of a mail or behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Falls {
    Before,
    After,
}

type Armed = Arc<Mutex<Option<(Falls, Deed)>>>;

/// What happens to the rest of the machine at that moment.
type Deed = Box<dyn FnOnce() + Send>;

/// The next mail that is on its way to the relay brings its worker down.
#[derive(Clone)]
struct Trap {
    port: u16,
    armed: Armed,
}

impl Dial for Trap {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Dialled>> {
        Box::pin(async move {
            let dialled = TcpDial.dial(host, port).await?;
            if port != self.port {
                return Ok(dialled);
            }
            let armed = Arc::clone(&self.armed);
            let stream = Box::new(Trapped { inner: dialled.stream, armed, dot_left: false });
            Ok(Dialled { stream, loopback: dialled.loopback })
        })
    }
}

struct Trapped {
    inner: BoxStream,
    armed: Armed,
    dot_left: bool,
}

impl Trapped {
    fn springs(&self, at: Falls) {
        let springs = self.armed.lock().unwrap().take_if(|(armed, _)| *armed == at);
        if let Some((_, deed)) = springs {
            deed();
            panic!("a fault on purpose");
        }
    }
}

impl AsyncRead for Trapped {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.dot_left {
            this.springs(Falls::After);
        }
        Pin::new(&mut this.inner).poll_read(cx, out)
    }
}

impl AsyncWrite for Trapped {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if bytes.starts_with(b"RCPT") || bytes.starts_with(b"MAIL") {
            this.springs(Falls::Before);
        }
        this.dot_left = bytes.ends_with(b"\r\n.\r\n");
        Pin::new(&mut this.inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

fn rows(dir: &std::path::Path, sql: &str) -> Vec<String> {
    crate::soak::rows(Reader::open(&dir.join("desk.db")).unwrap().db(), sql)
}

/// A daemon in this process whose worker falls over at the first mail; the states of its rows once none is under way.
/// `locks`: just then nothing can be written any more, until a write has failed.
async fn fallen(falls: Falls, locks: bool) -> Vec<String> {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    [DESK, MARIA].iter().for_each(|address| server.add_account(address, "secret"));
    let dir = crate::soak::scratch();
    let text =
        configuration(dir.path(), &server, "hold_replies = \"0s\"", "", "\n[limits]\nsmtp_connections = 2\n");
    let config = postdesk::config::parse(&text, &dir.path().join("config.toml")).unwrap();
    let other = Arc::new(Mutex::new(None));
    let (locked, file) = (Arc::clone(&other), dir.path().join("desk.db"));
    let lock = move || {
        let db = Connection::open(file).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        *locked.lock().unwrap() = Some(db);
    };
    let deed: Deed = if locks { Box::new(lock) } else { Box::new(|| ()) };
    let armed = Arc::new(Mutex::new(Some((falls, deed))));
    let trap = Trap { port: server.smtp_port(), armed: Arc::clone(&armed) };
    // A clock of its own: what is put off for a minute is due at a word.
    let clock = Clock::by_hand(crate::world::START);
    let settings = daemon::settings(config).unwrap_or_else(|faults| panic!("{faults:?}"));
    let daemon = Daemon::start(settings, clock.clone(), Dice::from_seed(1), Arc::new(trap)).await.unwrap();
    server.deliver(DESK, format!("From: <{MARIA}>\r\nTo: <{DESK}>\r\nSubject: Impresora\r\nMessage-ID: <1@x>\r\n\r\nNo funciona desde ayer.\r\n"));
    let (path, bell) = (dir.path().to_owned(), Arc::clone(&daemon.shared().outbox_bell));
    if locks {
        let began = server.wait_for(|_| other.lock().unwrap().is_some(), LONG).await;
        assert!(began, "nothing fell over");
        // What the workers had to write stood before this in the writer's queue.
        assert!(daemon.shared().store.write(|_| Ok(())).await.is_err(), "it is locked");
        assert!(!rows(&path, "SELECT 1 FROM outbox WHERE state = 'sending'").is_empty());
        *other.lock().unwrap() = None;
    }
    let done = async {
        loop {
            let open =
                rows(&path, "SELECT state FROM outbox WHERE state IN ('queued', 'sending', 'deferred')");
            let all = rows(&path, "SELECT 1 FROM outbox").len();
            if armed.lock().unwrap().is_none() && all >= 3 && open.is_empty() {
                return;
            }
            if open.iter().any(|state| state == "deferred") {
                clock.advance(60);
                bell.notify_waiters();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(LONG, done).await;
    let states =
        rows(dir.path(), "SELECT state || ' ' || attempts || ' ' || template FROM outbox ORDER BY id");
    assert!(in_time.is_ok(), "a row waits for the next start: {states:?}");
    assert_eq!(daemon.shared().counters.falls(), 1);
    let ids = rows(dir.path(), "SELECT message_id FROM outbox WHERE state = 'sent'");
    for id in ids {
        let line = format!("Message-ID: <{id}>");
        let times =
            server.submitted().iter().filter(|m| String::from_utf8_lossy(&m.raw).contains(&line)).count();
        assert_eq!(times, 1, "{id}");
    }
    daemon.stop().await;
    assert_eq!(
        postdesk::store::verify::verify(Reader::open(&dir.path().join("desk.db")).unwrap().db(), |_, _| {})
            .unwrap(),
        []
    );
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_falls_over_before_the_end_of_a_mail_leaves_it_to_be_sent() {
    let states = fallen(Falls::Before, false).await;
    assert!(states.iter().all(|row| row.starts_with("sent ")), "{states:?}");
    assert_eq!(states.iter().filter(|row| row.starts_with("sent 2 ")).count(), 1, "{states:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_falls_over_behind_the_end_of_a_mail_leaves_it_uncertain_and_somebody_is_told() {
    let states = fallen(Falls::After, false).await;
    let uncertain: Vec<&String> = states.iter().filter(|row| row.starts_with("uncertain 1 ")).collect();
    assert_eq!(uncertain.len(), 1, "{states:?}");
    assert!(states.iter().any(|row| row.ends_with(" undelivered") || row.ends_with(" admin")), "{states:?}");
}

/// The disk is at fault at the very moment: the running daemon settles the row by itself once it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_falls_over_while_nothing_can_be_written_is_seen_to_later() {
    let states = fallen(Falls::After, true).await;
    assert_eq!(states.iter().filter(|row| row.starts_with("uncertain 1 ")).count(), 1, "{states:?}");
}

/// A stop, or a reload, that could not wait for a worker: its mail waits for no next start either.
#[tokio::test]
async fn a_worker_that_is_cut_off_leaves_its_mail_to_the_others() {
    use postdesk::demo::server::{SmtpFault, When};
    for (stage, ends) in [("EHLO", "sent "), ("DOT", "uncertain ")] {
        let mut world = World::start().await;
        world.writes(MARIA, "Impresora", "La impresora del segundo piso no funciona desde ayer, por favor.");
        world.takes().await.unwrap();
        world.server.smtp_fault(When::next(stage), SmtpFault::Stall);
        let stalled = format!("SMTP {stage}");
        let server = world.server.clone();
        let seen = server.wait_for(|server| server.commands().contains(&stalled), LONG);
        tokio::select! {
            _ = world.sends() => panic!("it stalls"),
            seen = seen => assert!(seen),
        }
        world.connects(Arc::new(TcpDial), Waits::SERVICE);
        world.endures().await;
        let states = world.rows("SELECT state || ' ' || template FROM outbox WHERE template = 'acknowledgement' OR attempts <> 1 OR state <> 'sent'");
        assert!(states.iter().any(|row| row.starts_with(ends)), "{stage}: {states:?}");
        assert_eq!(world.rows("SELECT 1 FROM outbox WHERE state = 'sending'"), [] as [String; 0]);
        for (row, times) in world.accepted() {
            assert!(
                row.starts_with("sent ") && times == 1 || row.starts_with("uncertain ") && times <= 1,
                "{row} {times}"
            );
        }
        world.verify();
    }
}

/// What is to be told about a mail cannot be written down: the mail is settled all the same, and no other waits for it,
/// neither now nor at the next start.
#[tokio::test]
async fn a_word_that_cannot_be_kept_holds_up_neither_the_outbox_nor_a_start() {
    use postdesk::demo::server::{SmtpFault, When};
    let mut world = World::start().await;
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON event WHEN new.what LIKE '%deliver%' BEGIN SELECT RAISE(ABORT, 'a fault on purpose'); END";
    world.shared.store.write(move |db| Ok(db.execute_batch(trap)?)).await.unwrap();
    world
        .server
        .smtp_fault(When::always("RCPT").to(MARIA), SmtpFault::Reply(550, "5.1.1 no such user".into()));
    for n in 0..3 {
        world.writes(
            MARIA,
            &format!("Impresora {n}"),
            &format!("La impresora {n} no funciona desde ayer, por favor."),
        );
    }
    world.work().await;
    let states = world.rows("SELECT DISTINCT template || ' ' || state FROM outbox ORDER BY 1");
    assert_eq!(states, ["acknowledgement failed", "notification sent"]);
    // Cut off behind the end of a mail, and found by the next start.
    let now = world.rows("SELECT count(*) FROM outbox WHERE state = 'failed'");
    assert_eq!(now, ["3"]);
    let sql =
        "UPDATE outbox SET state = 'sending', handed_over = 1, settled_at = NULL WHERE state = 'failed'";
    world.shared.store.write(move |db| Ok(db.execute_batch(sql)?)).await.unwrap();
    assert_eq!(world.restarts().await, 3);
    world.endures().await;
    assert_eq!(world.rows("SELECT 1 FROM outbox WHERE state = 'uncertain'").len(), 3);
    world.verify();
}

/// A ticket that cannot be woken keeps no other asleep, and no digest from its reader.
#[tokio::test]
async fn a_ticket_that_cannot_be_woken_keeps_no_other_asleep() {
    let mut world = World::start().await;
    for n in 0..3 {
        let body = format!("La impresora {n} no funciona desde ayer, por favor.");
        world.writes(MARIA, &format!("Impresora {n}"), &body);
    }
    world.work().await;
    let (bad, now) = (world.tickets()[0], world.clock.now().0);
    let trap = format!(
        "UPDATE ticket SET wake_at = {now};
         CREATE TRIGGER trap BEFORE UPDATE ON ticket WHEN old.number = {bad} BEGIN SELECT RAISE(ABORT, 'a fault on purpose'); END"
    );
    world.shared.store.write(move |db| Ok(db.execute_batch(&trap)?)).await.unwrap();
    world.clock.advance(60);
    world.work().await;
    assert_eq!(world.rows("SELECT number FROM ticket WHERE wake_at IS NOT NULL"), [bad.to_string()]);
    world.shared.store.write(|db| Ok(db.execute_batch("DROP TRIGGER trap")?)).await.unwrap();
    world.work().await;
    assert_eq!(world.rows("SELECT 1 FROM ticket WHERE wake_at IS NOT NULL"), [] as [String; 0]);
    world.verify();
}
