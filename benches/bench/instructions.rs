//! Instructions counted by callgrind: they stay the same whatever else the machine does. Counts what runs in the program;
//! the system's share, and that valgrind's processor has no instructions for SHA-256, are not seen.

use crate::report::Report;
use std::process::Command;

/// Two sizes: the difference leaves out what is done once.
const SIZES: [usize; 2] = [200, 600];

/// Instructions to read, pack, decide about, compose for and commit one mail of the mix.
pub fn instructions(report: &mut Report) {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return eprintln!("instructions: valgrind is not installed");
    }
    let [mails, commit] = ["mix", "commit"].map(|what| {
        let [small, large] = SIZES.map(|count| counted(what, count));
        (large - small) / (SIZES[1] - SIZES[0]) as f64
    });
    report.note("instructions to take one mail, without servers", (commit - mails) / 1e6, "million");
}

fn counted(what: &str, count: usize) -> f64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args([what, &count.to_string(), "1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let number =
        said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, number)| number.trim());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}
