//! The daemon killed at random while it works with real Dovecot and Postfix: mail comes by SMTP, answers go into the
//! maildirs of those who wrote, and these are counted afterwards.

use super::rows;
use crate::program::{Program, verb};
use crate::real::RealServers;
use crate::real_story::configure;
use mail_parser::MessageParser;
use postdesk::clock::Dice;
use postdesk::store::Connection;
use postdesk::store::read::Reader;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const DESK: &str = "soporte@desk.example";

/// How long the last life may take to do what is left: longer than the longest wait before a second attempt.
const PATIENCE: Duration = Duration::from_secs(150);

/// A life lasts so long at most before it is ended.
const LIFE_MAX_MS: u64 = 1200;

/// Mails that come in each life.
const MAILS_A_LIFE: usize = 3;

const BUDGETS: &str =
    "\n[budgets]\nper_sender = 1000\nper_domain = 10000\nper_ticket = 1000\nin_all = 100000\n";

/// What the kills left.
#[derive(Debug, Default, Clone, Copy)]
pub struct Left {
    pub kills: usize,
    pub mails: usize,
    pub outgoing: usize,
    pub uncertain: usize,
    pub lost: usize,
    pub doubled: usize,
    pub loops: usize,
}

/// The n-th mail: a question, word of a robot, or more about the question before. Its sender and its text.
fn letter(n: usize) -> (String, String) {
    let (who, more) = match n % 3 {
        1 => (n, "Auto-Submitted: auto-replied\r\n".to_owned()),
        2 => (n - 2, format!("In-Reply-To: <k{}@client.example>\r\n", n - 2)),
        _ => (n, String::new()),
    };
    let from = format!("r{who}@example.org");
    let text = format!(
        "From: <{from}>\r\nTo: <{DESK}>\r\nSubject: Asunto {n}\r\nMessage-ID: <k{n}@client.example>\r\n{more}\r\nTexto número {n}, por favor.\r\n"
    );
    (from, text)
}

/// Kills the daemon `count` times, or fewer when time is up, and reckons.
pub fn kills(seed: u64, count: usize, until: Option<Instant>) -> Left {
    let servers = RealServers::start();
    let config = configure(&servers, "secret", BUDGETS);
    let dice = Dice::from_seed(seed);
    let mut left = Left::default();
    while left.kills < count && until.is_none_or(|until| Instant::now() < until) {
        let desk = Program::run(&config);
        let end = Instant::now() + Duration::from_millis(1 + dice.below(LIFE_MAX_MS));
        for n in left.mails..left.mails + MAILS_A_LIFE {
            let (from, text) = letter(n);
            servers.send_raw(&from, DESK, text.as_bytes());
        }
        left.mails += MAILS_A_LIFE;
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        drop(desk);
        left.kills += 1;
    }
    let ready = |log: &str| log.matches("ready").count();
    let before = ready(&std::fs::read_to_string(config.with_extension("log")).unwrap_or_default());
    let desk = Program::run(&config);
    let path = servers.folder().join("desk/desk.db");
    let start = Instant::now();
    while ready(&desk.log()) == before || !is_over(&path, left.mails) || !postfix_is_empty(&servers) {
        assert!(start.elapsed() < PATIENCE, "seed {seed}: it does not end:\n{}", desk.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(desk.stop(), Some(0));
    let verified = verb(&config, &["verify"]).output().unwrap();
    assert!(verified.status.success(), "seed {seed}: {verified:?}");
    reckon(&servers, Reader::open(&path).unwrap().db(), &mut left);
    left
}

fn is_over(path: &Path, mails: usize) -> bool {
    let sql = "SELECT count(*) >= ?1 AND sum(settled_at IS NULL) = 0
               AND NOT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'deferred', 'sending')) FROM mail";
    let Ok(reader) = Reader::open(path) else { return false };
    reader.db().query_row(sql, [i64::try_from(mails).unwrap()], |row| row.get(0)).unwrap_or(false)
}

fn files(folder: PathBuf) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(entry.path()) } else { 1 }).sum()
}

/// Whether all that Postfix took has gone where it should: what lies in the maildirs now is all there will be.
fn postfix_is_empty(servers: &RealServers) -> bool {
    let spool = servers.folder().join("postfix/spool");
    ["maildrop", "incoming", "active", "deferred"].iter().all(|queue| files(spool.join(queue)) == 0)
}

fn tally(words: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    words.into_iter().for_each(|word| *all.entry(word).or_default() += 1);
    all
}

/// Counts the ledger against what was written, and the maildirs against the outbox.
fn reckon(servers: &RealServers, db: &Connection, left: &mut Left) {
    let ledger = tally(rows(db, "SELECT message_id FROM mail"));
    for n in 0..left.mails {
        let times = ledger.get(&format!("k{n}@client.example")).copied().unwrap_or(0);
        left.lost += usize::from(times == 0);
        left.doubled += times.saturating_sub(1);
    }
    let known = |id: &String| id.starts_with('k') && id.ends_with("@client.example");
    left.loops += ledger.iter().filter(|(id, _)| !known(id)).map(|(_, n)| n).sum::<usize>();
    assert_eq!(servers.read_mails(DESK).len(), 0, "what is accounted for is moved");
    let moved = servers.read_folder(DESK, "Postdesk").len();
    assert_eq!(moved, left.mails + left.loops, "what is moved was in the inbox once");

    let people = tally(rows(db, "SELECT recipient FROM outbox"));
    let (mut arrived, mut answered) = (Vec::new(), Vec::new());
    for raw in people.keys().flat_map(|person| servers.read_mails(person)) {
        let mail = MessageParser::default().parse(&raw).unwrap();
        arrived.push(mail.message_id().unwrap().to_owned());
        if let Some(about) = mail.in_reply_to().as_text().filter(|_| mail.body_text(0).is_some()) {
            let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default();
            answered.push(format!("{about} to {to}"));
        }
    }
    let (arrived, answered) = (tally(arrived), tally(answered));
    for row in rows(db, "SELECT message_id || ' ' || state FROM outbox") {
        let (id, state) = row.split_once(' ').unwrap();
        let times = arrived.get(id).copied().unwrap_or(0);
        left.outgoing += 1;
        left.uncertain += usize::from(state == "uncertain");
        left.lost += usize::from(state == "sent" && times == 0);
        left.doubled += times.saturating_sub(1);
        assert!(state == "sent" || state == "uncertain", "{row}");
    }
    let asked = |about: &str| about.starts_with('k') && about.contains("@example.org");
    let twice = answered.iter().filter(|(about, times)| asked(about) && **times > 1);
    left.doubled += twice.map(|(_, times)| times - 1).sum::<usize>();
    let outbox = tally(rows(db, "SELECT message_id FROM outbox"));
    left.loops += arrived.keys().filter(|id| !outbox.contains_key(*id)).count();
}

#[test]
fn killed_beside_real_servers_nothing_is_lost_or_doubled() {
    let left = kills(1, 3, None);
    assert_eq!((left.kills, left.lost, left.doubled, left.loops), (3, 0, 0, 0), "{left:?}");
    assert!(left.outgoing >= 9, "{left:?}");
}
