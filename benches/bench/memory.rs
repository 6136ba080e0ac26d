//! Resident memory: at rest, and with one mail of 50 MB.

use crate::desk::{Desk, wait};
use crate::mix;
use crate::report::Report;
use crate::servers::Real;
use std::time::Duration;

const LARGE: usize = 50_000_000;

/// Idle, then one large mail taken and its notification sent.
pub fn memory(real: &mut Real, report: &mut Report) {
    let servers = real.mailbox(&[]);
    let desk = Desk::new(&servers, 0);
    let running = desk.run();
    running.ready();
    std::thread::sleep(Duration::from_secs(3));
    report.at_most("memory idle", running.memory_kib("VmRSS") as f64 / 1024.0, "MB", 20.0);
    real.deliver(&servers.user, 1, &mix::large(LARGE));
    let reader = desk.reader();
    let sql = "SELECT count(*) FROM outbox WHERE settled_at IS NOT NULL";
    wait(|| reader.db().query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap() >= 2, 20);
    let most = running.memory_kib("VmHWM") as f64 / 1024.0;
    let aim = 3.0 * LARGE as f64 / 1024.0 / 1024.0 + 20.0;
    report.at_most("memory with a mail of 50 MB", most, "MB", aim.round());
    std::thread::sleep(Duration::from_secs(3));
    report.note("memory some seconds after it", running.memory_kib("VmRSS") as f64 / 1024.0, "MB");
}
