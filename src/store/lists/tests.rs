use super::*;
use crate::store::schema::SCHEMA;
use crate::store::{gauges, ledger};
use rusqlite::Connection;

const STATES: [&str; 8] =
    ["queued", "sending", "sent", "deferred", "uncertain", "failed", "bounced", "dropped"];

/// Two outgoing mails of each state, and a mail of each disposition; ids in that order.
fn desk() -> Reader {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(SCHEMA).unwrap();
    for (n, state) in STATES.iter().chain(&STATES).enumerate() {
        let sql = "INSERT INTO outbox (template, queue, author, envelope_from, recipient, message_id, head, size, state, handed_over, attempts, created_at, next_at, said)
                   VALUES ('reply', 'q', '', '', 'r@x', ?1, X'', 1, ?2, 0, 0, 1, 1, '')";
        db.execute(sql, (n.to_string(), state)).unwrap();
    }
    for (n, disposition) in (1..).zip(["quarantined", "held", "refused", "duplicate", "held"]) {
        let sql = "INSERT INTO mail (mailbox, uidvalidity, uid, queue, content_key, message_id, from_address, subject, size, raw_id, disposition, reason, oddities, received_at)
                   VALUES ('m', 1, ?1, 'q', X'01', '', '', '', 1, ?2, ?3, 'r', '', 1)";
        let raw = matches!(disposition, "quarantined" | "held").then_some(1);
        db.execute_batch("INSERT OR IGNORE INTO raw VALUES (1, 1, 'none', X'61')").unwrap();
        db.execute(sql, (n, raw, disposition)).unwrap();
    }
    Reader { db }
}

#[test]
fn outgoing_mail_is_listed_by_state_newest_first_and_without_one_all_that_is_not_settled_well() {
    let reader = desk();
    let ids = |state: Option<&str>, limit| -> Vec<i64> {
        reader.outgoing(state, limit).unwrap().iter().map(|row| row.id).collect()
    };
    for (n, state) in (1..).zip(STATES) {
        assert_eq!(ids(Some(state), 10), [n + 8, n], "{state}");
        assert_eq!(ids(Some(state), 1), [n + 8], "{state}");
    }
    assert_eq!(ids(None, 100), [15, 14, 13, 12, 10, 9, 7, 6, 5, 4, 2, 1]);
    assert_eq!(ids(None, 2), [15, 14]);
    let counted = gauges::unsettled(reader.db()).unwrap();
    let listed = ["queued", "sending", "deferred", "uncertain", "failed", "bounced"];
    assert_eq!(counted, listed.map(|state| (state.to_owned(), 2)));
}

#[test]
fn mails_are_listed_by_disposition_newest_first() {
    let reader = desk();
    let ids = |disposition: Option<&str>| -> Vec<i64> {
        reader.mails(disposition, 10).unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!(ids(Some("held")), [5, 2]);
    assert_eq!(ids(Some("refused")), [3]);
    assert_eq!(ids(Some("duplicate")), [4]);
    assert_eq!(ids(None), [5, 4, 3, 2, 1]);
    let counts = ledger::counts(reader.db(), "m", 1).unwrap();
    let of = |word: &str| counts.iter().find(|(known, _)| known == word).map(|(_, count)| *count);
    assert_eq!((of("held"), of("duplicate"), of("opened"), counts.len()), (Some(2), Some(1), None, 4));
    assert_eq!(ledger::counts(reader.db(), "m", 2).unwrap(), []);
    assert_eq!(ledger::gone(reader.db(), "m", 1, &[1, 4]).unwrap(), [2, 5]);
}

#[test]
fn what_waits_or_went_wrong_is_found_without_a_walk_through_ten_years() {
    let reader = desk();
    let states = [
        None,
        Some("queued"),
        Some("sending"),
        Some("deferred"),
        Some("uncertain"),
        Some("failed"),
        Some("bounced"),
    ];
    let outgoing = states.map(|state| outgoing_sql(outgoing_condition(state)));
    let mails = ["quarantined", "held", "refused"].map(|disposition| mails_sql(Some(disposition)));
    for sql in outgoing.iter().chain(&mails) {
        let mut plan = reader.db().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> =
            plan.query_map(("", 1), |r| r.get::<_, String>(3)).unwrap().map(Result::unwrap).collect();
        let partial = ["mail_aside", "outbox_due", "outbox_sending", "outbox_trouble"];
        let is_small =
            |step: &String| !step.starts_with("SCAN") || partial.iter().any(|index| step.contains(index));
        assert!(steps.iter().all(is_small), "{sql}: {steps:#?}");
    }
}
