//! What a million tickets cost: the same work on a small and on a large database.

use crate::desk::{Desk, Servers};
use crate::intake::median;
use crate::report::Report;
use crate::{generate, limits, mix};
use postdesk::loops::{Shared, deadlines};
use postdesk::store::lists::TicketFilter;
use postdesk::store::read::Reader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Mails filed in one round.
const MAILS: usize = 1000;

/// A database of `tickets` tickets, made once and kept below `target/bench`.
pub fn database(folder: &Path, tickets: i64) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join(format!("tickets-{tickets}.db"));
    if !file.exists() {
        let start = Instant::now();
        let work = folder.join("making.db");
        let _ = std::fs::remove_file(&work);
        generate::generate(&work, tickets, 1);
        std::fs::rename(&work, &file).unwrap();
        eprintln!("{tickets} tickets made in {:.1} s", start.elapsed().as_secs_f64());
    }
    file
}

/// A desk whose database is `file`, of which a change stays.
pub fn desk_on(file: &Path, servers: &Servers, web: u16) -> Desk {
    let desk = Desk::new(servers, web);
    std::os::unix::fs::symlink(file.canonicalize().unwrap(), desk.path("desk.db")).unwrap();
    desk
}

/// No server at all.
pub fn nowhere() -> Servers {
    Servers { imap: 1, imap_tls: "none", user: "soporte@desk.example".into(), smtp: 1, ca_file: None }
}

/// Cost per mail and per question at each of two sizes.
pub fn growth(runtime: &Runtime, report: &mut Report, folder: &Path, sizes: [i64; 2], rounds: usize) {
    let mut sides = sizes.map(|tickets| Side::open(&database(folder, tickets), tickets));
    for _ in 0..rounds {
        for side in &mut sides {
            side.round(runtime);
        }
    }
    let [small, large] = sides.map(Side::medians);
    for ((name, small), (_, large)) in small.into_iter().zip(large) {
        report.note(format!("{name}, {} tickets", sizes[0]), small, "µs");
        report.note(format!("{name}, {} tickets", sizes[1]), large, "µs");
        report.at_most(format!("growth: {name}"), large / small, "×", 1.25);
    }
}

struct Side {
    desk: Desk,
    tickets: i64,
    times: Vec<(&'static str, Vec<Duration>)>,
    seed: mix::Seed,
}

impl Side {
    fn open(file: &Path, tickets: i64) -> Self {
        Self { desk: desk_on(file, &nowhere(), 0), tickets, times: Vec::new(), seed: mix::Seed(unique()) }
    }

    fn add(&mut self, name: &'static str, took: Duration, count: u32) {
        let one = took / count;
        match self.times.iter_mut().find(|(known, _)| *known == name) {
            Some((_, times)) => times.push(one),
            None => self.times.push((name, vec![one])),
        }
    }

    fn round(&mut self, runtime: &Runtime) {
        let mails = mix::mails(MAILS, self.seed.next());
        let plain: Vec<Vec<u8>> =
            mix::mails(MAILS * 2, self.seed.next()).into_iter().filter(|mail| mail.len() < 20_000).collect();
        let (shared, _keep) = limits::store(self.desk.config(), &self.desk.path("desk.db"));
        let uids = u32::try_from(self.seed.below(1 << 30)).unwrap() + 1_000_000_000;
        let filed = runtime.block_on(limits::commit(&shared, mails, uids));
        self.add("one mail of the mix", filed.committing, MAILS as u32);
        self.add("one mail of the mix, processor time", filed.committing_cpu, MAILS as u32);
        let count = u32::try_from(plain.len()).unwrap();
        let filed = runtime.block_on(limits::commit(&shared, plain, uids + 1_000_000));
        self.add("one mail without attachments", filed.committing, count);
        self.add("one mail without attachments, processor time", filed.committing_cpu, count);
        self.questions(runtime, &shared);
        // The last round's mail is out of the way of the next: the write-ahead log is as short as it was.
        drop(shared);
    }

    fn questions(&mut self, runtime: &Runtime, shared: &Shared) {
        let reader = Reader::open(&self.desk.path("desk.db")).unwrap();
        let mut all = reader.db().prepare("SELECT number FROM ticket WHERE id = ?1").unwrap();
        let numbers: Vec<i64> = (0..2000)
            .map(|_| 1 + i64::try_from(self.seed.below(self.tickets as u64)).unwrap())
            .map(|id| all.query_row([id], |r| r.get(0)).unwrap())
            .collect();
        drop(all);
        for name in ["status page's card, first time", "status page's card, again"] {
            let took = time(|| numbers.iter().for_each(|n| assert!(reader.card(*n).unwrap().is_some())));
            self.add(name, took, 2000);
        }
        for name in ["status page's conversation, first time", "status page's conversation, again"] {
            let look = |n: &i64| assert!(reader.conversation(*n).unwrap().is_some());
            let took = time(|| numbers[..500].iter().for_each(look));
            self.add(name, took, 500);
        }
        let took = time(|| {
            (0..20).for_each(|_| {
                drop(reader.tickets(&TicketFilter { limit: 50, ..TicketFilter::default() }).unwrap())
            })
        });
        self.add("ticket list", took, 20);
        let took = time(|| (0..5).for_each(|_| assert!(runtime.block_on(deadlines::step(shared)).is_ok())));
        self.add("deadlines", took, 5);
        let sql = "SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT 50";
        let took = time(|| {
            for n in 0..20 {
                let mut found = reader.db().prepare_cached(sql).unwrap();
                let rows: Vec<i64> = found
                    .query_map([format!("\"ref{}\"", n * 777)], |r| r.get(0))
                    .unwrap()
                    .map(Result::unwrap)
                    .collect();
                drop(rows);
            }
        });
        self.add("search for a rare word", took, 20);
    }

    fn medians(self) -> Vec<(&'static str, f64)> {
        self.times.into_iter().map(|(name, times)| (name, median(times).as_secs_f64() * 1e6)).collect()
    }
}

/// Commit only, on a new database.
pub fn commit(runtime: &Runtime, report: &mut Report, count: usize, rounds: usize) {
    let mut both = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let desk = Desk::new(&nowhere(), 0);
        let (shared, _keep) = limits::store(desk.config(), &desk.path("desk.db"));
        let filed = runtime.block_on(limits::commit(&shared, mix::mails(count, round as u64), 1));
        both[0].push(filed.reading);
        both[1].push(filed.committing_cpu);
        drop(shared);
    }
    let [read, commit] = both.map(|times| median(times).as_secs_f64() * 1e6 / count as f64);
    report.note(format!("read and pack one mail of {count}"), read, "µs");
    report.note(format!("decide, compose and commit one mail of {count}, processor time"), commit, "µs");
}

/// From start to ready on a large database.
pub fn start(report: &mut Report, folder: &Path, tickets: i64) {
    let desk = desk_on(&database(folder, tickets), &nowhere(), 0);
    let times = (0..5).map(|_| desk.run().ready()).collect();
    report.at_most(
        format!("start to ready, {tickets} tickets"),
        median(times).as_secs_f64() * 1000.0,
        "ms",
        100.0,
    );
}

/// Wall time of `work`: the system counts a thread's processor time too coarsely for it.
fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Differs from run to run: a mail seen before would be a duplicate.
pub fn unique() -> u64 {
    u64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros())
        .unwrap()
}
