//! The daemon dies at an edge: each command the server sees, each write and each sync of its files; and at random.

use super::trial::{Death, Figures, dies, undisturbed};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// System calls that put bytes into files or make them lasting.
const SYNCS: &str = "fsync,fdatasync";
const WRITES: &str = "pwrite64,write,ftruncate,unlink";

/// A sweep goes over its edges so many times, each time between those it has tried: cut off by time, it has still been
/// everywhere.
const PASSES: u64 = 8;

/// Figures of many trials.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sum {
    pub trials: u64,
    pub kills: u64,
    pub mails: u64,
    pub outgoing: u64,
    pub uncertain: u64,
    pub lost: u64,
    pub doubled: u64,
    pub loops: u64,
    /// Time was up before all was tried.
    pub cut: bool,
}

impl Sum {
    fn add(&mut self, figures: Figures) {
        self.trials += 1;
        self.kills += u64::from(figures.kills);
        self.mails += figures.mails as u64;
        self.outgoing += figures.outgoing as u64;
        self.uncertain += figures.uncertain as u64;
        self.lost += figures.lost as u64;
        self.doubled += figures.doubled as u64;
        self.loops += figures.loops as u64;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            trials: self.trials + other.trials,
            kills: self.kills + other.kills,
            mails: self.mails + other.mails,
            outgoing: self.outgoing + other.outgoing,
            uncertain: self.uncertain + other.uncertain,
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            loops: self.loops + other.loops,
            cut: self.cut || other.cut,
        }
    }

    /// Nothing was lost, doubled or answered without need.
    pub fn is_clean(&self) -> bool {
        (self.lost, self.doubled, self.loops) == (0, 0, 0)
    }
}

/// Which edge is next: every eighth from the first, then every eighth from the second, …
struct Plan {
    first: u64,
    stride: u64,
    pass: u64,
    step: u64,
    /// From here on nobody dies.
    over: u64,
}

impl Plan {
    fn next(&mut self) -> Option<u64> {
        while self.pass < PASSES {
            let n = self.first + self.stride * (self.pass + PASSES * self.step);
            if n < self.over {
                self.step += 1;
                return Some(n);
            }
            (self.pass, self.step) = (self.pass + 1, 0);
        }
        None
    }
}

/// Has `threads` threads do trials that `next` gives and hands the outcome back to, until it gives none or time is up.
fn trials(
    threads: u64,
    until: Option<Instant>,
    next: impl Fn() -> Option<(u64, Death)> + Sync,
    over: impl Fn(u64) + Sync,
) -> Sum {
    undisturbed();
    let work = || {
        let mut sum = Sum::default();
        while let Some((n, death)) = next() {
            if until.is_some_and(|until| Instant::now() >= until) {
                sum.cut = true;
                return sum;
            }
            match dies(death) {
                Some(figures) => sum.add(figures),
                None => over(n),
            }
        }
        sum
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold(Sum::default(), Sum::plus)
    })
}

/// Runs `death(n)` for n = first, first + stride, … on `threads` threads until a run completes without dying.
pub fn sweep(
    threads: u64,
    (first, stride): (u64, u64),
    until: Option<Instant>,
    death: impl Fn(u64) -> Death + Sync,
) -> Sum {
    let plan = Mutex::new(Plan { first, stride, pass: 0, step: 0, over: u64::MAX });
    let next = || plan.lock().unwrap().next().map(|n| (n, death(n)));
    let over = |n| {
        let mut plan = plan.lock().unwrap();
        plan.over = plan.over.min(n);
    };
    trials(threads, until, next, over)
}

/// `count` runs of `kills` random kills each, from `seed` on.
pub fn random(threads: u64, seed: u64, count: u64, kills: u32, until: Option<Instant>) -> Sum {
    let next = AtomicU64::new(0);
    let next = || {
        let n = next.fetch_add(1, Ordering::SeqCst);
        (n < count).then_some((n, Death::Random { seed: seed + n, kills }))
    };
    trials(threads, until, next, |_| {})
}

pub fn at_sync(nth: u64) -> Death {
    Death::Call(SYNCS, nth)
}

pub fn at_write(nth: u64) -> Death {
    Death::Call(WRITES, nth)
}

#[test]
fn an_undisturbed_run_does_all_there_is_to_do() {
    let (figures, outcome) = undisturbed();
    assert!(figures.mails >= 40 && figures.uncertain == 0, "{figures:?}");
    println!("{figures:?} {:#?} {:#?}", outcome.dispositions, outcome.outgoing);
}

#[test]
fn killed_at_an_edge_nothing_is_lost_or_doubled() {
    let sum = sweep(2, (3, 61), None, Death::Edge);
    assert!(sum.trials > 5 && sum.is_clean(), "{sum:?}");
}

#[test]
fn killed_at_a_sync_nothing_is_lost_or_doubled() {
    let sum = sweep(2, (2, 20), None, at_sync);
    assert!(sum.trials >= 2 && sum.is_clean(), "{sum:?}");
}

#[test]
fn killed_at_a_write_nothing_is_lost_or_doubled() {
    let sum = sweep(2, (5, 300), None, at_write);
    assert!(sum.trials >= 2 && sum.is_clean(), "{sum:?}");
}

#[test]
fn killed_at_random_nothing_is_lost_or_doubled() {
    let sum = random(2, 1, 2, 15, None);
    assert!(sum.kills >= 25 && sum.is_clean(), "{sum:?}");
}
