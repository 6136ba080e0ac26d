//! Simulated weeks: one number drives senders, agents, the clock, faults of both servers, crashes and restarts, with the
//! real rules, store and loops over a mail server in memory. The same number gives the same weeks, to the byte.
//!
//! `POSTDESK_SEED=n cargo test simulat` replays one; `POSTDESK_SEEDS=n` runs so many new ones (`make simulate`).

mod check;
mod dump;
mod people;
mod play;
mod trouble;

use play::Play;
use postdesk::clock::Dice;
use std::time::{Duration, Instant};

/// Seeds that found something, and some that did not; each runs with every `cargo test`.
const FIXED: &[u64] = &[3, 84_572_121, 95_141_067, 107_925_484];

/// How many rounds of people, trouble and work.
const ROUNDS: u32 = 150;

/// New seeds are begun for so long in an ordinary `cargo test`.
const FRESH_TIME: Duration = Duration::from_secs(10);

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Plays one seed and gives the dump of all that is left. Prints the seed when that fails.
fn play(seed: u64) -> Vec<String> {
    struct Tell(u64);
    impl Drop for Tell {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the simulation failed: replay with POSTDESK_SEED={}", self.0);
            }
        }
    }
    let _tell = Tell(seed);
    println!("seed {seed} begins");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rounds = number("POSTDESK_ROUNDS").map_or(ROUNDS, |rounds| rounds as u32);
    runtime.block_on(async {
        let mut play = Play::begin(seed);
        play.weeks(rounds).await;
        let dump = dump::all(&play);
        println!("seed {seed}: {}", play.summary());
        dump
    })
}

fn same(seed: u64) {
    let (one, two) = (play(seed), play(seed));
    let differs = one.iter().zip(&two).position(|(a, b)| a != b);
    if let Some(at) = differs {
        let near = at.saturating_sub(6)..at + 6;
        panic!(
            "seed {seed} does not replay: {:#?}",
            one.iter().zip(&two).skip(near.start).take(12).collect::<Vec<_>>()
        );
    }
    assert_eq!(one.len(), two.len(), "seed {seed} does not replay");
}

#[test]
fn simulated_weeks_keep_every_promise() {
    if let Some(seed) = number("POSTDESK_SEED") {
        play(seed);
        return;
    }
    let many = number("POSTDESK_SEEDS");
    let begun = Instant::now();
    if many.is_none() {
        FIXED.iter().for_each(|seed| drop(play(*seed)));
    }
    for _ in 0..many.unwrap_or(2) {
        if many.is_some() || begun.elapsed() < FRESH_TIME {
            play(Dice::real().draw() % 1_000_000_000);
        }
    }
}

#[test]
fn a_seed_replays_to_the_byte() {
    same(number("POSTDESK_SEED").unwrap_or(11));
}
