//! What is due: tickets that wake, budgets and bodies that are past keeping.

use super::composing::compose_all;
use super::shared::{Settings, Shared, stopped};
use crate::address::Address;
use crate::clock::{Dice, Timestamp};
use crate::config::Agent;
use crate::desk::decide::tick;
use crate::desk::decision::Decision;
use crate::store::commit::file_without_mail;
use crate::store::{Connection, StoreError, asked, facts, keys, outbox, tidy, writer};
use std::time::Duration;
use tokio::sync::watch;

/// How often is looked.
const EVERY: Duration = Duration::from_secs(30);

/// Most rows dealt with in one transaction.
const AT_ONCE: i64 = 200;

/// Repeats [`step`] until told to stop.
pub async fn run(shared: Shared, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = step(&shared).await {
            tracing::error!("what is due waits: {error}");
        }
        tokio::select! { () = tokio::time::sleep(EVERY) => {}, () = stopped(&mut stop) => {} }
    }
}

/// Does what is due now. Returns how many tickets woke.
pub async fn step(shared: &Shared) -> Result<usize, StoreError> {
    let now = shared.clock.now();
    let settings = shared.settings();
    let dice = shared.dice.clone();
    let desk = &settings.config.desk;
    let (keys_before, bodies_before) = (now.plus(-desk.key_valid_secs), now.plus(-desk.sent_kept_secs));
    let job = move |db: &Connection| {
        let due = tidy::due(db, now, AT_ONCE)?;
        let paused = if due.is_empty() { Vec::new() } else { paused(db, &settings, now)? };
        for number in &due {
            let wake = |db: &Connection| wake(db, &settings, (*number, &paused), now, &dice);
            alone(db, &format!("ticket {number} cannot be woken"), wake)?;
        }
        digests(db, &settings, now, &dice)?;
        tidy::forget(db, keys_before, now)?;
        outbox::forget_bodies(db, bodies_before, AT_ONCE)?;
        Ok(due.len())
    };
    shared.store.write(job).await
}

/// Does one of the things that are due. What fails of it keeps nothing else from being done, now and ever after; an error
/// of the disk stops everything.
fn alone(
    db: &Connection,
    what: &str,
    job: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    match writer::in_savepoint(db, job) {
        Err(error) if !error.is_of_the_disk() => {
            tracing::error!("{what}: {error}");
            Ok(())
        }
        done => done,
    }
}

/// Agents whom no mail is sent to for now.
fn paused(db: &Connection, settings: &Settings, now: Timestamp) -> Result<Vec<Address>, StoreError> {
    let mut paused = Vec::new();
    for agent in &settings.config.agents {
        if outbox::is_paused(db, &agent.person.address, now)? {
            paused.push(agent.person.address.clone());
        }
    }
    Ok(paused)
}

/// A ticket that was put off is back, and its agents are told, but for those who are paused.
fn wake(
    db: &Connection,
    settings: &Settings,
    (number, paused): (i64, &[Address]),
    now: Timestamp,
    dice: &Dice,
) -> Result<(), StoreError> {
    let config = &settings.config;
    let Some(ticket) = facts::ticket_by_number(db, number, now)? else { return Ok(()) };
    let said = asked::newest(db, number, tick::SHOWN_AT_WAKING)?;
    let (notified, told) = (facts::notified(db, now)?, facts::told(db, now)?);
    let known = tick::Waking { said: &said, paused, notified, told: &told };
    let decision = tick::wake(config, &ticket, known);
    file(db, settings, &decision, &format!("ticket {number} is back, and"), (now, dice))
}

/// Keeps a decision. A template that fails must not keep what else is due from being done, now and ever after.
fn file(
    db: &Connection,
    settings: &Settings,
    decision: &Decision,
    what: &str,
    chance: (Timestamp, &Dice),
) -> Result<(), StoreError> {
    let keys = keys::load(db, chance.0, settings.config.desk.key_valid_secs)?;
    let ready = compose_all(settings, &keys, decision, None, chance).unwrap_or_else(|error| {
        tracing::error!("{what} nobody is told: {error}");
        Vec::new()
    });
    file_without_mail(db, "postdesk", (decision, &ready), chance.0)
}

/// The morning digests that are due. An agent who is away gets none.
fn digests(db: &Connection, settings: &Settings, now: Timestamp, dice: &Dice) -> Result<(), StoreError> {
    let config = &settings.config;
    for agent in config.agents.iter().filter(|agent| agent.digest_hour.is_some()) {
        alone(db, "a morning's digest is left out", |db| digest(db, settings, agent, now, dice))?;
    }
    Ok(())
}

fn digest(
    db: &Connection,
    settings: &Settings,
    agent: &Agent,
    now: Timestamp,
    dice: &Dice,
) -> Result<(), StoreError> {
    let config = &settings.config;
    let (last, away_until) = asked::digest_state(db, &agent.person.address)?;
    let Some(day) = tick::digest_day(agent, &last, now) else { return Ok(()) };
    if away_until.is_some_and(|until| until > now) {
        return Ok(());
    }
    let decision = tick::digest(config, agent, day, asked::waiting_for(db, config, agent)?);
    file(db, settings, &decision, "of a morning's digest", (now, dice))
}
