//! Many mails at once: intake alone (the relay is away), and the whole way to the relay's word.

use crate::desk::{Desk, wait};
use crate::report::Report;
use crate::servers::Real;
use crate::{limits, mix};
use postdesk::store::outbox;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A port nobody listens on: outgoing mail waits.
const NOBODY: u16 = 1;

/// Times a run is repeated; the median counts.
pub struct Rounds(pub usize);

/// Intake over TLS, beside fetch-only and commit-only of the same mails.
pub fn intake(runtime: &Runtime, real: &mut Real, report: &mut Report, count: usize, rounds: Rounds) {
    let (mut whole, mut fetches, mut moves, mut commits, mut reads, mut cpus, mut memory) =
        (vec![], vec![], vec![], vec![], vec![], vec![], vec![]);
    for round in 0..rounds.0 {
        let mails = mix::mails(count, 1 + round as u64);
        let mut servers = real.mailbox(&mails);
        servers.smtp = NOBODY;
        let desk = Desk::new(&servers, 0);
        let config = desk.config();
        let server = config.mailboxes[0].server.clone();
        runtime.block_on(limits::warm(&server));
        fetches.push(runtime.block_on(limits::fetch(&server, config.limits.batch_max, count)));
        let spare = real.mailbox(&mails);
        let spare_desk = Desk::new(&spare, 0);
        let spare_server = spare_desk.config().mailboxes[0].server.clone();
        runtime.block_on(limits::warm(&spare_server));
        moves.push(runtime.block_on(limits::fetch_and_move(&spare_server, config.limits.batch_max, count)));
        real.remove(&spare.user);
        let running = desk.run();
        desk.wait_taken(count);
        whole.push(running.started.elapsed());
        cpus.push(running.cpu());
        memory.push(running.memory_kib("VmHWM"));
        drop(running);
        desk.verify();
        let aside = desk.path("commit.db");
        let (shared, _keep) = limits::store(config, &aside);
        let filed = runtime.block_on(limits::commit(&shared, mails, 1));
        reads.push(filed.reading);
        commits.push(filed.committing);
        real.remove(&servers.user);
    }
    let rate = |times: Vec<Duration>| per_second(count, median(times));
    let (value, fetch) = (rate(whole), rate(fetches));
    report.at_least(format!("intake over TLS, {count} mails"), value, "mails/s", 1500.0);
    report.share(format!("intake beside fetch only, {count} mails"), value, fetch, "mails/s", 0.4);
    let moved = rate(moves);
    report.beside(format!("intake beside fetch and move only, {count} mails"), value, moved, "mails/s");
    report.note(format!("commit only, {count} mails"), rate(commits), "mails/s");
    report.note(format!("read and pack only, one thread, {count} mails"), rate(reads), "mails/s");
    let cpu = median(cpus).as_secs_f64() * 1000.0 / count as f64;
    report.note(format!("processor time of the daemon, {count} mails"), cpu, "ms/mail");
    memory.sort_unstable();
    let most = memory[memory.len() / 2] as f64 / 1024.0;
    report.at_most(format!("memory while taking {count} mails"), most, "MB", 64.0);
}

/// From the mailbox to the relay's word for every outgoing mail, beside a bare submit loop of the same bytes.
pub fn whole_way(runtime: &Runtime, real: &mut Real, report: &mut Report, count: usize, rounds: Rounds) {
    let (mut ways, mut bare, mut cpus, mut mails_out) = (vec![], vec![], vec![], 0);
    for round in 0..rounds.0 {
        let mails = mix::mails(count, 100 + round as u64);
        let servers = real.mailbox(&mails);
        let desk = Desk::new(&servers, 0);
        let config = desk.config();
        runtime.block_on(limits::warm(&config.mailboxes[0].server));
        let running = desk.run();
        desk.wait_taken(count);
        let reader = desk.reader();
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE state IN ('queued', 'deferred')) AND NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'sending')";
        wait(|| reader.db().query_row(sql, [], |r| r.get(0)).unwrap(), 5);
        ways.push(running.started.elapsed());
        cpus.push(running.cpu());
        drop(running);
        desk.verify();
        let sql = "SELECT id FROM outbox WHERE state = 'sent' ORDER BY id";
        let mut all = reader.db().prepare(sql).unwrap();
        let ids: Vec<i64> = all.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
        let out: Vec<_> = ids
            .into_iter()
            .map(|id| {
                (outbox::read(reader.db(), id).unwrap().unwrap(), outbox::bytes(reader.db(), id).unwrap())
            })
            .map(|(row, bytes)| (row.envelope_from, row.recipient, bytes))
            .collect();
        mails_out = out.len();
        bare.push(runtime.block_on(limits::submit(&config, out, config.limits.smtp_connections)));
        real.remove(&servers.user);
    }
    let (way, bare) = (per_second(mails_out, median(ways)), per_second(mails_out, median(bare)));
    let name = format!("whole way, {count} mails in, {mails_out} out, four connections");
    report.share(name, way, bare, "mails out/s", 0.85);
    let cpu = median(cpus).as_secs_f64() * 1000.0 / count as f64;
    report.note(format!("processor time of the daemon, whole way, {count} mails"), cpu, "ms/mail in");
}

/// The one in the middle.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A rate.
pub fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
