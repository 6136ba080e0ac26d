//! What is written down about outgoing mail: how an attempt ended, that the end of the data may leave, what is claimed
//! next; and what follows from a mail that could not be delivered.

use crate::clock::{Dice, Timestamp};
use crate::desk::decide::outcome;
use crate::desk::decision::Decision;
use crate::loops::composing::compose_all;
use crate::loops::in_hand::{Claim, InHand};
use crate::loops::shared::{Settings, Shared};
use crate::retry::{Next, OUTBOX};
use crate::store::commit::file_without_mail;
use crate::store::outbox::{self as rows, Claimed, Settled};
use crate::store::{Connection, StoreError, facts, keys, writer};
use std::sync::Arc;

/// So many mails must wait for one to be claimed before its turn.
const BACKLOG: usize = 16;

/// How a mail ended.
pub(super) type Ended = (Claimed, Settled, String);

/// A mail in a worker's hands.
pub(super) type Held = (Claimed, InHand);

/// What one transaction of a worker writes down.
pub(super) struct Notes {
    /// How mails ended.
    pub(super) ended: Vec<Arc<Ended>>,
    /// The row whose mail may be with the relay from now on.
    pub(super) handed_over: Option<i64>,
    /// What to claim.
    pub(super) wanted: Wanted,
}

/// What to claim.
pub(super) enum Wanted {
    /// Nothing.
    Nothing,
    /// The next mail.
    Next,
    /// The next mail, if more of them wait than the workers have hands: else another worker is free for it.
    Ahead,
}

/// After a stop: puts rows that were being sent where they belong, and tells the agents of what is uncertain.
pub async fn recover(shared: &Shared) -> Result<usize, StoreError> {
    let (settings, now, dice) = (shared.settings(), shared.clock.now(), shared.dice.clone());
    let uncertain = shared.store.write(move |db| {
        let ids = rows::recover(db, now)?;
        for id in &ids {
            tell(
                db,
                &settings,
                (*id, "Postdesk stopped before the relay answered"),
                outcome::Trouble::Uncertain,
                (now, &dice),
            )?;
        }
        Ok(ids.len())
    });
    uncertain.await
}

/// One transaction of a worker. Gives the mail it claimed.
pub(super) async fn write_down(shared: &Shared, notes: Notes) -> Result<Option<Held>, StoreError> {
    let (settings, now, dice) = (shared.settings(), shared.clock.now(), shared.dice.clone());
    let (fallen, bell) = (shared.fallen.clone(), Arc::clone(&shared.outbox_bell));
    let job = move |db: &Connection| {
        for (mail, settled, said) in notes.ended.iter().map(AsRef::as_ref) {
            conclude(db, &settings, mail.id, (settled, said), (now, &dice))?;
        }
        if let Some(id) = notes.handed_over {
            rows::hand_over(db, id)?;
        }
        let claimed = match notes.wanted {
            Wanted::Nothing => None,
            Wanted::Next => rows::claim(db, now, 1)?,
            Wanted::Ahead => rows::claim(db, now, BACKLOG)?,
        };
        // Held from here on: whoever asked may be gone before the answer comes.
        let hold = |mail: Claimed| {
            let claim = Claim { id: mail.id, attempt: mail.attempt };
            (mail, InHand::new(claim, fallen.clone(), Arc::clone(&bell)))
        };
        Ok(claimed.map(hold))
    };
    shared.store.write(job).await
}

/// Puts rows where they belong whose worker fell over or was cut off, as a start after a crash does: what may have been
/// taken is uncertain, anything else is tried again, later each time, for the worker may fall over it again.
pub(super) async fn pick_up(shared: &Shared) -> Result<(), StoreError> {
    for (left, claim) in shared.fallen.all() {
        let (settings, now, dice) = (shared.settings(), shared.clock.now(), shared.dice.clone());
        let fallen = shared.fallen.clone();
        let job = move |db: &Connection| {
            if fallen.is_held(claim.id) {
                return Ok(());
            }
            let Some((handed_over, tried_at)) = rows::in_hand(db, claim.id, claim.attempt)? else {
                return Ok(());
            };
            let settled = match OUTBOX.next(claim.attempt, tried_at, now, dice.draw()) {
                _ if handed_over => Settled::Uncertain,
                Next::At(at) => Settled::Deferred(at),
                Next::GiveUp => Settled::Failed,
            };
            tracing::warn!(
                outbox = claim.id,
                "outgoing {}: {}: its worker was cut off",
                claim.id,
                settled.word()
            );
            conclude(
                db,
                &settings,
                claim.id,
                (&settled, "Postdesk was cut off while sending it"),
                (now, &dice),
            )
        };
        match shared.store.write(job).await {
            Err(error) if error.is_of_the_disk() => return Err(error),
            // It stays as it is until the next start: no other mail may wait for it.
            Err(error) => tracing::error!("outgoing {} is left as it is: {error}", claim.id),
            Ok(()) => {}
        }
        shared.fallen.forget(left);
    }
    Ok(())
}

/// Writes down how an attempt ended, and tells who should know.
fn conclude(
    db: &Connection,
    settings: &Settings,
    id: i64,
    end: (&Settled, &str),
    chance: (Timestamp, &Dice),
) -> Result<(), StoreError> {
    let (settled, said) = end;
    rows::settle(db, id, settled, said, chance.0)?;
    let trouble = match settled {
        Settled::Failed => outcome::Trouble::Failed,
        Settled::Uncertain => outcome::Trouble::Uncertain,
        Settled::Sent | Settled::Deferred(_) => return Ok(()),
    };
    tell(db, settings, (id, said), trouble, chance)
}

/// What follows from a mail that could not be delivered: decided by the rules, written in the same transaction. Where that
/// fails, the row is settled all the same: it would keep its worker, or the next start, from all other mail.
fn tell(
    db: &Connection,
    settings: &Settings,
    row: (i64, &str),
    trouble: outcome::Trouble,
    chance: (Timestamp, &Dice),
) -> Result<(), StoreError> {
    match writer::in_savepoint(db, |db| decide_and_tell(db, settings, row, trouble, chance)) {
        Err(error) if !error.is_of_the_disk() => {
            tracing::error!(outbox = row.0, "nobody is told about outgoing {}: {error}", row.0);
            Ok(())
        }
        told => told,
    }
}

fn decide_and_tell(
    db: &Connection,
    settings: &Settings,
    row: (i64, &str),
    trouble: outcome::Trouble,
    chance: (Timestamp, &Dice),
) -> Result<(), StoreError> {
    let Some((row_facts, ticket)) = facts::outgoing(db, row.0, chance.0)? else { return Ok(()) };
    let told = facts::told(db, chance.0)?;
    let decision: Decision =
        outcome::undelivered(&settings.config, &row_facts, ticket.as_ref(), &told, trouble, row.1);
    let keys = keys::load(db, chance.0, settings.config.desk.key_valid_secs)?;
    // A template that fails must not keep the row from being settled, or the relay would be asked for ever.
    let ready = compose_all(settings, &keys, &decision, None, chance).unwrap_or_else(|error| {
        tracing::error!(outbox = row.0, "nobody is told about outgoing {}: {error}", row.0);
        Vec::new()
    });
    file_without_mail(db, "postdesk", (&decision, &ready), chance.0)
}
