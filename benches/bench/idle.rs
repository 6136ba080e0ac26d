//! One mail at a time while the desk waits by IDLE: from the server's announcement to the acknowledgement accepted.
//! The server is the in-process one, whose announcement is the moment of delivery; then Dovecot, with its own wait.

use crate::desk::{Desk, Servers, wait};
use crate::mix;
use crate::report::Report;
use crate::servers::Real;
use postdesk::demo::server::{MailServer, ServerOptions};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const DESK: &str = "soporte@desk.example";

/// Latency with the in-process server, then with Dovecot and Postfix.
pub fn latency(runtime: &Runtime, real: &mut Real, report: &mut Report, count: usize) {
    let mut times = in_process(runtime, count);
    times.sort_unstable();
    let millis = |at: usize| times[at].as_secs_f64() * 1000.0;
    report.at_most(
        "one mail by IDLE, announcement to acknowledgement accepted, median",
        millis(count / 2),
        "ms",
        25.0,
    );
    report.at_most(
        "one mail by IDLE, announcement to acknowledgement accepted, p99",
        millis(count * 99 / 100),
        "ms",
        100.0,
    );
    let mut times = with_dovecot(real, 15);
    times.sort_unstable();
    let name = "one mail by IDLE with Dovecot and Postfix, delivery to acknowledgement accepted (0.5 s are Dovecot's), median";
    report.note(name, times[times.len() / 2].as_secs_f64() * 1000.0, "ms");
}

fn in_process(runtime: &Runtime, count: usize) -> Vec<Duration> {
    let server = runtime.block_on(MailServer::start(ServerOptions::default())).unwrap();
    server.add_account(DESK, "secret");
    let desk = Desk::new(
        &Servers {
            imap: server.imap_port(),
            imap_tls: "none",
            user: DESK.to_owned(),
            smtp: server.smtp_port(),
            ca_file: None,
        },
        0,
    );
    let _running = desk.run();
    wait(|| server.commands().iter().any(|command| command.contains("IDLE")), 5);
    let mut seed = mix::Seed(5);
    let mut times = Vec::new();
    for n in 0..count {
        std::thread::sleep(Duration::from_millis(15 + seed.below(20)));
        let before = server.submitted().len();
        let mail = plain(n, &mut seed);
        let start = Instant::now();
        server.deliver(DESK, mail);
        let to = format!("uno{n}@example.org");
        loop {
            // The acknowledgement, not the agent's notification.
            let all = server.submitted();
            if all[before.min(all.len())..].iter().any(|mail| format!("{mail:?}").contains(&to)) {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no acknowledgement");
            std::thread::sleep(Duration::from_micros(200));
        }
        times.push(start.elapsed());
    }
    drop(_running);
    desk.verify();
    times
}

fn with_dovecot(real: &mut Real, count: usize) -> Vec<Duration> {
    let servers = real.mailbox(&[]);
    let desk = Desk::new(&servers, 0);
    let running = desk.run();
    running.ready();
    let reader = desk.reader();
    let mut seed = mix::Seed(6);
    let sent = "SELECT count(*) FROM outbox WHERE state = 'sent' AND template = 'acknowledgement'";
    std::thread::sleep(Duration::from_millis(1500));
    (0..count)
        .map(|n| {
            std::thread::sleep(Duration::from_millis(700));
            let mail = plain(n, &mut seed);
            let start = Instant::now();
            real.deliver(&servers.user, n, mail.as_bytes());
            wait(|| reader.db().query_row(sent, [], |r| r.get::<_, i64>(0)).unwrap() > n as i64, 1);
            start.elapsed()
        })
        .collect()
}

fn plain(n: usize, seed: &mut mix::Seed) -> String {
    format!(
        "From: Uno <uno{n}@example.org>\r\nTo: <{DESK}>\r\nSubject: consulta {n}\r\nMessage-ID: <uno{n}@example.org>\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
        mix::words(seed, 80).replace('\n', "\r\n")
    )
}
