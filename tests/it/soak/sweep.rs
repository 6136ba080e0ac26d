//! The daemon dies at an edge: each command the server sees, each write and each sync of its files; and at random.

use super::trial::{Death, Figures, dies, undisturbed};
use std::sync::atomic::{AtomicU64, Ordering};

/// System calls that put bytes into files or make them lasting.
const SYNCS: &str = "fsync,fdatasync";
const WRITES: &str = "pwrite64,write,ftruncate,unlink";

/// Figures of many trials.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sum {
    pub trials: u64,
    pub kills: u64,
    pub mails: u64,
    pub outgoing: u64,
    pub uncertain: u64,
}

impl Sum {
    fn add(&mut self, figures: Figures) {
        self.trials += 1;
        self.kills += u64::from(figures.kills);
        self.mails += figures.mails as u64;
        self.outgoing += figures.outgoing as u64;
        self.uncertain += figures.uncertain as u64;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            trials: self.trials + other.trials,
            kills: self.kills + other.kills,
            mails: self.mails + other.mails,
            outgoing: self.outgoing + other.outgoing,
            uncertain: self.uncertain + other.uncertain,
        }
    }
}

/// Runs `death(n)` for n = first, first + stride, … on `threads` threads until a run completes without dying.
pub fn sweep(threads: u64, first: u64, stride: u64, death: impl Fn(u64) -> Death + Sync) -> Sum {
    undisturbed();
    let next = AtomicU64::new(0);
    let over = AtomicU64::new(u64::MAX);
    let work = || {
        let mut sum = Sum::default();
        loop {
            let n = first + stride * next.fetch_add(1, Ordering::SeqCst);
            if n >= over.load(Ordering::SeqCst) {
                return sum;
            }
            match dies(death(n)) {
                Some(figures) => sum.add(figures),
                None => {
                    over.fetch_min(n, Ordering::SeqCst);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold(Sum::default(), Sum::plus)
    })
}

/// `trials` runs of `kills` random kills each, from `seed` on.
pub fn random(threads: u64, seed: u64, trials: u64, kills: u32) -> Sum {
    undisturbed();
    let next = AtomicU64::new(0);
    let work = || {
        let mut sum = Sum::default();
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            if n >= trials {
                return sum;
            }
            if let Some(figures) = dies(Death::Random { seed: seed + n, kills }) {
                sum.add(figures);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold(Sum::default(), Sum::plus)
    })
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
    let sum = sweep(2, 3, 61, Death::Edge);
    assert!(sum.trials > 5, "{sum:?}");
}

#[test]
fn killed_at_a_sync_nothing_is_lost_or_doubled() {
    let sum = sweep(2, 2, 20, at_sync);
    assert!(sum.trials >= 2, "{sum:?}");
}

#[test]
fn killed_at_a_write_nothing_is_lost_or_doubled() {
    let sum = sweep(2, 5, 300, at_write);
    assert!(sum.trials >= 2, "{sum:?}");
}

#[test]
fn killed_at_random_nothing_is_lost_or_doubled() {
    let sum = random(2, 1, 2, 15);
    assert!(sum.kills >= 25, "{sum:?}");
}

#[test]
#[ignore = "minutes: make soak"]
fn whole_sweep() {
    for (what, sum) in [
        ("edges", sweep(3, 1, 1, Death::Edge)),
        ("syncs", sweep(3, 1, 1, at_sync)),
        ("writes", sweep(3, 1, 40, at_write)),
        ("random", random(3, 100, 40, 25)),
    ] {
        println!("{what}: {sum:?}");
    }
}
