//! The benchmark: whole processes, real servers, each figure beside its limit measured in the same run.
//!
//! `cargo bench --bench bench -- [WHAT…]`, where WHAT is among those listed by `help`; without any, all of it.
#![allow(
    missing_docs,
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods
)]

mod desk;
mod generate;
mod growth;
mod hostile;
#[path = "../../tests/it/hostile_mails.rs"]
mod hostile_mails;
mod idle;
mod instructions;
mod intake;
mod memory;
mod limits;
mod mix;
mod page;
#[path = "../../tests/it/real/mod.rs"]
mod real;
mod report;
mod servers;

use intake::Rounds;
use report::Report;
use servers::Real;
use std::path::Path;
use std::process::Command;

const HELP: &str = "cargo bench --bench bench -- [WHAT…]
  intake COUNT   intake over TLS, fetch only, commit only
  way COUNT      whole way, submit only
  commit COUNT   commit only, without any server: for profilers
  idle COUNT     one mail at a time by IDLE
  growth TICKETS cost per mail and question beside that at 1 000 tickets
  start TICKETS  from start to ready
  page TICKETS   the status page under load, with wrk
  hostile        time and peak memory of each hostile mail, in a process of its own
  binary         size of the program
  instructions   counted by callgrind, where valgrind is installed
  build          a cold build of the program, beside this one
  all            all of it
  memory         resident memory: idle, and with one mail of 50 MB
  generate --tickets N --seed S FILE";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut report = Report::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    let number = |at: usize, default: usize| words.get(at).map_or(default, |word| word.parse().unwrap());
    match words.first().copied() {
        Some("intake") => {
            intake::intake(&runtime, &mut Real::start(), &mut report, number(1, 1000), Rounds(number(2, 3)))
        }
        Some("way") => intake::whole_way(
            &runtime,
            &mut Real::start(),
            &mut report,
            number(1, 1000),
            Rounds(number(2, 3)),
        ),
        Some("commit") => growth::commit(&runtime, &mut report, number(1, 1000), number(2, 3)),
        Some("idle") => idle::latency(&runtime, &mut Real::start(), &mut report, number(1, 200)),
        Some("growth") => {
            growth::growth(&runtime, &mut report, &folder, [1000, number(1, 1_000_000) as i64], number(2, 5))
        }
        Some("start") => growth::start(&mut report, &folder, number(1, 1_000_000) as i64),
        Some("page") => page::page(&mut Real::start(), &mut report, &folder, number(1, 1_000_000) as i64),
        Some("binary") => binary(&mut report),
        Some("build") => build(&mut report),
        Some("instructions") => instructions::instructions(&mut report),
        Some("mix") => return drop(mix::mails(number(1, 1000), 0)),
        Some("all") => all(&runtime, &mut report, &folder),
        Some("hostile") => hostile::hostile(&mut report),
        Some("hostile-one") => return hostile::one(&runtime, Path::new(words[1])),
        Some("memory") => memory::memory(&mut Real::start(), &mut report),
        Some("generate") => {
            let option = |name: &str| {
                words.iter().position(|word| *word == name).map(|at| words[at + 1].parse().unwrap())
            };
            let file = Path::new(words.last().unwrap());
            return generate::generate(
                file,
                option("--tickets").unwrap_or(1000),
                option("--seed").unwrap_or(1) as u64,
            );
        }
        _ => return println!("{HELP}"),
    }
    report.finish(&folder);
}

fn all(runtime: &tokio::runtime::Runtime, report: &mut Report, folder: &Path) {
    const MANY: i64 = 1_000_000;
    let mut real = Real::start();
    for (count, rounds) in [(200, 5), (1000, 3), (10_000, 1)] {
        intake::intake(runtime, &mut real, report, count, Rounds(rounds));
    }
    intake::whole_way(runtime, &mut real, report, 1000, Rounds(3));
    idle::latency(runtime, &mut real, report, 200);
    memory::memory(&mut real, report);
    hostile::hostile(report);
    growth::growth(runtime, report, folder, [1000, MANY], 5);
    page::page(&mut real, report, folder, MANY);
    growth::start(report, folder, MANY);
    instructions::instructions(report);
    binary(report);
}

/// As somebody builds it who has the dependencies' sources and nothing else.
fn build(report: &mut Report) {
    let target = tempfile::Builder::new().prefix("postdesk-bench-").tempdir().unwrap();
    let start = std::time::Instant::now();
    let done = Command::new("cargo")
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(target.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(done.success());
    report.at_most("cold release build", start.elapsed().as_secs_f64() / 60.0, "min", 6.0);
}

fn binary(report: &mut Report) {
    let size = std::fs::metadata(desk::PROGRAM).unwrap().len() as f64 / 1e6;
    report.at_most("program", size, "MB", 20.0);
}
