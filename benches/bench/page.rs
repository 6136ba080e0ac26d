//! The status page under load at a million tickets, at rest and while mail comes in. The load comes from `wrk`
//! (Debian's package), on the same machine.

use crate::growth::{database, desk_on};
use crate::mix;
use crate::real::free_port;
use crate::report::Report;
use crate::servers::Real;
use std::path::Path;
use std::process::Command;

/// Mails that come in meanwhile.
const MAILS: usize = 6000;

/// Requests per second and the slowest hundredth.
pub fn page(real: &mut Real, report: &mut Report, folder: &Path, tickets: i64) {
    let file = database(folder, tickets);
    let mut servers = real.mailbox(&mix::mails(MAILS, crate::growth::unique()));
    servers.smtp = 1;
    let desk = desk_on(&file, &servers, free_port());
    let numbers = numbers(&desk, tickets);
    let script = desk.path("load.lua");
    let list = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    std::fs::write(&script, LUA.replace("NUMBERS", &list)).unwrap();
    let last =
        || -> i64 { desk.reader().db().query_row("SELECT max(id) FROM mail", [], |r| r.get(0)).unwrap() };
    let before = last();
    let running = desk.run();
    running.ready();
    let busy = load(desk.web, &script, 4);
    let taken = last() - before;
    desk.wait_taken(MAILS);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let quiet = load(desk.web, &script, 4);
    report.at_least(format!("status page, {tickets} tickets, mail coming in"), busy.0, "requests/s", 8000.0);
    report.at_most(format!("status page, {tickets} tickets, mail coming in, p99"), busy.1, "ms", 10.0);
    report.note("mails taken in those four seconds and the start", taken as f64, "mails");
    report.at_least(format!("status page, {tickets} tickets, at rest"), quiet.0, "requests/s", 8000.0);
    report.at_most(format!("status page, {tickets} tickets, at rest, p99"), quiet.1, "ms", 10.0);
}

fn numbers(desk: &crate::desk::Desk, tickets: i64) -> Vec<i64> {
    let reader = postdesk::store::read::Reader::open(&desk.path("desk.db")).unwrap();
    let mut all = reader.db().prepare("SELECT number FROM ticket WHERE id = ?1").unwrap();
    let mut seed = mix::Seed(3);
    (0..3000).map(|_| all.query_row([1 + seed.below(tickets as u64) as i64], |r| r.get(0)).unwrap()).collect()
}

/// Requests per second and p99 in milliseconds.
fn load(port: u16, script: &Path, seconds: u32) -> (f64, f64) {
    let url = format!("http://127.0.0.1:{port}/");
    let output = Command::new("wrk")
        .args(["-t1", "-c32", &format!("-d{seconds}s"), "--latency", "-s"])
        .arg(script)
        .arg(url)
        .output()
        .expect("wrk is missing: apt-get install wrk");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{text}");
    let field =
        |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap().trim().to_owned();
    (field("Requests/sec:").parse().unwrap(), millis(&field("99%")))
}

fn millis(text: &str) -> f64 {
    match text {
        _ if text.ends_with("us") => text.trim_end_matches("us").parse::<f64>().unwrap() / 1000.0,
        _ if text.ends_with("ms") => text.trim_end_matches("ms").parse().unwrap(),
        _ => text.trim_end_matches('s').parse::<f64>().unwrap() * 1000.0,
    }
}

const LUA: &str = "
local numbers = {NUMBERS}
local at = 0
request = function()
  at = at % #numbers + 1
  return wrk.format('GET', '/t/' .. numbers[at])
end
";
