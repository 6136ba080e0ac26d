//! One trial: a mail server in this process, the daemon in its own, the workload, a way to die, and the reckoning
//! afterwards against a run that nobody disturbed.

use super::process::Process;
use super::workload;
use crate::world::{ANA, DESK, LUIS, PEDRO, configuration};
use postdesk::clock::Dice;
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::store::read::Reader;
use postdesk::store::{Connection, verify};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a stage may take before the trial is a failure.
const PATIENCE: Duration = Duration::from_secs(200);

/// How often is looked whether a stage is over.
const LOOK: Duration = Duration::from_millis(4);

/// How the daemon dies.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    /// Not at all.
    None,
    /// At the n-th edge of a command that the server sees.
    Edge(u64),
    /// At the n-th system call of a kind.
    Call(&'static str, u64),
    /// Not by itself; but system calls fail, in strace's words.
    Failing(&'static str),
    /// Again and again after a random time, `kills` times, from a seed.
    Random { seed: u64, kills: u32 },
}

/// Rows by what identifies them in every run, and how many.
type Multiset = BTreeMap<String, usize>;

/// All that must be the same however often the daemon died.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub dispositions: Multiset,
    pub messages: Multiset,
    pub outgoing: Multiset,
    pub tickets: Multiset,
}

/// What a trial was like.
#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    pub kills: u32,
    pub mails: usize,
    pub outgoing: usize,
    pub uncertain: usize,
    pub edges: u64,
}

pub struct Trial {
    runtime: tokio::runtime::Runtime,
    server: MailServer,
    process: Process,
    dir: TempDir,
    death: Death,
    dice: Dice,
    left: u32,
    figures: Figures,
}

impl Trial {
    pub fn new(death: Death) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(MailServer::start(ServerOptions::default())).unwrap();
        for address in [DESK, ANA, LUIS, PEDRO] {
            server.add_account(address, "secret");
        }
        let dir = scratch();
        let more = "\n[limits]\nmail_max = \"200 kB\"\nbatch_max = 7\n\n[budgets]\nper_sender = 1000\nper_domain = 10000\nper_ticket = 1000\nin_all = 100000\n";
        let text = configuration(dir.path(), &server, "hold_replies = \"0s\"", "", more);
        let config = dir.path().join("config.toml");
        std::fs::write(&config, text).unwrap();
        let process = Process::new(&config);
        let (seed, left) = if let Death::Random { seed, kills } = death { (seed, kills) } else { (0, 0) };
        let dice = Dice::from_seed(seed);
        Self { runtime, server, process, dir, death, dice, left, figures: Figures::default() }
    }

    /// Runs the workload to its end. Whether the death came, and what it left.
    pub fn run(mut self) -> (bool, Figures, Outcome) {
        if let Death::Edge(n) = self.death {
            let process = self.process.clone();
            self.server.on_command(n, move |_| process.kill());
        }
        self.deliver(workload::first());
        let at = match self.death {
            Death::Call(calls, nth) => Some(format!("{calls}:signal=SIGKILL:when={nth}")),
            Death::Failing(inject) => Some(inject.to_owned()),
            Death::None | Death::Edge(_) | Death::Random { .. } => None,
        };
        self.process.start(at.as_deref());
        self.stage();
        self.deliver(workload::second(self.reader().db()));
        self.stage();
        self.deliver(workload::third(self.reader().db()));
        self.stage();
        self.process.end();
        let outcome = self.reckon();
        self.figures.edges = self.server.edges();
        let figures = self.figures;
        drop(self.server);
        self.runtime.shutdown_background();
        (figures.kills > 0, figures, outcome)
    }

    fn deliver(&mut self, mails: Vec<Vec<u8>>) {
        self.figures.mails += mails.len();
        for raw in mails {
            assert_ne!(self.server.deliver(DESK, raw), 0);
        }
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.dir.path().join("desk.db")).unwrap()
    }

    /// Until all that was delivered is accounted for and all that follows is sent: restarts what has died, kills what
    /// is to die.
    fn stage(&mut self) {
        let start = Instant::now();
        let mut reader = None;
        let mut dies_at = self.next_death();
        loop {
            if !self.process.runs() {
                self.figures.kills += 1;
                self.process.start(None);
                dies_at = self.next_death();
            }
            if dies_at.is_some_and(|at| Instant::now() >= at) {
                self.left -= 1;
                self.process.kill();
                dies_at = None;
                continue;
            }
            if reader.is_none() {
                reader = Reader::open(&self.dir.path().join("desk.db")).ok();
            }
            let over = reader.as_ref().is_some_and(|reader| is_over(reader.db(), self.figures.mails));
            if over && self.left == 0 {
                return;
            }
            if over && dies_at.is_none() {
                return;
            }
            if start.elapsed() > PATIENCE {
                self.give_up(reader.as_ref().map(Reader::db));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn next_death(&mut self) -> Option<Instant> {
        (self.left > 0).then(|| Instant::now() + Duration::from_micros(1000 + self.dice.below(60_000)))
    }

    fn give_up(&self, db: Option<&Connection>) -> ! {
        let states = db.map(|db| {
            let unsettled = rows(db, "SELECT uid || ' ' || disposition FROM mail WHERE settled_at IS NULL");
            (unsettled, rows(db, "SELECT state || ' ' || said FROM outbox WHERE state IN ('queued', 'deferred', 'sending')"))
        });
        let log = self.process.log();
        let tail: Vec<&str> = log.lines().rev().take(30).collect();
        panic!("{:?}: a stage does not end: {states:?}\n{tail:#?}", self.death);
    }

    /// Checks every promise, and gives what is to be compared.
    fn reckon(&mut self) -> Outcome {
        let reader = self.reader();
        let db = reader.db();
        let breaches = verify::verify(db, |_, _| {}).unwrap();
        assert!(breaches.is_empty(), "{:?}: {breaches:#?}", self.death);
        let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
        for mail in self.server.submitted() {
            let text = String::from_utf8_lossy(&mail.raw);
            let line = text.lines().find(|line| line.starts_with("Message-ID: ")).unwrap();
            *accepted.entry(line["Message-ID: <".len()..].trim_end_matches('>').to_owned()).or_default() += 1;
        }
        let mut statement =
            db.prepare("SELECT message_id, state, handed_over, template, said FROM outbox").unwrap();
        let mut all = statement.query([]).unwrap();
        let mut known = 0;
        while let Some(row) = all.next().unwrap() {
            let (id, state): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            let (template, said): (String, String) = (row.get(3).unwrap(), row.get(4).unwrap());
            let times = accepted.get(&id).copied().unwrap_or(0);
            self.figures.outgoing += 1;
            known += usize::from(times > 0);
            match state.as_str() {
                "sent" => assert_eq!(times, 1, "{:?}: {id} ({template}) was sent {times} times", self.death),
                "uncertain" | "bounced" => {
                    self.figures.uncertain += usize::from(state == "uncertain");
                    assert!(times <= 1, "{:?}: {id} ({template}) was sent {times} times", self.death);
                }
                other => panic!("{:?}: {id} ({template}) ended as {other}: {said}", self.death),
            }
        }
        assert_eq!(known, accepted.len(), "{:?}: mail without a row was sent", self.death);
        assert!(
            self.figures.uncertain <= 4 * self.figures.kills as usize,
            "{:?}: one for each connection at most",
            self.death
        );
        self.check_mailbox(db);
        if self.figures.kills == 0 {
            assert_eq!(rows(db, "SELECT template FROM outbox WHERE mail_id IS NULL"), [] as [String; 0]);
        }
        outcome(db)
    }

    /// Each mail of the mailbox is in the ledger, and lies where its disposition says.
    fn check_mailbox(&self, db: &Connection) {
        let left: Vec<String> =
            self.server.mails(DESK, "INBOX").iter().map(|mail| mail.uid.to_string()).collect();
        assert_eq!(left, rows(db, "SELECT uid FROM mail WHERE disposition = 'refused'"), "{:?}", self.death);
        assert_eq!(
            self.server.mails(DESK, "Postdesk").len() + left.len(),
            self.figures.mails,
            "{:?}",
            self.death
        );
    }
}

/// A folder in memory: a killed process needs no disk, and a sweep makes thousands of commits.
pub fn scratch() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

fn is_over(db: &Connection, mails: usize) -> bool {
    let sql = "SELECT (SELECT count(*) FROM mail) = ?1
               AND NOT EXISTS (SELECT 1 FROM mail WHERE settled_at IS NULL AND disposition <> 'refused')
               AND NOT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'deferred', 'sending'))";
    db.query_row(sql, [i64::try_from(mails).unwrap()], |row| row.get(0)).unwrap_or(false)
}

/// The first column of a query, as text.
pub fn rows(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db
        .prepare(&format!("SELECT CAST(column1 AS TEXT) FROM (WITH t (column1) AS ({sql}) SELECT * FROM t)"))
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn count(db: &Connection, sql: &str) -> Multiset {
    let mut all = Multiset::new();
    for row in rows(db, sql) {
        *all.entry(row).or_default() += 1;
    }
    all
}

fn outcome(db: &Connection) -> Outcome {
    Outcome {
        dispositions: count(
            db,
            "SELECT message_id || ' ' || from_address || ' ' || disposition || ' ' || oddities FROM mail",
        ),
        messages: count(
            db,
            "SELECT mail.message_id || ' ' || role || ' ' || internal || ' ' || author || ' ' || text FROM message JOIN mail ON mail.id = mail_id",
        ),
        outgoing: count(
            db,
            // Word of an uncertain mail, caused by no mail, goes out beside what the workload itself causes.
            "SELECT mail.message_id || ' ' || from_address || ' ' || template || ' ' || recipient FROM outbox JOIN mail ON mail.id = outbox.mail_id",
        ),
        tickets: count(
            db,
            "SELECT subject || ' ' || requester || ' ' || status || ' ' || assignee || ' ' || priority FROM ticket WHERE subject NOT LIKE '%[#%'",
        ),
    }
}

/// What comes of the workload when nobody disturbs it.
pub fn undisturbed() -> &'static (Figures, Outcome) {
    static OUTCOME: OnceLock<(Figures, Outcome)> = OnceLock::new();
    OUTCOME.get_or_init(|| {
        let (_, figures, outcome) = Trial::new(Death::None).run();
        (figures, outcome)
    })
}

/// Runs a trial and compares. `None` when the death never came: the run was over before.
pub fn dies(death: Death) -> Option<Figures> {
    let (died, figures, outcome) = Trial::new(death).run();
    compare(death, &outcome);
    died.then_some(figures)
}

/// Runs a trial in which nobody dies, and compares.
pub fn lives(death: Death) -> Figures {
    let (_, figures, outcome) = Trial::new(death).run();
    compare(death, &outcome);
    figures
}

fn compare(death: Death, outcome: &Outcome) {
    let expected = &undisturbed().1;
    for (what, found, wanted) in [
        ("dispositions", &outcome.dispositions, &expected.dispositions),
        ("messages", &outcome.messages, &expected.messages),
        ("outgoing", &outcome.outgoing, &expected.outgoing),
        ("tickets", &outcome.tickets, &expected.tickets),
    ] {
        let (more, less) = (beyond(found, wanted), beyond(wanted, found));
        assert!(
            more.is_empty() && less.is_empty(),
            "{death:?}: {what}: too many {more:#?}, missing {less:#?}"
        );
    }
}

/// What `all` holds and `other` does not, or not as often.
fn beyond<'a>(all: &'a Multiset, other: &Multiset) -> Vec<(&'a String, usize)> {
    all.iter().filter(|(row, n)| other.get(*row) != Some(n)).map(|(row, n)| (row, *n)).collect()
}
