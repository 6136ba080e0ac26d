//! Databases of any size from a seed, quickly: plain SQL in one large transaction over the schema that the store
//! makes. `postdesk verify` finds nothing wrong with them. A ticket has five messages, six outgoing mails, eight lines
//! of history; one in five hundred is still open.

use crate::mix::{Seed, words};
use postdesk::clock::{Clock, Dice};
use rusqlite::{Connection, Statement, params};
use std::path::Path;

/// When the last ticket was opened; they are spread over the ten years before.
const END: i64 = 1_790_000_000;

/// Messages of each ticket; the second and the fourth are an agent's.
const MESSAGES: i64 = 5;

/// Makes `tickets` tickets in a new file at `path`.
pub fn generate(path: &Path, tickets: i64, seed: u64) {
    drop(
        postdesk::store::schema::open_writer(
            path,
            &Clock::by_hand(postdesk::clock::Timestamp(END)),
            &Dice::from_seed(seed),
        )
        .unwrap(),
    );
    let db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -2000000;
         PRAGMA temp_store = MEMORY; PRAGMA threads = 2; BEGIN; INSERT INTO search (search, rank) VALUES ('hashsize', 67108864);",
    )
    .unwrap();
    let indexes = take_indexes(&db);
    fill(&db, tickets, seed);
    for sql in indexes {
        db.execute_batch(&sql).unwrap();
    }
    db.execute_batch(
        "INSERT INTO search (search, rank) VALUES ('hashsize', 1048576); COMMIT; PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL;",
    )
    .unwrap();
}

/// Indexes are made when the rows are there: sorted, not row by row.
fn take_indexes(db: &Connection) -> Vec<String> {
    let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
    let mut all = db.prepare(sql).unwrap();
    let rows: Vec<(String, String)> =
        all.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect();
    for (name, _) in &rows {
        db.execute_batch(&format!("DROP INDEX {name}")).unwrap();
    }
    rows.into_iter().map(|(_, sql)| sql).collect()
}

struct Rows<'a> {
    ticket: Statement<'a>,
    raw: Statement<'a>,
    mail: Statement<'a>,
    message: Statement<'a>,
    search: Statement<'a>,
    reference: Statement<'a>,
    outbox: Statement<'a>,
    event: Statement<'a>,
}

fn fill(db: &Connection, tickets: i64, seed: u64) {
    let mut rows = Rows {
        ticket: db.prepare("INSERT INTO ticket (number, queue, subject, status, priority, requester, requester_name, language, assignee, opened_at, changed_at, closed_at) VALUES (?1, 'soporte', ?2, ?3, 'normal', ?4, ?5, 'es', 'ana@example.net', ?6, ?7, ?8)").unwrap(),
        raw: db.prepare("INSERT INTO raw (size, packing, bytes) VALUES (length(?1), 'none', ?1)").unwrap(),
        mail: db.prepare("INSERT INTO mail (mailbox, uidvalidity, uid, queue, content_key, message_id, from_address, subject, size, raw_id, disposition, reason, oddities, ticket_id, received_at, settled_at) VALUES ('soporte', 1, ?1, 'soporte', ?2, ?3, ?4, ?5, 400, ?6, ?7, 'made by the benchmark', '', ?8, ?9, ?9)").unwrap(),
        message: db.prepare("INSERT INTO message (ticket_id, mail_id, at, internal, role, author, author_name, text, folded) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, '')").unwrap(),
        search: db.prepare("INSERT INTO search (rowid, subject, people, text) VALUES (?1, ?2, ?3, ?4)").unwrap(),
        reference: db.prepare("INSERT INTO reference (id_hash, ticket_id, message_id) VALUES (?1, ?2, ?3)").unwrap(),
        outbox: db.prepare("INSERT INTO outbox (ticket_id, mail_id, template, queue, author, envelope_from, recipient, message_id, head, body_id, size, state, handed_over, attempts, created_at, next_at, tried_at, settled_at, said) VALUES (?1, ?2, ?3, 'soporte', '', 'soporte@desk.example', ?4, ?5, ?6, NULL, 2000, 'sent', 1, 1, ?7, ?7, ?7, ?7, '250 2.0.0 Ok: queued as 4A1B2C')").unwrap(),
        event: db.prepare("INSERT INTO event (ticket_id, at, actor, what) VALUES (?1, ?2, ?3, ?4)").unwrap(),
    };
    let mut seed = Seed(seed);
    let width = numbers(tickets);
    let mut number = 0;
    let step = width.1 / tickets;
    // A stock of texts: making each anew would take longer than writing them.
    let stock: Vec<String> = (0..20_000).map(|_| words(&mut seed, 25)).collect();
    for n in 0..tickets {
        number += 1 + i64::try_from(seed.below(u64::try_from(step * 2 - 1).unwrap())).unwrap();
        let mut ticket = Ticket {
            id: n + 1,
            number: width.0 + number,
            opened: END - (tickets - n) * (315_360_000 / tickets).max(1),
            requester: format!("persona{}@example.org", seed.below(u64::try_from(tickets / 3 + 1).unwrap())),
            seed: &mut seed,
            stock: &stock,
        };
        ticket.write(&mut rows);
    }
}

/// The first ticket number and how many there are to choose from, as the desk chooses them.
fn numbers(tickets: i64) -> (i64, i64) {
    let (first, count) = postdesk::desk::ticket::number_space(u64::try_from(tickets).unwrap());
    (i64::try_from(first).unwrap(), i64::try_from(count).unwrap() / 2)
}

struct Ticket<'a> {
    id: i64,
    number: i64,
    opened: i64,
    requester: String,
    seed: &'a mut Seed,
    stock: &'a [String],
}

impl Ticket<'_> {
    fn text(&mut self) -> &str {
        &self.stock[usize::try_from(self.seed.below(self.stock.len() as u64)).unwrap()]
    }

    fn write(&mut self, rows: &mut Rows<'_>) {
        let subject = self.text().split_whitespace().take(5).collect::<Vec<_>>().join(" ");
        let live = self.id % 500 == 0;
        let end = self.opened + MESSAGES * 3600;
        let status = if live { "open" } else { "closed" };
        let name = format!("Persona {}", self.id % 1000);
        rows.ticket
            .execute(params![
                self.number,
                subject,
                status,
                self.requester,
                name,
                self.opened,
                end,
                (!live).then_some(end)
            ])
            .unwrap();
        for n in 0..MESSAGES {
            self.message(rows, &subject, &name, n);
        }
        for (n, what) in
            ["opened", "assigned to ana@example.net", "status: pending", "status: open", "status: closed"]
                .iter()
                .enumerate()
        {
            rows.event.execute(params![self.id, self.opened + n as i64 * 3600, "postdesk", what]).unwrap();
        }
    }

    fn message(&mut self, rows: &mut Rows<'_>, subject: &str, name: &str, n: i64) {
        let row = (self.id - 1) * MESSAGES + n + 1;
        let by_agent = n % 2 == 1;
        let (author, name, role) = if by_agent {
            ("ana@example.net".to_owned(), "Ana García", "agent")
        } else {
            (self.requester.clone(), name, "requester")
        };
        let disposition = ["opened", "agent", "follow-up", "agent", "follow-up"][usize::try_from(n).unwrap()];
        let at = self.opened + n * 3600;
        let (a, b, c, d) = (self.seed.next(), self.seed.next(), self.seed.next(), self.seed.next());
        let id = format!("{a:016x}@example.org");
        let text = self.text().to_owned();
        let raw = format!("From: {author}\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n\r\n{text}\r\n");
        rows.raw.execute([raw.as_bytes()]).unwrap();
        let key: Vec<u8> = [a, b, c, d].iter().flat_map(|n| n.to_be_bytes()).collect();
        rows.mail.execute(params![row, key, id, author, subject, row, disposition, self.id, at]).unwrap();
        rows.message.execute(params![self.id, row, at, role, author, name, text]).unwrap();
        rows.search.execute(params![row, subject, format!("{author} {name}"), text]).unwrap();
        if !by_agent {
            rows.reference.execute(params![&key[..16], self.id, id]).unwrap();
        }
        let head = format!(
            "From: Soporte <soporte@desk.example>\r\nTo: {author}\r\nSubject: {subject}\r\nMessage-ID: <{b:016x}@desk.example>\r\n\r\n"
        );
        let mut send = |template: &str, to: &str, nonce: u64| {
            let message_id = format!("{nonce:016x}@desk.example");
            rows.outbox
                .execute(params![self.id, row, template, to, message_id, head.as_bytes(), at])
                .unwrap();
        };
        if n == 0 {
            send("acknowledgement", &self.requester, c);
        }
        if by_agent {
            send("reply", &self.requester, d);
        } else {
            send("notification", "ana@example.net", d);
        }
    }
}
