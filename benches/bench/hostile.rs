//! What each hostile mail costs: time and peak memory, each in a process of its own, through reading, decision, answers and
//! commit. The same mails as the tests'.

use crate::hostile_mails as mails;
use crate::limits;
use crate::report::Report;
use postdesk::config;
use postdesk::loops::filing;
use postdesk::store::commit::Origin;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// No mail may take longer, nor hold more than so many times its size beside this much.
const TIME_MAX: Duration = Duration::from_secs(5);
const TIMES_MAX: f64 = 3.0;
const BESIDE_MAX_MIB: f64 = 40.0;

/// One process for each mail; prints a table for `docs/reliability.md`.
pub fn hostile(report: &mut Report) {
    let dir = tempfile::TempDir::new().unwrap();
    let plain = mails::mail("an ordinary mail", mails::TEXT, mails::HELLO);
    let kinds =
        [vec![plain], mails::deep().into(), mails::structures().into(), mails::long(), mails::large()];
    let small = [mails::files(), mails::active()].concat();
    println!("| mail | size | time | peak memory |\n| --- | --- | --- | --- |");
    let mut worst = (Duration::ZERO, 0.0_f64);
    for (name, raw) in kinds.concat() {
        let (took, peak) = measured(dir.path(), &raw);
        println!("| {name} | {} | {} ms | {peak:.1} MiB |", sized(raw.len()), took.as_millis());
        holds(&name, raw.len(), took, peak);
        worst = (worst.0.max(took), worst.1.max(peak));
    }
    let (mut slowest, mut largest) = (Duration::ZERO, 0.0_f64);
    for (name, raw) in &small {
        let (took, peak) = measured(dir.path(), raw);
        holds(name, raw.len(), took, peak);
        (slowest, largest) = (slowest.max(took), largest.max(peak));
    }
    let count = small.len();
    println!(
        "| {count} with odd files, names, charsets, scripts: the worst | | {} ms | {largest:.1} MiB |",
        slowest.as_millis()
    );
    report.at_most("slowest hostile mail", worst.0.as_secs_f64(), "s", TIME_MAX.as_secs_f64());
    report.note("largest peak of a hostile mail", worst.1, "MiB");
}

fn sized(bytes: usize) -> String {
    if bytes < 100_000 {
        format!("{:.1} kB", bytes as f64 / 1e3)
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}

fn holds(name: &str, size: usize, took: Duration, peak: f64) {
    let most = TIMES_MAX * size as f64 / 1_048_576.0 + BESIDE_MAX_MIB;
    assert!(took <= TIME_MAX && peak <= most, "{name}: {took:?}, {peak:.1} MiB of {most:.1}");
}

/// Time and peak of one mail, as its process tells them.
fn measured(dir: &Path, raw: &[u8]) -> (Duration, f64) {
    let file = dir.join("mail.eml");
    std::fs::write(&file, raw).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["hostile-one", file.to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut words = said.split_whitespace();
    let micros: u64 = words.next().unwrap().parse().unwrap();
    let kib: f64 = words.next().unwrap().parse().unwrap();
    (Duration::from_micros(micros), kib / 1024.0)
}

/// The process of one mail: microseconds, and the most KiB that were resident meanwhile.
pub fn one(runtime: &tokio::runtime::Runtime, file: &Path) {
    let raw = std::fs::read(file).unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let text = format!(
        "[desk]\nname = \"Desk\"\ndomain = \"desk.example\"\ndatabase = \"{}\"\n[smtp]\nhost = \"127.0.0.1\"\ntls = \"none\"\n[[agent]]\naddress = \"ana@desk.example\"\n[[queue]]\nname = \"soporte\"\naddress = \"{}\"\n",
        dir.path().join("desk.db").display(),
        mails::DESK
    );
    let config = config::parse(&text, &dir.path().join("config.toml")).unwrap();
    let (shared, _keep) = limits::store(config, &dir.path().join("desk.db"));
    let origin = Origin { mailbox: "deliver".into(), uidvalidity: 0, uid: 0, queue: "soporte".into() };
    // Linux: the peak is counted anew from here.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let start = Instant::now();
    let outcome = runtime.block_on(async { shared.file(filing::receive(origin, None, raw)).await }).unwrap();
    let took = start.elapsed();
    assert_eq!(outcome.disposition.word(), "opened", "{}", outcome.reason);
    println!("{} {}", took.as_micros(), peak_kib());
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
