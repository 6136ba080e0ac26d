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
mod intake;
mod limits;
mod mix;
#[path = "../../tests/it/real/mod.rs"]
mod real;
mod report;
mod servers;

use intake::Rounds;
use report::Report;
use servers::Real;
use std::path::Path;

const HELP: &str = "cargo bench --bench bench -- [WHAT…]
  intake COUNT   intake over TLS, fetch only, commit only
  way COUNT      whole way, submit only";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut report = Report::default();
    let number = |at: usize, default: usize| words.get(at).map_or(default, |word| word.parse().unwrap());
    match words.first().copied() {
        Some("intake") => {
            intake::intake(&runtime, &mut Real::start(), &mut report, number(1, 1000), Rounds(number(2, 3)))
        }
        Some("way") => {
            intake::whole_way(&runtime, &mut Real::start(), &mut report, number(1, 1000), Rounds(number(2, 3)))
        }
        _ => return println!("{HELP}"),
    }
    report.finish(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench").as_path());
}
