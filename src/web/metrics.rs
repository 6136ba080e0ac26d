//! `/metrics` in the text format that Prometheus and its kin read: numbers, names of mailboxes, and nothing else. On a
//! listener of its own, so that no reverse proxy in front of the status page hands it to the world.

use crate::clock::Timestamp;
use crate::loops::Shared;
use crate::store::StoreError;
use crate::store::gauges::{self, Gauges};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::fmt::Write;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the page needs. One question at a time: whoever asks too often waits, and takes no connection from the loops.
#[derive(Clone)]
struct Watched {
    shared: Shared,
    one: Arc<Semaphore>,
}

/// The one page, and nothing behind any other address.
pub fn metrics_router(shared: Shared) -> Router {
    let watched = Watched { shared, one: Arc::new(Semaphore::new(1)) };
    Router::new().route("/metrics", get(metrics)).with_state(watched)
}

async fn metrics(State(watched): State<Watched>) -> Response {
    let _alone = watched.one.acquire().await;
    let now = watched.shared.clock.now();
    let read = watched.shared.readers.ask(move |reader| gauges::read(reader.db(), now)).await;
    if let Err(error) = &read {
        tracing::error!("/metrics could not read: {error}");
    }
    let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, text(&watched.shared, &read)).into_response()
}

/// One family of numbers.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) -> &mut Self {
        self.line(&format!("# HELP postdesk_{name} {help}"));
        self.line(&format!("# TYPE postdesk_{name} {kind}"))
    }

    fn line(&mut self, line: &str) -> &mut Self {
        self.0.push_str(line);
        self.0.push('\n');
        self
    }

    fn of(&mut self, name: &str, label: (&str, &str), value: impl std::fmt::Display) -> &mut Self {
        let (label, word) = (label.0, escaped(label.1));
        // Writing into a text cannot fail.
        let _ = writeln!(self.0, "postdesk_{name}{{{label}=\"{word}\"}} {value}");
        self
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) -> &mut Self {
        self.family(name, kind, help).line(&format!("postdesk_{name} {value}"))
    }
}

fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn text(shared: &Shared, read: &Result<Gauges, StoreError>) -> String {
    let mut page = Page(String::with_capacity(4096));
    page.family("build_info", "gauge", "Which Postdesk this is.").of(
        "build_info",
        ("version", env!("CARGO_PKG_VERSION")),
        1,
    );
    counted(&mut page, shared);
    mailboxes(&mut page, shared);
    // A database that does not answer is worth a number of its own: the counters above go on without it.
    page.one("database_up", "gauge", "1 while the database answers.", i32::from(read.is_ok()));
    if let Ok(gauges) = read {
        there_is(&mut page, gauges);
    }
    page.0
}

/// What was counted since the start.
fn counted(page: &mut Page, shared: &Shared) {
    page.family("mails_total", "counter", "Mails dealt with since the start, by disposition.");
    for (disposition, count) in shared.counters.mails() {
        page.of("mails_total", ("disposition", disposition.word()), count);
    }
    page.family("send_attempts_total", "counter", "Attempts to send since the start, by their end.");
    for (end, count) in shared.counters.attempts() {
        page.of("send_attempts_total", ("end", end), count);
    }
    let help = "Loops that fell over since the start and were started again: faults in Postdesk itself.";
    page.one("loop_falls_total", "counter", help, shared.counters.falls());
}

/// Each configured mailbox, also one that never worked.
fn mailboxes(page: &mut Page, shared: &Shared) {
    let settings = shared.settings();
    let all: Vec<_> = settings
        .config
        .mailboxes
        .iter()
        .map(|mailbox| (mailbox.name.as_str(), shared.counters.mailbox(&mailbox.name)))
        .collect();
    let name = "mailbox_last_success_timestamp_seconds";
    page.family(name, "gauge", "When a mailbox was last looked through without an error; 0 for not yet.");
    for (mailbox, tally) in &all {
        page.of(name, ("mailbox", mailbox), tally.looked.map_or(0, |Timestamp(at)| at));
    }
    page.family("mailbox_up", "gauge", "1 when the last look into a mailbox went well.");
    for (mailbox, tally) in &all {
        page.of("mailbox_up", ("mailbox", mailbox), i32::from(tally.looked.is_some() && !tally.is_down));
    }
    page.family("mailbox_failures_total", "counter", "Looks into a mailbox that failed since the start.");
    for (mailbox, tally) in &all {
        page.of("mailbox_failures_total", ("mailbox", mailbox), tally.failures);
    }
}

/// What there is now.
fn there_is(page: &mut Page, gauges: &Gauges) {
    page.family("mails_aside", "gauge", "Mails that wait for somebody: quarantined, held or refused.");
    for (disposition, count) in &gauges.aside {
        page.of("mails_aside", ("disposition", disposition), count);
    }
    page.family(
        "outbox_rows",
        "gauge",
        "Outgoing mail that is not sent, by state; failed and bounced pile up.",
    );
    for (state, count) in &gauges.outbox {
        page.of("outbox_rows", ("state", state), count);
    }
    let help = "When the outgoing mail that comes first was or will be due; 0 when none waits.";
    let due = gauges.next_due.map_or(0, |Timestamp(at)| at);
    page.one("outbox_next_due_timestamp_seconds", "gauge", help, due);
    page.one("tickets_live", "gauge", "Tickets that are new, open or pending.", gauges.live);
    page.one("tickets_unassigned", "gauge", "Live tickets that nobody has.", gauges.unassigned);
    let help = "Budgets of automatic mail that were used up this hour: two robots may have met.";
    page.one("budgets_used_up", "gauge", help, gauges.budgets_used_up);
    let help = "Automatic answers given this hour, of budgets.in_all.";
    page.one("automatic_answers_this_hour", "gauge", help, gauges.answers);
    page.one("database_bytes", "gauge", "Size of the database without its log.", gauges.bytes);
}
