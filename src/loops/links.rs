//! A link to the conversation, asked for on the status page: a mail to the requester, whoever asked.
//!
//! One mail per ticket and hour, and a bound on all of them: the page is open to everybody, and must not become a way
//! to fill other people's mailboxes, nor to use up the budgets of acknowledgements.

use super::composing::compose_all;
use super::shared::Shared;
use crate::clock::Timestamp;
use crate::desk::decide::link;
use crate::store::commit::file_without_mail;
use crate::store::{Connection, StoreError, facts, keys, outbox};

/// Puts the mail with the link into the outbox, if there is such a ticket with an address that takes mail. Says nothing
/// about whether it did.
pub async fn request(shared: &Shared, number: i64) -> Result<(), StoreError> {
    let (settings, dice, now) = (shared.settings(), shared.dice.clone(), shared.clock.now());
    let found = shared.readers.ask(move |reader| facts::ticket_by_number(reader.db(), number, now)).await?;
    if found.is_none() {
        return Ok(());
    }
    let job = move |db: &Connection| {
        let Some(decision) = decide(db, &settings.config, number, now)? else { return Ok(false) };
        let keys = keys::load(db, now, settings.config.desk.key_valid_secs)?;
        let ready = compose_all(&settings, &keys, &decision, None, (now, &dice))?;
        file_without_mail(db, "status page", (&decision, &ready), now)?;
        Ok(true)
    };
    if shared.store.write(job).await? {
        shared.outbox_bell.notify_one();
    }
    Ok(())
}

fn decide(
    db: &Connection,
    config: &crate::config::Config,
    number: i64,
    now: Timestamp,
) -> Result<Option<crate::desk::decision::Decision>, StoreError> {
    let Some(ticket) = facts::ticket_by_number(db, number, now)? else { return Ok(None) };
    let Some(requester) = &ticket.requester else { return Ok(None) };
    if outbox::is_paused(db, &requester.address, now)? {
        return Ok(None);
    }
    Ok(link::requested(config, &ticket, &facts::told(db, now)?))
}
