//! The whole soak, bounded in time, and its one table.
//!
//! `POSTDESK_SOAK_SECS` says how long it may take. Each part gets its share of what is left; what a part could not try
//! for want of time is said beside its figures.

use super::real_kills::{self, Left};
use super::sweep::{Sum, at_sync, at_write, random, sweep};
use super::trial::Death;
use crate::stories::storms;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that all parts may take together, but for the last trial of each.
const TIME_MAX: Duration = Duration::from_secs(560);

/// Forged senders of the storm within one hour; the short form has fewer.
const FORGED_SENDERS: usize = 10_000;

/// A line of the table.
#[derive(Debug, Default)]
struct Line {
    tried: u64,
    mails: u64,
    lost: u64,
    doubled: u64,
    loops: u64,
    note: String,
}

type Part = (&'static str, u32, fn(Instant) -> Line);

/// What is run, each with its share of the time.
const PARTS: [Part; 7] = [
    ("10 000 forged senders in an hour", 10, |_| forged()),
    ("kill beside Dovecot and Postfix", 22, |until| beside_real(real_kills::kills(7, 100, Some(until)))),
    ("kill at each fsync", 12, |until| swept(sweep(3, (1, 1), Some(until), at_sync))),
    ("kill at every 40th file write", 10, |until| swept(sweep(3, (1, 40), Some(until), at_write))),
    ("kills at random, 25 a trial", 16, |until| swept(random(3, 100, 150, 25, Some(until)))),
    ("simulated weeks", 10, simulated),
    ("kill at each IMAP or SMTP command", 40, |until| swept(sweep(3, (1, 1), Some(until), Death::Edge))),
];

fn swept(sum: Sum) -> Line {
    let cut = if sum.cut { ", cut short by time" } else { "" };
    let note = format!("{} trials, {} outgoing, {} uncertain{cut}", sum.trials, sum.outgoing, sum.uncertain);
    let Sum { kills: tried, mails, lost, doubled, loops, .. } = sum;
    Line { tried, mails, lost, doubled, loops, note }
}

fn beside_real(left: Left) -> Line {
    Line {
        tried: left.kills as u64,
        mails: left.mails as u64,
        lost: left.lost as u64,
        doubled: left.doubled as u64,
        loops: left.loops as u64,
        note: format!("{} outgoing, {} uncertain", left.outgoing, left.uncertain),
    }
}

fn forged() -> Line {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let storm = runtime.block_on(storms::flood(FORGED_SENDERS));
    Line {
        tried: FORGED_SENDERS as u64,
        mails: storm.mails as u64,
        lost: storm.lost as u64,
        doubled: storm.doubled as u64,
        loops: storm.loops as u64,
        note: "40 answered, 40 told, 40 bounced back".to_owned(),
    }
}

/// New seeds of the simulation in a process of its own, for a step that hangs must not hang the soak. It checks for
/// itself that nothing is lost, doubled or looping, and ends with an error otherwise.
fn simulated(until: Instant) -> Line {
    let log = tempfile::NamedTempFile::new().unwrap();
    let file = log.reopen().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["simulated_weeks_keep_every_promise", "--nocapture"])
        .env("POSTDESK_SEEDS", "1000")
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let mut ended = None;
    while ended.is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        ended = child.try_wait().unwrap();
    }
    let _ = child.kill();
    let _ = child.wait();
    let said = std::fs::read_to_string(log.path()).unwrap();
    assert!(ended.is_none_or(|ended| ended.success()), "{said}");
    // `seed 3: 61 days, 210 mails in, 400 out, 40 faults, 2 crashes, 3 restarts`
    let weeks: Vec<&str> = said.lines().filter(|line| line.contains(" mails in")).collect();
    let number = |word: &str| weeks.iter().map(|line| before(line, word)).sum::<u64>();
    assert!(!weeks.is_empty(), "no seed was played to its end: {said}");
    let note = format!("{} seeds, {} days, {} crashes", weeks.len(), number("days"), number("crashes"));
    Line { tried: number("faults") + number("crashes"), mails: number("mails"), note, ..Line::default() }
}

/// The number that stands before `word`.
fn before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|found| *found == word).unwrap_or(0);
    at.checked_sub(1).and_then(|at| words[at].parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "about ten minutes: make soak"]
fn whole_soak() {
    let secs = std::env::var("POSTDESK_SOAK_SECS").ok().map(|secs| secs.parse().unwrap());
    let end = Instant::now() + secs.map_or(TIME_MAX, Duration::from_secs);
    let mut shares: u32 = PARTS.iter().map(|(_, share, _)| share).sum();
    let mut table = "| kind of fault | faults tried | mails in | lost | doubled | loops | |\n| --- | --- | --- | --- | --- | --- | --- |\n".to_owned();
    let (mut wrong, mut broken) = (0, Vec::new());
    for (kind, share, part) in PARTS {
        let begun = Instant::now();
        let until = begun + end.saturating_duration_since(begun) * share / shares;
        shares -= share;
        let Ok(line) = catch_unwind(AssertUnwindSafe(|| part(until))) else {
            table += &format!("| {kind} | | | | | | failed: see above |\n");
            broken.push(kind);
            continue;
        };
        let Line { tried, mails, lost, doubled, loops, note } = line;
        wrong += lost + doubled + loops;
        let took = begun.elapsed().as_secs();
        table +=
            &format!("| {kind} | {tried} | {mails} | {lost} | {doubled} | {loops} | {note}; {took} s |\n");
        eprintln!("{kind}: done after {took} s");
    }
    println!("\n{table}");
    assert!(wrong == 0 && broken.is_empty(), "{wrong} lost, doubled or looping; failed: {broken:?}");
}
