//! Reading what the rules need to know before they decide about one mail. Plain reads; run inside the transaction of
//! the write that follows, so that nothing changes between.

use super::StoreError;
use crate::address::{Address, Person};
use crate::clock::{Dice, Timestamp};
use crate::config::{Assign, Config, Queue};
use crate::desk::decision::{BudgetKey, Row, Template};
use crate::desk::facts::{Ask, Facts, Load, OutboxFacts, TicketFacts};
use crate::desk::thread::MailKeys;
use crate::desk::ticket::{Priority, Status, number_space};
use crate::language::Language;
use crate::mail::Mail;
use crate::mail::ids::MessageId;
use crate::mail::token::Purpose;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

/// Most merges followed from one ticket to the next.
const MERGES_MAX: usize = 20;

/// Message-IDs of a ticket that go into References: the first, and this many of the newest.
const MESSAGE_IDS_NEWEST: i64 = 20;

/// Earlier tickets of a sender are counted up to this.
const HISTORY_COUNT_MAX: i64 = 1000;

/// What the reading is about.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The mail.
    pub mail: &'a Mail,
    /// Its keys.
    pub keys: &'a MailKeys,
    /// The configuration.
    pub config: &'a Config,
    /// The mailbox's queue.
    pub queue: &'a Queue,
    /// Now.
    pub now: Timestamp,
    /// When a mail is decided anew, its id in the ledger.
    pub again: Option<i64>,
    /// It lies in the account's folder of sent mail.
    pub is_sent: bool,
}

/// Reads the facts.
pub fn read(db: &Connection, q: Question<'_>, dice: &Dice) -> Result<Facts, StoreError> {
    let mut facts = Facts { mail_id: q.again.map_or_else(|| next_id(db, "mail"), Ok)?, ..Facts::default() };
    match duplicate_of(db, &q.mail.content_key, facts.mail_id)? {
        Some((id, true)) if q.is_sent => facts.ignored_before = Some(id),
        found => facts.duplicate_of = found.map(|(id, _)| id),
    }
    if facts.duplicate_of.is_some() {
        return Ok(facts);
    }
    facts.is_our_mail = is_our_mail(db, q)?;
    let asked = q.keys.asked.iter().filter_map(|ask| match ask {
        Ask::Ticket(number) | Ask::Show(number) => Some(*number),
        _ => None,
    });
    for number in q.keys.numbers().chain(asked) {
        add_ticket(db, &mut facts, number, q.now)?;
    }
    for id in &q.keys.ids {
        if let Some(number) = number_of_id(db, id)? {
            add_ticket(db, &mut facts, number, q.now)?;
            if let Some(ticket) = facts.ticket(number) {
                let known = (id.clone(), ticket.number);
                facts.known_ids.push(known);
            }
        }
    }
    if q.mail.bounce.is_some() {
        read_reported(db, q, &mut facts)?;
    }
    read_held(db, q, &mut facts)?;
    read_people(db, q, &mut facts)?;
    facts.fresh_number = fresh_number(db, dice)?;
    Ok(facts)
}

/// The id that the next row of `table` will get: only the writing transaction may ask.
pub(super) fn next_id(db: &Connection, table: &str) -> Result<i64, StoreError> {
    let last = db
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")?
        .query_row([table], |r| r.get::<_, i64>(0));
    Ok(last.optional()?.unwrap_or(0) + 1)
}

/// The mail that was filed with the same content, and whether it was ignored; one that was not comes first.
fn duplicate_of(
    db: &Connection,
    content_key: &[u8; 32],
    own: i64,
) -> Result<Option<(i64, bool)>, StoreError> {
    let sql = "SELECT id, disposition = 'ignored' FROM mail WHERE content_key = ?1 AND id <> ?2
               AND disposition NOT IN ('refused', 'duplicate', 'quarantined') ORDER BY 2, id LIMIT 1";
    let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?));
    Ok(db.prepare_cached(sql)?.query_row((content_key, own), read).optional()?)
}

fn is_our_mail(db: &Connection, q: Question<'_>) -> Result<bool, StoreError> {
    let Some(id) = &q.mail.message_id else { return Ok(false) };
    if id.right() != q.config.desk.domain.to_ascii_lowercase() {
        return Ok(false);
    }
    Ok(db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE message_id = ?1)")?
        .query_row([id.as_str()], |r| r.get(0))?)
}

/// The key of a Message-ID in the `reference` table.
pub(super) fn id_hash(id: &MessageId) -> [u8; 16] {
    let mut hash = [0u8; 16];
    for (to, from) in hash.iter_mut().zip(Sha256::digest(id.as_str().as_bytes())) {
        *to = from;
    }
    hash
}

fn number_of_id(db: &Connection, id: &MessageId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT ticket.number FROM reference JOIN ticket ON ticket.id = reference.ticket_id WHERE id_hash = ?1";
    Ok(db.prepare_cached(sql)?.query_row([id_hash(id)], |r| r.get(0)).optional()?)
}

fn add_ticket(db: &Connection, facts: &mut Facts, number: i64, now: Timestamp) -> Result<(), StoreError> {
    if facts.leads_to.contains_key(&number) {
        return Ok(());
    }
    let Some((id, end)) = follow_merges(db, number)? else { return Ok(()) };
    facts.leads_to.insert(number, end);
    facts.leads_to.insert(end, end);
    if !facts.tickets.contains_key(&end)
        && let Some(ticket) = ticket(db, id, now)?
    {
        facts.tickets.insert(end, ticket);
    }
    Ok(())
}

/// Row id and number of the ticket that `number` leads to.
pub(super) fn follow_merges(db: &Connection, number: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = "SELECT id, number, merged_into FROM ticket WHERE number = ?1";
    let read =
        |r: &rusqlite::Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, Option<i64>>(2)?));
    let mut found = db.prepare_cached(sql)?.query_row([number], read).optional()?;
    for _ in 0..MERGES_MAX {
        match found {
            Some((_, _, Some(next))) => {
                let sql = "SELECT id, number, merged_into FROM ticket WHERE id = ?1";
                found = db.prepare_cached(sql)?.query_row([next], read).optional()?;
            }
            Some((id, number, None)) => return Ok(Some((id, number))),
            None => return Ok(None),
        }
    }
    Ok(found.map(|(id, number, _)| (id, number)))
}

/// The facts of the ticket that `number` leads to.
pub fn ticket_led_to(
    db: &Connection,
    number: i64,
    now: Timestamp,
) -> Result<Option<TicketFacts>, StoreError> {
    follow_merges(db, number)?.map_or(Ok(None), |(id, _)| ticket(db, id, now))
}

/// A ticket's facts by its number, merges not followed.
pub fn ticket_by_number(
    db: &Connection,
    number: i64,
    now: Timestamp,
) -> Result<Option<TicketFacts>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id FROM ticket WHERE number = ?1")?;
    let mut rows = statement.query([number])?;
    match rows.next()? {
        Some(row) => ticket(db, row.get(0)?, now),
        None => Ok(None),
    }
}

/// A ticket's facts by row id.
pub fn ticket(db: &Connection, id: i64, now: Timestamp) -> Result<Option<TicketFacts>, StoreError> {
    let sql = "SELECT number, queue, subject, status, priority, requester, requester_name, language, assignee, opened_at, closed_at,
                      (SELECT number FROM ticket AS old WHERE old.id = ticket.continues)
               FROM ticket WHERE id = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let words: (String, String, String) = (row.get(3)?, row.get(4)?, row.get(7)?);
    let assignee: String = row.get(8)?;
    let mut ticket = TicketFacts {
        number: row.get(0)?,
        queue: row.get(1)?,
        subject: row.get(2)?,
        status: status(&words.0)?,
        priority: Priority::from_word(&words.1)
            .ok_or(StoreError::Unknown { what: "priority", found: words.1 })?,
        requester: person(&row.get::<_, String>(5)?, &row.get::<_, String>(6)?),
        language: language(&words.2)?,
        assignee: Address::parse(&assignee),
        participants: Vec::new(),
        writers: Vec::new(),
        watchers: Vec::new(),
        left: Vec::new(),
        opened_at: Timestamp(row.get(9)?),
        closed_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        continues: row.get(11)?,
        message_ids: message_ids(db, id)?,
        waiting: waiting(db, id, now)?,
    };
    add_participants(db, id, &mut ticket)?;
    Ok(Some(ticket))
}

pub(super) fn status(word: &str) -> Result<Status, StoreError> {
    Status::from_word(word).ok_or_else(|| StoreError::Unknown { what: "status", found: word.to_owned() })
}

pub(super) fn language(word: &str) -> Result<Language, StoreError> {
    Language::from_tag(word).ok_or_else(|| StoreError::Unknown { what: "language", found: word.to_owned() })
}

fn person(address: &str, name: &str) -> Option<Person> {
    Address::parse(address).map(|address| Person::new(name, address))
}

fn add_participants(db: &Connection, id: i64, ticket: &mut TicketFacts) -> Result<(), StoreError> {
    let mut statement =
        db.prepare_cached("SELECT kind, address, name FROM participant WHERE ticket_id = ?1")?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let Some(person) = person(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?) else { continue };
        match row.get::<_, String>(0)?.as_str() {
            "participant" => ticket.participants.push(person),
            "watcher" => ticket.watchers.push(person.address),
            "left" => ticket.left.push(person.address),
            _ => ticket.writers.push(person.address),
        }
    }
    Ok(())
}

/// Message-IDs of what people outside wrote into a ticket: the first and the newest, oldest first.
fn message_ids(db: &Connection, id: i64) -> Result<Vec<MessageId>, StoreError> {
    let read = |order: &str, limit: i64| -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT mail.message_id FROM message JOIN mail ON mail.id = message.mail_id
             WHERE message.ticket_id = ?1 AND role <> 'agent' AND mail.message_id <> ''
               AND mail.disposition IN ('opened', 'follow-up') ORDER BY message.id {order} LIMIT ?2"
        );
        let mut statement = db.prepare_cached(&sql)?;
        let rows = statement.query_map((id, limit), |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let mut all = brought_in(db, id)?;
    all.extend(read("ASC", 1)?);
    let newest = read("DESC", MESSAGE_IDS_NEWEST)?;
    all.extend(newest.into_iter().rev());
    let mut ids = Vec::new();
    for found in all.iter().filter_map(|text| MessageId::parse(text)) {
        if !ids.contains(&found) {
            ids.push(found);
        }
    }
    Ok(ids)
}

/// Message-IDs of mail that an agent brought into a ticket on somebody's behalf. The agent's own mail that did so stays
/// unnamed: what is sent to people outside would show its id.
fn brought_in(db: &Connection, id: i64) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT message_id FROM reference WHERE ticket_id = ?1
               AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.ticket_id = ?1 AND mail.message_id = reference.message_id) LIMIT 20";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([id], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn waiting(db: &Connection, id: i64, now: Timestamp) -> Result<Vec<Address>, StoreError> {
    let sql = "SELECT DISTINCT author FROM outbox WHERE ticket_id = ?1 AND state = 'queued' AND template = 'reply' AND attempts = 0 AND next_at > ?2";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map((id, now.0), |r| r.get::<_, String>(0))?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.iter().filter_map(|text| Address::parse(text)).collect())
}

/// Outgoing mail that a delivery report names: by Message-ID, else by the envelope sender's token and the recipient.
fn read_reported(db: &Connection, q: Question<'_>, facts: &mut Facts) -> Result<(), StoreError> {
    let Some(bounce) = &q.mail.bounce else { return Ok(()) };
    for id in bounce.about.iter().chain(q.mail.points_at()) {
        let row = outbox_row(db, "outbox.message_id = ?1", [id.as_str()])?;
        facts.outbox.extend(row.filter(|row| !facts.outbox.contains(row)));
    }
    if facts.outbox.is_empty() {
        for token in q.keys.address_tokens.iter().filter(|token| token.purpose == Purpose::Bounce) {
            let condition = "outbox.ticket_id = (SELECT id FROM ticket WHERE number = ?1) AND outbox.envelope_from LIKE ?2";
            let row = outbox_row(db, condition, (token.number, format!("%+{}@%", token.text())))?;
            facts.outbox.extend(row);
        }
    }
    for number in facts.outbox.iter().filter_map(|row| row.number).collect::<Vec<_>>() {
        add_ticket(db, facts, number, q.now)?;
    }
    Ok(())
}

/// An outbox row, and its ticket, as the rules see them when it could not be delivered.
pub fn outgoing(
    db: &Connection,
    id: i64,
    now: Timestamp,
) -> Result<Option<(OutboxFacts, Option<TicketFacts>)>, StoreError> {
    let Some(row) = outbox_row(db, "outbox.id = ?1", [id])? else { return Ok(None) };
    let ticket = match row.number {
        Some(number) => follow_merges(db, number)?.map(|(id, _)| ticket(db, id, now)).transpose()?.flatten(),
        None => None,
    };
    Ok(Some((row, ticket)))
}

fn outbox_row(
    db: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Option<OutboxFacts>, StoreError> {
    let sql = format!(
        "SELECT outbox.id, outbox.message_id, ticket.number, outbox.recipient, outbox.template, outbox.state, outbox.author
         FROM outbox LEFT JOIN ticket ON ticket.id = outbox.ticket_id WHERE {condition} LIMIT 1"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (message_id, recipient, template): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    let (Some(message_id), Some(recipient), Some(template)) =
        (MessageId::parse(&message_id), Address::parse(&recipient), Template::from_name(&template))
    else {
        return Ok(None);
    };
    let bounced = row.get::<_, String>(5)? == "bounced";
    let author = Address::parse(&row.get::<_, String>(6)?);
    Ok(Some(OutboxFacts {
        id: row.get(0)?,
        message_id,
        number: row.get(2)?,
        recipient,
        template,
        author,
        bounced,
    }))
}

/// The held mail that a confirmation names.
fn read_held(db: &Connection, q: Question<'_>, facts: &mut Facts) -> Result<(), StoreError> {
    let Some(token) = q.keys.tokens().find(|token| token.purpose == Purpose::Confirm) else { return Ok(()) };
    let sql = "SELECT from_address FROM mail WHERE id = ?1 AND disposition = 'held'";
    let from: Option<String> = db.prepare_cached(sql)?.query_row([token.number], |r| r.get(0)).optional()?;
    facts.held = from.and_then(|from| Address::parse(&from)).map(|from| (token.number, from));
    Ok(())
}

/// Budgets, paused addresses, the sender's history, and who is how busy.
fn read_people(db: &Connection, q: Question<'_>, facts: &mut Facts) -> Result<(), StoreError> {
    let hour = q.now.0.div_euclid(3600);
    let mut keys: Vec<BudgetKey> = vec![BudgetKey::Answers, BudgetKey::Notifications];
    for number in facts.tickets.keys() {
        keys.extend([BudgetKey::Ticket(*number), BudgetKey::Notices(*number)]);
    }
    for address in reachable(q, facts) {
        if super::outbox::is_paused(db, &address, q.now)? {
            facts.paused.push(address.clone());
        }
        keys.push(BudgetKey::Domain(address.domain().to_owned()));
        keys.push(BudgetKey::Sender(address));
    }
    for key in keys {
        if let Some(count) = spent(db, hour, &key)? {
            facts.spent.insert(key, count);
        }
    }
    facts.told = told(db, q.now)?;
    if let Some(writer) = q.mail.reply_to.first().or(q.mail.from.as_ref()) {
        (facts.history, facts.history_count) = history(db, &writer.address)?;
    }
    if matches!(q.queue.assign, Assign::RoundRobin | Assign::LeastBusy) {
        facts.loads = q
            .config
            .agents_of(q.queue)
            .map(|agent| load(db, &agent.person.address))
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// Everybody whom the decision may write to. Who is forgotten here has budgets without end: whom to answer is for the
/// rules to choose, so all of Reply-To counts.
fn reachable(q: Question<'_>, facts: &Facts) -> Vec<Address> {
    let tickets = || facts.tickets.values();
    let writers = || q.mail.from.iter().chain(&q.mail.reply_to).map(|person| &person.address);
    let members =
        tickets().flat_map(|t| t.requester.iter().chain(&t.participants)).map(|person| &person.address);
    let queues = tickets().filter_map(|t| q.config.queue(&t.queue)).chain([q.queue]);
    let named = tickets().flat_map(|t| t.assignee.iter().chain(&t.watchers)).chain(writers());
    let agents =
        queues.flat_map(|queue| q.config.agents_of(queue)).chain(named.filter_map(|a| q.config.agent(a)));
    let agents = agents.map(|agent| &agent.person.address);
    let mut people: Vec<Address> = writers().chain(members).chain(agents).cloned().collect();
    people.sort();
    people.dedup();
    people
}

/// The `scope` and `key` columns of a budget.
pub(super) fn budget_columns(key: &BudgetKey) -> (&'static str, String) {
    match key {
        BudgetKey::Sender(address) => ("sender", address.key().to_owned()),
        BudgetKey::Domain(domain) => ("domain", domain.clone()),
        BudgetKey::Ticket(number) => ("ticket", number.to_string()),
        BudgetKey::Answers => ("answers", String::new()),
        BudgetKey::Notifications => ("notifications", String::new()),
        BudgetKey::Notices(number) => ("notifications", number.to_string()),
    }
}

fn spent(db: &Connection, hour: i64, key: &BudgetKey) -> Result<Option<u32>, StoreError> {
    let (scope, key) = budget_columns(key);
    let sql = "SELECT count FROM budget WHERE hour = ?1 AND scope = ?2 AND key = ?3";
    Ok(db.prepare_cached(sql)?.query_row((hour, scope, key), |r| r.get(0)).optional()?)
}

/// How many rounds of notifications agents got in the hour of `now`.
pub fn notified(db: &Connection, now: Timestamp) -> Result<u32, StoreError> {
    Ok(spent(db, now.0.div_euclid(3600), &BudgetKey::Notifications)?.unwrap_or(0))
}

/// What an admin has been told in the hour of `now`.
pub fn told(db: &Connection, now: Timestamp) -> Result<Vec<String>, StoreError> {
    let hour = now.0.div_euclid(3600);
    let mut statement = db.prepare_cached("SELECT key FROM budget WHERE hour = ?1 AND scope = 'word'")?;
    let rows = statement.query_map([hour], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn history(db: &Connection, address: &Address) -> Result<(Vec<Row>, i64), StoreError> {
    let sql = "SELECT number, status, queue, subject, requester_name, requester, assignee, changed_at
               FROM ticket WHERE requester = ?1 ORDER BY id DESC LIMIT 3";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([address.key()])?;
    let mut history = Vec::new();
    while let Some(r) = rows.next()? {
        history.push(row(r)?);
    }
    let sql = "SELECT count(*) FROM (SELECT 1 FROM ticket WHERE requester = ?1 LIMIT ?2)";
    let count = db.prepare_cached(sql)?.query_row((address.key(), HISTORY_COUNT_MAX), |r| r.get(0))?;
    Ok((history, count))
}

/// A table row from columns number, status, queue, subject, requester_name, requester, assignee, changed_at.
pub(super) fn row(r: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    let (name, address): (String, String) = (r.get(4)?, r.get(5)?);
    Ok(Row {
        number: r.get(0)?,
        status: status(&r.get::<_, String>(1)?)?,
        queue: r.get(2)?,
        subject: r.get(3)?,
        requester: if name.is_empty() { address } else { name },
        assignee: r.get(6)?,
        changed_at: Timestamp(r.get(7)?),
    })
}

fn load(db: &Connection, agent: &Address) -> Result<Load, StoreError> {
    let sql = "SELECT count(*) FROM ticket WHERE assignee = ?1 AND status IN ('new', 'open', 'pending')";
    let live = db.prepare_cached(sql)?.query_row([agent.key()], |r| r.get(0))?;
    let sql = "SELECT last_ticket, away_until FROM agent WHERE address = ?1";
    let state = db
        .prepare_cached(sql)?
        .query_row([agent.key()], |r| Ok((r.get(0)?, r.get::<_, Option<i64>>(1)?)))
        .optional()?;
    let (last_ticket, away_until) = state.unwrap_or((0, None));
    Ok(Load {
        agent: agent.clone(),
        live,
        last_ticket: Timestamp(last_ticket),
        away_until: away_until.map(Timestamp),
    })
}

/// A free ticket number at random. The space is widened long before it fills, so few draws are needed.
pub(super) fn fresh_number(db: &Connection, dice: &Dice) -> Result<i64, StoreError> {
    let taken = next_id(db, "ticket")? - 1;
    let (first, count) = number_space(u64::try_from(taken).unwrap_or(0));
    let mut statement = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM ticket WHERE number = ?1)")?;
    loop {
        let number = i64::try_from(first + dice.below(count)).unwrap_or(i64::MAX);
        if !statement.query_row([number], |r| r.get::<_, bool>(0))? {
            return Ok(number);
        }
    }
}
