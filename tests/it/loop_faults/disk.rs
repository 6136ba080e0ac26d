//! The disk on bad days: the loop stops with a clear word, nothing is moved on the server, and it goes on by itself.

use crate::soak::process::Process;
use crate::soak::trial::{Death, lives};
use crate::world::{ANA, DESK, LUIS, World, configuration};
use postdesk::demo::server::{Hook, MailServer, ServerOptions, SmtpFault, When};
use postdesk::store::read::Reader;
use postdesk::store::{Connection, verify};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Long enough for any machine; what is waited for is watched, not slept through.
const LONG: Duration = Duration::from_secs(60);

fn write_many(world: &mut World, count: usize) {
    for n in 0..count {
        let body = format!("Texto número {n}, con palabras que no se repiten: {}", n * 7919);
        world.writes(&format!("c{n}@client.example"), &format!("Asunto {n}"), &body);
    }
}

/// All is filed, moved, and answered once.
fn all_is_well(world: &World, count: usize) {
    assert_eq!(world.tickets().len(), count);
    assert_eq!(world.server.mails(DESK, "INBOX").len(), 0);
    assert!(world.accepted().iter().all(|(row, times)| row.starts_with("sent ") && *times == 1));
    world.verify();
}

async fn pages(world: &World, sql: String) {
    world.shared.store.write(move |db| Ok(db.execute_batch(&sql)?)).await.unwrap();
}

#[tokio::test]
async fn a_full_database_moves_nothing_and_goes_on_when_there_is_room() {
    let mut world = World::start().await;
    let now: i64 = world.rows("SELECT page_count FROM pragma_page_count")[0].parse().unwrap();
    pages(&world, format!("PRAGMA max_page_count = {}", now + 12)).await;
    write_many(&mut world, 40);
    let failed = loop {
        if let Err(error) = world.takes().await {
            break error.to_string();
        }
    };
    assert!(failed.contains("database"), "{failed}");
    let filed = world.tickets().len();
    assert!(filed < 40);
    assert!(world.server.mails(DESK, "INBOX").len() >= 40 - filed, "what is not on the disk was moved");
    assert!(world.takes().await.is_err(), "it stays full");
    pages(&world, "PRAGMA max_page_count = 1000000".to_owned()).await;
    world.endures().await;
    all_is_well(&world, 40);
}

#[tokio::test]
async fn what_the_relay_said_is_not_forgotten_while_the_disk_is_full() {
    let mut world = World::start().await;
    write_many(&mut world, 5);
    world.takes().await.unwrap();
    let other = Arc::new(Mutex::new(Connection::open(world.dir.path().join("desk.db")).unwrap()));
    let locking = Arc::clone(&other);
    let hook =
        Hook::new(move |_: &MailServer| locking.lock().unwrap().execute_batch("BEGIN IMMEDIATE").unwrap());
    // From here on nothing can be written, and the relay takes the mail over.
    world.server.smtp_fault(When::next("DOT"), SmtpFault::Run(hook));
    let error = world.sends().await.unwrap_err().to_string();
    assert!(error.contains("locked"), "{error}");
    other.lock().unwrap().execute_batch("ROLLBACK").unwrap();
    world.endures().await;
    all_is_well(&world, 5);
}

#[tokio::test]
async fn a_database_locked_by_another_program_is_waited_for_and_nothing_is_moved() {
    let mut world = World::start().await;
    write_many(&mut world, 30);
    let other = Connection::open(world.dir.path().join("desk.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // All wait for the lock together, and not one after the other: the admin is to hear of it today.
    let taken = tokio::time::timeout(LONG, world.takes()).await;
    let error = taken.expect("a clear word in time").unwrap_err().to_string();
    assert!(error.contains("locked"), "{error}");
    assert_eq!(world.server.mails(DESK, "INBOX").len(), 30);
    other.execute_batch("ROLLBACK").unwrap();
    world.endures().await;
    all_is_well(&world, 30);
}

#[tokio::test]
async fn a_corrupted_page_stops_the_loop_and_is_named_by_verify() {
    let mut world = World::start().await;
    write_many(&mut world, 30);
    world.work().await;
    pages(&world, "PRAGMA user_version = 1".to_owned()).await;
    let path = world.dir.path().join("copy.db");
    postdesk::store::backup::backup(&world.reader(), &path, |_, _| {}).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for page in (8192..bytes.len()).step_by(4096) {
        bytes[page..page + 16].fill(0xa5);
    }
    std::fs::write(&path, bytes).unwrap();
    match Reader::open(&path).and_then(|reader| verify::verify(reader.db(), |_, _| {})) {
        Ok(breaches) => assert!(!breaches.is_empty()),
        Err(error) => assert!(error.is_of_the_disk(), "{error}"),
    }
}

#[tokio::test]
async fn a_wal_left_behind_is_read_and_a_backup_under_load_verifies() {
    let mut world = World::start().await;
    for round in 0..5 {
        write_many(&mut world, 5);
        world.writes("x@client.example", &format!("Ronda {round}"), &format!("Otra {round}."));
        let copy = world.dir.path().join(format!("backup-{round}.db"));
        let from = world.dir.path().join("desk.db");
        let target = copy.clone();
        let at_work = std::thread::spawn(move || {
            postdesk::store::backup::backup(&Reader::open(&from).unwrap(), &target, |_, _| {}).unwrap();
        });
        world.work().await;
        at_work.join().unwrap();
        let reader = Reader::open(&copy).unwrap();
        assert_eq!(verify::verify(reader.db(), |_, _| {}).unwrap(), []);
        // The file with its log, as a crash leaves them: nothing was checkpointed.
        let left = world.dir.path().join(format!("left-{round}.db"));
        std::fs::copy(world.dir.path().join("desk.db"), &left).unwrap();
        std::fs::copy(world.dir.path().join("desk.db-wal"), left.with_extension("db-wal")).unwrap();
        let opened = Connection::open(&left).unwrap();
        assert_eq!(verify::verify(&opened, |_, _| {}).unwrap(), []);
        assert_eq!(
            crate::soak::rows(&opened, "SELECT count(*) FROM mail"),
            world.rows("SELECT count(*) FROM mail")
        );
    }
}

#[test]
fn system_calls_that_fail_lose_and_double_nothing() {
    lives(Death::Failing("fsync,fdatasync:error=EIO:when=9"));
}

struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn the_daemon_on_a_full_disk_waits_says_so_and_goes_on_by_itself() {
    let dir = tempfile::TempDir::new().unwrap();
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "none"]).arg(dir.path()).status();
    assert!(mount.unwrap().success(), "a small disk needs root");
    let mounted = Mounted(dir.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(MailServer::start(ServerOptions::default())).unwrap();
    [DESK, ANA, LUIS].iter().for_each(|address| server.add_account(address, "secret"));
    let text = configuration(dir.path(), &server, "hold_replies = \"0s\"", "", "poll = \"5s\"\n");
    let config = dir.path().join("config.toml");
    std::fs::write(&config, text).unwrap();
    let process = Process::new(&config);
    process.start(None);
    crate::real::wait_until("the first start", || process.log().contains("ready").then_some(()));
    let filler = dir.path().join("filler");
    let mut size = 12 << 20;
    while size > 512 {
        let mut all = std::fs::read(&filler).unwrap_or_default();
        all.resize(all.len() + size, 7);
        if std::fs::write(&filler, &all).is_err() {
            size /= 2;
        }
    }
    for n in 0..200 {
        server.deliver(DESK, format!("From: <c{n}@client.example>\r\nTo: <{DESK}>\r\nMessage-ID: <{n}@x.example>\r\nSubject: {n}\r\n\r\nTexto {n}.\r\n"));
    }
    // The log lies on the full disk as well: what tells is that nothing more is filed.
    crate::real::wait_until("mails to be on their way", || {
        server.commands().iter().any(|c| c == "IMAP FETCH").then_some(())
    });
    let moved = server.mails(DESK, "Postdesk").len();
    assert!(moved <= count(dir.path(), "SELECT count(*) FROM mail"), "moved without being on the disk");
    assert!(moved < 200);
    std::fs::remove_file(&filler).unwrap();
    let done = runtime.block_on(server.wait_for(|s| s.mails(DESK, "INBOX").is_empty(), LONG));
    process.end();
    assert!(done, "{}", process.log());
    let reader = Reader::open(&dir.path().join("desk.db")).unwrap();
    assert_eq!(verify::verify(reader.db(), |_, _| {}).unwrap(), []);
    assert_eq!(count(dir.path(), "SELECT count(*) FROM mail WHERE disposition = 'opened'"), 200);
    drop((reader, process, mounted));
}

fn count(dir: &Path, sql: &str) -> usize {
    crate::soak::rows(Reader::open(&dir.join("desk.db")).unwrap().db(), sql)[0].parse().unwrap()
}
