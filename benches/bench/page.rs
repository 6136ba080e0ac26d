//! The status page under load at a million tickets, at rest and while mail comes in. The load comes from `wrk`
//! (Debian's package), on the same machine.

use crate::desk::Desk;
use crate::growth::{database, desk_on, nowhere};
use crate::mix;
use crate::real::free_port;
use crate::report::Report;
use crate::servers::Real;
use postdesk::clock::Timestamp;
use postdesk::store::keys;
use postdesk::store::read::Reader;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Mails that come in meanwhile.
const MAILS: usize = 6000;

/// Tickets that are looked at, in turn.
const LOOKED_AT: usize = 3000;

/// Tickets of the small database that a large one is compared with.
const FEW: i64 = 1000;

/// Requests per second and the slowest hundredth, and what a request costs beside one to a small database.
pub fn page(real: &mut Real, report: &mut Report, folder: &Path, tickets: i64) {
    let mut servers = real.mailbox(&mix::mails(MAILS, crate::growth::unique()));
    servers.smtp = 1;
    let desk = desk_on(&database(folder, tickets), &servers, free_port());
    let [cards, _] = scripts(&desk, tickets);
    let last =
        || -> i64 { desk.reader().db().query_row("SELECT max(id) FROM mail", [], |r| r.get(0)).unwrap() };
    let before = last();
    let running = desk.run();
    running.ready();
    let busy = load(desk.web, &cards, 4);
    let taken = last() - before;
    desk.wait_taken(MAILS);
    drop(running);
    report.at_least(format!("status page, {tickets} tickets, mail coming in"), busy.0, "requests/s", 8000.0);
    report.at_most(format!("status page, {tickets} tickets, mail coming in, p99"), busy.1, "ms", 10.0);
    report.note("mails taken in those four seconds and the start", taken as f64, "mails");

    let [small, large] = [FEW, tickets].map(|tickets| at_rest(&database(folder, tickets), tickets));
    report.at_least(format!("status page, {tickets} tickets, at rest"), large[0].0, "requests/s", 8000.0);
    report.at_most(format!("status page, {tickets} tickets, at rest, p99"), large[0].1, "ms", 10.0);
    report.note(format!("conversation, {tickets} tickets, at rest"), large[1].0, "requests/s");
    for (name, small, large) in [("status page", small[0], large[0]), ("conversation", small[1], large[1])] {
        report.at_most(format!("growth: a request of the {name}"), small.0 / large.0, "×", 1.25);
    }
}

/// The card and the conversation, when nothing else is done. What is looked at has been looked at before: the disk's
/// part stands with the questions of `growth`.
fn at_rest(file: &Path, tickets: i64) -> [(f64, f64); 2] {
    let desk = desk_on(file, &nowhere(), free_port());
    let scripts = scripts(&desk, tickets);
    let running = desk.run();
    running.ready();
    scripts.map(|script| {
        load(desk.web, &script, 1);
        load(desk.web, &script, 4)
    })
}

/// For `wrk`: the cards of some tickets, and their conversations.
fn scripts(desk: &Desk, tickets: i64) -> [PathBuf; 2] {
    let reader = Reader::open(&desk.path("desk.db")).unwrap();
    let keys = keys::load(reader.db(), Timestamp(0), 0).unwrap();
    let mut all = reader.db().prepare("SELECT number FROM ticket WHERE id = ?1").unwrap();
    let mut seed = mix::Seed(3);
    let numbers: Vec<i64> = (0..LOOKED_AT)
        .map(|_| all.query_row([1 + seed.below(tickets as u64) as i64], |r| r.get(0)).unwrap())
        .collect();
    let cards = numbers.iter().map(|number| format!("'/t/{number}'")).collect();
    let forever = Timestamp(1 << 40);
    let link = |number: &i64| format!("'/t/{number}/{}'", keys.link(*number, forever).unwrap());
    let conversations = numbers.iter().map(link).collect();
    [("cards.lua", cards), ("conversations.lua", conversations)].map(|(name, paths): (_, Vec<String>)| {
        let script = desk.path(name);
        std::fs::write(&script, LUA.replace("PATHS", &paths.join(","))).unwrap();
        script
    })
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
local paths = {PATHS}
local at = 0
request = function()
  at = at % #paths + 1
  return wrk.format('GET', paths[at])
end
";
