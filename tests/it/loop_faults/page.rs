//! A page of the database that is corrupted under the running loops: they stop with a clear word, nothing is moved on the
//! server that is not kept, `verify` says it, and a backup puts it right.

use crate::program::{Program, verb};
use crate::world::{ANA, DESK, LUIS, MARIA, World, configuration};
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::store::read::Reader;
use postdesk::store::{Connection, verify};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Long enough for any machine; what is waited for is watched, not slept through.
const LONG: Duration = Duration::from_secs(60);

const PAGE: usize = 4096;

fn write_many(world: &mut World, count: usize) {
    let before = world.server.mails(DESK, "Postdesk").len();
    for n in before..before + count {
        let body = format!("Texto número {n}, con palabras que no se repiten: {}", n * 7919);
        world.writes(&format!("c{n}@client.example"), &format!("Asunto {n}"), &body);
    }
}

/// Puts the log into the file, so that what follows lies in the file alone.
fn fold(path: &Path) {
    Connection::open(path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

/// Writes nonsense over pages (the first is 1), and has every connection read the file anew: another one writes.
fn corrupt(path: &Path, pages: impl IntoIterator<Item = usize>) {
    let mut bytes = std::fs::read(path).unwrap();
    for page in pages {
        bytes[(page - 1) * PAGE..page * PAGE].fill(0xa5);
    }
    std::fs::write(path, bytes).unwrap();
    let _ = Connection::open(path).and_then(|db| db.execute_batch("PRAGMA user_version = 1"));
}

/// Every table and index with the page its tree begins at.
fn roots(path: &Path) -> Vec<(String, usize)> {
    let db = Connection::open(path).unwrap();
    let mut all = db.prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 1").unwrap();
    let rows = all.query_map([], |r| Ok((r.get(0)?, r.get::<_, i64>(1)? as usize))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// What the loops say in a few rounds.
async fn some_rounds(world: &mut World) -> Vec<String> {
    let mut said = Vec::new();
    for _ in 0..3 {
        said.extend(world.takes().await.err().map(|error| error.to_string()));
        said.extend(world.sends().await.err().map(|error| error.to_string()));
        world.clock.advance(3600);
    }
    said
}

/// One table or index goes bad while mail comes in. What the loops said.
async fn one_goes_bad(name: &str, page: usize) -> Vec<String> {
    let mut world = World::start().await;
    write_many(&mut world, 6);
    world.work().await;
    let path = world.dir.path().join("desk.db");
    fold(&path);
    std::fs::copy(&path, world.dir.path().join("restored.db")).unwrap();
    corrupt(&path, [page]);
    write_many(&mut world, 5);
    let said = some_rounds(&mut world).await;
    assert!(said.iter().all(|line| !line.contains("a fault in Postdesk itself")), "{name}: {said:?}");
    // What can no longer be asked about was not moved either.
    let reader = Reader::open(&path);
    let kept = reader.as_ref().ok().and_then(|reader| {
        reader
            .db()
            .query_row("SELECT count(*) FROM mail WHERE raw_id IS NOT NULL", [], |r| r.get::<_, i64>(0))
            .ok()
    });
    let moved = world.server.mails(DESK, "Postdesk").len();
    assert!(
        moved <= kept.map_or(6, |kept| kept as usize),
        "{name}: {moved} were moved, {kept:?} are kept; {said:?}"
    );
    let tried = reader.and_then(|reader| verify::verify(reader.db(), |_, _| {}));
    match tried {
        Ok(breaches) => assert!(!breaches.is_empty(), "{name}: verify finds nothing"),
        Err(error) => assert!(error.is_of_the_disk(), "{name}: {error}"),
    }
    let ids: Vec<String> = world.server.submitted().iter().map(|mail| message_id(&mail.raw)).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: a mail was sent twice");
    restored(&mut world, name).await;
    said
}

fn message_id(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.lines().find(|line| line.starts_with("Message-ID:")).unwrap().to_owned()
}

/// The admin puts the backup back, and what was moved since into the inbox, as the manual says.
async fn restored(world: &mut World, name: &str) {
    let since: Vec<u32> = world.server.mails(DESK, "Postdesk").iter().map(|mail| mail.uid).skip(6).collect();
    world.server.move_mails(DESK, "Postdesk", "INBOX", &since);
    world.restarts_on("restored.db").await;
    world.endures().await;
    assert_eq!(world.tickets().len(), 11, "{name}");
    assert!(world.server.mails(DESK, "INBOX").is_empty(), "{name}");
    world.verify();
}

#[tokio::test]
async fn whichever_page_is_corrupted_under_the_loops_nothing_is_moved_that_is_not_kept() {
    let first = World::start().await;
    fold(&first.dir.path().join("desk.db"));
    let roots = roots(&first.dir.path().join("desk.db"));
    assert!(roots.len() > 30, "{roots:?}");
    let mut stopped = 0;
    for (name, page) in roots {
        let said = one_goes_bad(&name, page).await;
        let clear = |line: &String| line.contains("malformed") || line.contains("corrupt");
        stopped += usize::from(said.iter().any(clear));
    }
    // Of some tables nothing is asked in these rounds.
    assert!(stopped > 30, "{stopped}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_on_a_corrupted_file_says_so_moves_nothing_and_goes_on_from_a_backup() {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    [DESK, ANA, LUIS, MARIA].iter().for_each(|address| server.add_account(address, "secret"));
    let dir = tempfile::TempDir::new().unwrap();
    let (config, path) = (dir.path().join("config.toml"), dir.path().join("desk.db"));
    std::fs::write(&config, configuration(dir.path(), &server, "", "", "poll = \"5s\"\n")).unwrap();
    let letter = |n: usize| {
        format!(
            "From: <{MARIA}>\r\nTo: <{DESK}>\r\nSubject: Impresora {n}\r\nMessage-ID: <{n}@client.example>\r\n\r\nLa impresora {n} no funciona desde ayer.\r\n"
        )
    };
    let answered = |count: usize| move |server: &MailServer| server.mails(MARIA, "INBOX").len() == count;
    let daemon = Program::run(&config);
    server.deliver(DESK, letter(1));
    assert!(server.wait_for(answered(1), LONG).await, "{}", daemon.log());
    let copy = dir.path().join("copy.db");
    daemon.says(&["backup", copy.to_str().unwrap()]);

    fold(&path);
    let pages = std::fs::metadata(&path).unwrap().len() as usize / PAGE;
    corrupt(&path, 2..=pages);
    server.deliver(DESK, letter(2));
    crate::real::wait_until("a clear word", || {
        daemon.log().contains("nothing is moved on the server").then_some(())
    });
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("nothing is moved on the server")).unwrap();
    assert!(line.contains("ERROR") && line.contains("malformed"), "{line}");
    assert!(!log.contains("panicked") && !log.contains("a fault in Postdesk itself"), "{log}");
    assert_eq!(server.mails(DESK, "INBOX").len(), 1);
    assert_eq!(server.mails(DESK, "Postdesk").len(), 1);
    let said = daemon.call(&["verify"]);
    assert!(!said.status.success(), "{said:?}");
    assert_eq!(daemon.stop(), Some(0));
    let commands = server.commands().len();
    let refused = verb(&config, &["run"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("malformed") && !said.contains("panicked"), "{said}");
    assert_eq!(server.commands().len(), commands, "it spoke to a server");

    for name in ["desk.db", "desk.db-wal", "desk.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }
    std::fs::rename(&copy, &path).unwrap();
    let sound = verb(&config, &["verify"]).output().unwrap();
    assert_eq!(sound.status.code(), Some(0), "{sound:?}");
    let again = Program::run(&config);
    assert!(server.wait_for(answered(2), LONG).await, "{}", again.log());
    let emptied = |server: &MailServer| server.mails(DESK, "INBOX").is_empty();
    assert!(server.wait_for(emptied, LONG).await, "{}", again.log());
    assert_eq!(again.stop(), Some(0));
}
