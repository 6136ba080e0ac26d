//! What must hold after each step, and what at the end. Compares three independent accounts: what people put into the
//! inbox, what the database says, and what the relay took.

use super::people::{COMMANDS, COPIED, People, REQUESTERS};
use super::play::Play;
use super::trouble::ELSEWHERE;
use crate::world::{ANA, DESK, LUIS};
use mail_parser::MessageParser;
use postdesk::demo::server::{MailServer, Submitted};
use postdesk::store::read::Reader;
use postdesk::store::{Connection, pack};
use std::collections::{BTreeMap, BTreeSet};

/// Outgoing mails that one incoming may cause: two agents, a requester, participants, an admin, and words about failures.
const CAUSED_MAX: i64 = 12;

#[derive(Default)]
pub struct Checks {
    /// The faults armed so far.
    pub armed: Vec<String>,
    /// Deliveries looked at, and those whose content the ledger does not have yet.
    seen: usize,
    waiting: BTreeSet<usize>,
    /// Mails the relay took, by Message-ID.
    taken: BTreeMap<String, u32>,
    submitted: usize,
}

fn ids(db: &Connection, sql: &str) -> Vec<i64> {
    let mut statement = db.prepare(sql).unwrap();
    statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

fn none(db: &Connection, what: &str, sql: &str) {
    let found = ids(db, sql);
    assert!(found.is_empty(), "{what}: {found:?}");
}

impl Checks {
    pub fn cheap(&mut self, reader: &Reader, server: &MailServer, people: &People) {
        self.nothing_lost(reader.db(), server, people);
        self.submissions(server);
        self.outgoing(reader.db());
        none(
            reader.db(),
            "no loop: what one mail causes is bounded",
            &format!(
                "SELECT mail_id FROM outbox WHERE mail_id IS NOT NULL GROUP BY mail_id HAVING count(*) > {CAUSED_MAX}"
            ),
        );
        none(
            reader.db(),
            "a mail is in one disposition",
            "SELECT min(id) FROM mail WHERE disposition NOT IN ('duplicate', 'refused', 'quarantined') GROUP BY content_key HAVING count(*) > 1",
        );
        none(reader.db(), "nothing is set aside", "SELECT id FROM mail WHERE disposition = 'quarantined'");
    }

    /// What was delivered is in the ledger, or still in the mailbox.
    fn nothing_lost(&mut self, db: &Connection, server: &MailServer, people: &People) {
        self.waiting.extend(self.seen..people.delivered.len());
        self.seen = people.delivered.len();
        let mut known = db.prepare("SELECT EXISTS (SELECT 1 FROM mail WHERE content_key = ?1)").unwrap();
        self.waiting.retain(|index| {
            !known.query_row([&people.delivered[*index].key[..]], |r| r.get::<_, bool>(0)).unwrap()
        });
        let there: BTreeSet<_> = [server.mails(DESK, "INBOX"), server.mails(DESK, ELSEWHERE)]
            .concat()
            .into_iter()
            .map(|mail| mail.raw)
            .collect();
        for index in &self.waiting {
            assert!(
                there.contains(&people.delivered[*index].raw),
                "delivery {index} is neither in the mailbox nor in the ledger"
            );
        }
    }

    /// The relay took each mail once, and nothing in it that should stay inside.
    fn submissions(&mut self, server: &MailServer) {
        let all = server.submitted();
        for mail in all.iter().skip(self.submitted) {
            let parsed = MessageParser::default().parse(&mail.raw).unwrap();
            let id = parsed.message_id().expect("every mail has an id").to_owned();
            let times = self.taken.entry(id.clone()).or_default();
            *times += 1;
            assert_eq!(*times, 1, "the relay took {id} twice");
            if !People::inside().contains(mail.to.as_str()) {
                keeps_secrets(mail, &parsed);
            }
        }
        self.submitted = all.len();
    }

    /// The outbox says of each mail what the relay knows.
    fn outgoing(&self, db: &Connection) {
        let mut statement = db.prepare("SELECT id, message_id, state, said FROM outbox").unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (id, message_id, state, said): (i64, String, String, String) =
                (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap(), row.get(3).unwrap());
            let taken = self.taken.get(&message_id).copied().unwrap_or(0);
            match state.as_str() {
                "sent" => assert_eq!(taken, 1, "outbox {id} is sent and the relay does not have it"),
                "failed" | "deferred" => {
                    assert_eq!(taken, 0, "outbox {id} is {state} and the relay has it: {said}");
                    assert!(!said.is_empty(), "outbox {id} is {state} without a reason");
                }
                "queued" | "dropped" => assert_eq!(taken, 0, "outbox {id} is {state} and the relay has it"),
                "uncertain" => assert!(!said.is_empty(), "outbox {id} is uncertain without a reason"),
                "sending" | "bounced" => {}
                other => panic!("outbox {id}: {other}"),
            }
        }
    }
}

/// A mail to somebody outside holds no note, no command, no agent's address, and no other requester's words.
fn keeps_secrets(mail: &Submitted, parsed: &mail_parser::Message<'_>) {
    let mut text = parsed.subject().unwrap_or_default().to_owned();
    for part in 0..parsed.text_body_count() {
        text += &parsed.body_text(part).unwrap_or_default();
    }
    for part in 0..parsed.html_body_count() {
        text += &parsed.body_html(part).unwrap_or_default();
    }
    let to = &mail.to;
    assert!(!text.contains("SECRET"), "a note went to {to}:\n{text}");
    let command = text.lines().find(|line| COMMANDS.contains(&line.trim()));
    assert!(command.is_none(), "a command went to {to}: {command:?}\n{text}");
    let raw = String::from_utf8_lossy(&mail.raw);
    for agent in [ANA, LUIS] {
        assert!(!shows(&raw, agent), "{agent} was shown to {to}:\n{raw}");
    }
    if to == COPIED {
        return;
    }
    for (number, who) in REQUESTERS.iter().enumerate() {
        let foreign = text.contains(&format!("WORDOF{number}N"))
            && to != who
            && !(number < 2 && to == super::people::DEAD);
        assert!(!foreign, "words of {who} went to {to}:\n{text}");
    }
}

/// Whether an address stands in a mail; a token before the `@` may by chance end in a name (seed 380528841).
fn shows(raw: &str, address: &str) -> bool {
    let is_alone = |at: usize| !raw[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
    raw.match_indices(address).any(|(at, _)| is_alone(at))
}

pub fn nothing_waits(reader: &Reader) -> bool {
    ids(reader.db(), "SELECT id FROM outbox WHERE state IN ('queued', 'deferred', 'sending')").is_empty()
}

/// At the end: all mail is accounted for, its bytes are kept, the inbox holds only what was refused or left by order.
pub fn at_rest(play: &Play) {
    let reader = play.reader();
    let db = reader.db();
    assert!(nothing_waits(&reader));
    let mut raws = BTreeSet::new();
    for id in ids(db, "SELECT id FROM mail WHERE raw_id IS NOT NULL") {
        raws.insert(pack::raw_of_mail(db, id).unwrap().unwrap());
    }
    let mut kept: BTreeMap<[u8; 32], bool> = BTreeMap::new();
    for mail in play.people.delivered.iter().filter(|mail| mail.raw.len() <= 64_000) {
        *kept.entry(mail.key).or_default() |= raws.contains(&mail.raw[..]);
    }
    let lost = kept.values().filter(|kept| !**kept).count();
    assert_eq!(lost, 0, "{lost} mails are not kept byte for byte");
    let validity = play.server.uidvalidity(DESK, "INBOX").unwrap();
    for mail in play.server.mails(DESK, "INBOX") {
        let sql = "SELECT disposition || ', settled ' || coalesce(settled_at, 'never') FROM mail WHERE mailbox = 'soporte' AND uidvalidity = ?1 AND uid = ?2";
        let disposition: String = db.query_row(sql, [validity, mail.uid], |r| r.get(0)).unwrap();
        let flagged = mail.flags.iter().any(|flag| flag == "$Postdesk" || flag == "\\Seen");
        assert!(
            disposition.starts_with("refused") || flagged,
            "{disposition}: mail {} stays in the inbox with {:?}",
            mail.uid,
            mail.flags
        );
    }
}
