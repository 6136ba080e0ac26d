use super::*;
use crate::clock::{Clock, Dice, Timestamp};
use crate::store::Store;
use std::path::Path;

/// Two tickets, three mails (one of them an internal note) that are messages, an acknowledgement and a reply.
const DESK: &str = "
    INSERT INTO raw (id, size, packing, bytes) VALUES (1, 4, 'none', X'61626364');
    INSERT INTO ticket (id, number, queue, subject, status, priority, requester, requester_name, language, assignee, opened_at, changed_at, closed_at)
      VALUES (1, 101, 'q', 's', 'open', 'normal', 'r@x', '', 'en', '', 1, 1, NULL), (2, 102, 'q', 's', 'closed', 'normal', 'r@x', '', 'en', '', 1, 1, 1);
    INSERT INTO mail (id, mailbox, uidvalidity, uid, queue, content_key, message_id, from_address, subject, size, raw_id, disposition, reason, oddities, ticket_id, received_at, settled_at)
      VALUES (1, 'm', 1, 1, 'q', X'01', 'a', 'r@x', 's', 4, 1, 'opened', 'new', '', 1, 10, 11),
             (2, 'm', 1, 2, 'q', X'02', 'b', 'r@x', 's', 4, 1, 'opened', 'new', '', 2, 10, 11),
             (3, 'm', 1, 3, 'q', X'03', 'c', 'a@x', 's', 4, 1, 'agent', 'note', '', 1, 10, NULL),
             (4, 'm', 1, 4, 'q', X'04', 'd', 'e@x', 's', 4, 1, 'held', 'who', '', NULL, 10, NULL);
    INSERT INTO message (id, ticket_id, mail_id, at, internal, role, author, author_name, text, folded)
      VALUES (1, 1, 1, 1, 0, 'requester', 'r@x', '', 'one', ''), (2, 2, 2, 1, 0, 'requester', 'r@x', '', 'two', ''),
             (3, 1, 3, 1, 1, 'agent', 'a@x', '', 'three', '');
    INSERT INTO search (rowid, subject, people, text) VALUES (1, 's', '', 'one'), (2, 's', '', 'two'), (3, 's', '', 'three');
    INSERT INTO outgoing_body (id, size, packing, bytes) VALUES (1, 2, 'none', X'6162');
    INSERT INTO outbox (id, ticket_id, mail_id, template, queue, author, envelope_from, recipient, message_id, head, body_id, size, state, handed_over, attempts, created_at, next_at, tried_at, settled_at, said)
      VALUES (1, 1, 1, 'acknowledgement', 'q', '', '', 'r@x', 'o1', X'', NULL, 2, 'sent', 0, 1, 1, 1, 1, 1, ''),
             (2, 2, 2, 'reply', 'q', '', '', 'r@x', 'o2', X'', 1, 2, 'queued', 0, 0, 1, 1, NULL, NULL, '');";

fn desk(path: &Path) -> Connection {
    drop(Store::open(path, &Clock::by_hand(Timestamp(0)), &Dice::from_seed(1)).unwrap());
    let db = Connection::open(path).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    db.execute_batch(DESK).unwrap();
    db
}

fn broken(db: &Connection) -> Vec<(&'static str, i64, String)> {
    verify(db, |_, _| {}).unwrap().into_iter().map(|b| (b.promise, b.rows, b.first)).collect()
}

#[test]
fn each_promise_that_is_broken_is_named_with_the_row() {
    let breaking = [
        ("2: no content was filed twice", "1", "UPDATE mail SET content_key = X'01' WHERE id = 2"),
        ("2: no mail became two messages", "1", "UPDATE message SET mail_id = 1, internal = 0 WHERE id = 3"),
        ("1: no server was told before the commit", "2", "UPDATE mail SET settled_at = 9 WHERE id = 2"),
        ("3: mail that opened or joined has a ticket", "2", "UPDATE mail SET ticket_id = NULL WHERE id = 2"),
        (
            "3: mail that opened or joined is a message",
            "3",
            "UPDATE mail SET disposition = 'follow-up' WHERE id = 3; UPDATE message SET mail_id = NULL WHERE id = 3",
        ),
        ("3: every mail says why", "4", "UPDATE mail SET reason = '' WHERE id = 4"),
        ("3: mail set aside changed nothing", "4", "UPDATE message SET mail_id = 4 WHERE id = 3"),
        (
            "5: outgoing mail has its bytes until it is settled",
            "2",
            "UPDATE outbox SET body_id = NULL WHERE id = 2",
        ),
        ("5: every attempt was recorded", "1", "UPDATE outbox SET attempts = 0 WHERE id = 1"),
        ("5: settled is settled", "1", "UPDATE outbox SET settled_at = NULL, body_id = 1 WHERE id = 1"),
        (
            "5: no mail was acknowledged twice",
            "1",
            "UPDATE outbox SET template = 'acknowledgement', mail_id = 1 WHERE id = 2",
        ),
        (
            "6: no automatic answer to mail that opened nothing",
            "1",
            "UPDATE outbox SET mail_id = 4 WHERE id = 1",
        ),
        ("8: no note went outside", "2", "UPDATE outbox SET mail_id = 3 WHERE id = 2"),
        ("8: no note went outside", "1", "UPDATE outbox SET mail_id = 3 WHERE id = 1"),
        ("every ticket has a message", "2", "UPDATE message SET ticket_id = 1 WHERE id = 2"),
        ("closed tickets know since when", "2", "UPDATE ticket SET closed_at = NULL WHERE id = 2"),
        ("every message can be searched", "2", "DELETE FROM search WHERE rowid = 2"),
        ("merges lead somewhere", "2", "UPDATE ticket SET merged_into = 2 WHERE id = 2"),
        (
            "foreign keys hold",
            "event:1",
            "INSERT INTO event (ticket_id, at, actor, what) VALUES (9, 1, '', '')",
        ),
        (
            "5: outgoing mail can be put together as it was made",
            "2",
            "UPDATE outgoing_body SET bytes = X'61', size = 1",
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    let db = desk(&dir.path().join("desk.db"));
    assert_eq!(broken(&db), []);
    for (promise, row, sql) in breaking {
        let path = dir.path().join("broken.db");
        db.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        assert_eq!(broken(&other), [(promise, 1, row.to_owned())], "{sql}");
        drop(other);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_note_that_opens_a_ticket_may_be_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let db = desk(&dir.path().join("desk.db"));
    db.execute_batch("UPDATE message SET internal = 1 WHERE id = 1").unwrap();
    assert_eq!(broken(&db), []);
}

#[test]
fn rows_and_indexes_that_do_not_agree_are_found_in_the_file_and_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let db = desk(&dir.path().join("desk.db"));
    let memory = Connection::open_in_memory().unwrap();
    memory.execute_batch(crate::store::schema::SCHEMA).unwrap();
    memory.execute_batch(DESK).unwrap();
    for db in [db, memory] {
        assert_eq!(broken(&db), []);
        // Another index of the same shape under this one's name: no row stands where its place is.
        db.execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'event_ticket') WHERE name = 'message_ticket';
             PRAGMA writable_schema = RESET;",
        )
        .unwrap();
        let found = broken(&db);
        assert!(found.iter().any(|(promise, ..)| *promise == "the file is sound"), "{found:?}");
    }
}

#[test]
fn no_table_is_walked_through_for_each_row_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let db = desk(&dir.path().join("desk.db"));
    for sql in rows::questions(&db).into_iter().chain(QUESTIONS.iter().map(|(_, sql)| (*sql).to_owned())) {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> =
            plan.query_map([], |r| r.get::<_, String>(3)).unwrap().map(Result::unwrap).collect();
        let walks =
            steps.iter().filter(|step| step.starts_with("SCAN ") && !step.contains("VIRTUAL")).count();
        let own = steps.iter().any(|step| step.contains("CO-ROUTINE") || step.contains("MATERIALIZE"));
        assert!(walks <= 1 + usize::from(own), "{sql}: {steps:#?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "memory grows: {sql}: {steps:#?}");
    }
}

#[test]
fn a_search_that_does_not_hold_what_it_says_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let db = desk(&dir.path().join("desk.db"));
    db.execute_batch("UPDATE search_data SET block = zeroblob(length(block)) WHERE id > 10").unwrap();
    let found = broken(&db);
    assert!(found.iter().any(|(promise, ..)| *promise == "the file is sound"), "{found:?}");
}

#[test]
fn pages_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.db");
    let db = desk(&path);
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let page: u32 =
        db.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'mail'", [], |r| r.get(0)).unwrap();
    let size: u32 = db.query_row("PRAGMA page_size", [], |r| r.get(0)).unwrap();
    drop(db);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[((page - 1) * size) as usize..(page * size) as usize].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let found = broken(&Connection::open(&path).unwrap());
    let named = format!("page {page}");
    let is_named =
        |(promise, _, first): &(&str, i64, String)| *promise == "the file is sound" && first.contains(&named);
    assert!(found.iter().any(is_named), "{found:?}");
    assert!((1..found.len()).all(|at| !found[..at].contains(&found[at])), "each once: {found:?}");
}
