//! Mail that a report or a confirmation is about.

use super::ticket::{follow_merges, ticket};
use super::{Question, StoreError, add_ticket};
use crate::address::Address;
use crate::clock::Timestamp;
use crate::desk::decision::Template;
use crate::desk::facts::{Facts, OutboxFacts, TicketFacts};
use crate::mail::ids::MessageId;
use crate::mail::token::{Purpose, Token};
use rusqlite::{Connection, OptionalExtension};

/// The outgoing mail that a delivery report is about: by Message-ID, else by the envelope sender's token. Each outgoing
/// mail has one recipient, so it is one, the one named most surely; others are those of the conversation before it.
pub(super) fn read_reported(db: &Connection, q: Question<'_>, facts: &mut Facts) -> Result<(), StoreError> {
    let Some(bounce) = &q.mail.bounce else { return Ok(()) };
    for id in bounce.about.iter().chain(q.mail.points_at()) {
        if facts.outbox.is_empty() {
            facts.outbox.extend(outbox_row(db, "outbox.message_id = ?1", [id.as_str()])?);
        }
    }
    if facts.outbox.is_empty() {
        for token in q.keys.address_tokens.iter().filter(|token| token.purpose == Purpose::Bounce) {
            facts.outbox.extend(reported_by_address(db, token)?);
        }
    }
    for number in facts.outbox.iter().filter_map(|row| row.number).collect::<Vec<_>>() {
        add_ticket(db, facts, number, q.now)?;
    }
    Ok(())
}

/// The outgoing mail whose envelope sender carried `token`. One about no ticket is found by its Message-ID, which begins
/// with what the two tokens share; either must then be the row's own, to the last letter.
fn reported_by_address(db: &Connection, token: &Token) -> Result<Option<OutboxFacts>, StoreError> {
    let own = format!("%+{}@%", token.text());
    if token.number != 0 {
        let condition =
            "outbox.ticket_id = (SELECT id FROM ticket WHERE number = ?1) AND outbox.envelope_from LIKE ?2";
        return outbox_row(db, condition, (token.number, own));
    }
    let (from, to) = token.message_ids_without_ticket();
    let condition = "outbox.message_id >= ?1 AND outbox.message_id < ?2 AND outbox.ticket_id IS NULL AND outbox.envelope_from LIKE ?3";
    outbox_row(db, condition, (from, to, own))
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
pub(super) fn read_held(db: &Connection, q: Question<'_>, facts: &mut Facts) -> Result<(), StoreError> {
    let Some(token) = q.keys.tokens().find(|token| token.purpose == Purpose::Confirm) else { return Ok(()) };
    let sql = "SELECT from_address FROM mail WHERE id = ?1 AND disposition = 'held'";
    let from: Option<String> = db.prepare_cached(sql)?.query_row([token.number], |r| r.get(0)).optional()?;
    facts.held = from.and_then(|from| Address::parse(&from)).map(|from| (token.number, from));
    Ok(())
}
