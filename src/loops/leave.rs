//! A participant leaves a ticket by the link in a mail's `List-Unsubscribe`: the same rule as by mail, without one.

use super::shared::Shared;
use crate::desk::decide::leave;
use crate::desk::decision::Decision;
use crate::mail::token::Token;
use crate::store::commit::file_without_mail;
use crate::store::{Connection, StoreError, facts, keys};

/// Takes the participant whom `token` was made for out of its ticket. Says whether there was one. Nothing is written for
/// a token that is not ours.
pub async fn request(shared: &Shared, token: Token) -> Result<bool, StoreError> {
    let (settings, now) = (shared.settings(), shared.clock.now());
    let decide = move |db: &Connection| -> Result<Option<Decision>, StoreError> {
        let keys = keys::load(db, now, settings.config.desk.key_valid_secs)?;
        let ticket = facts::ticket_led_to(db, token.number, now)?;
        Ok(ticket.and_then(|ticket| leave::requested(&ticket, &token, &keys)))
    };
    let first = decide.clone();
    if shared.readers.ask(move |reader| first(reader.db())).await?.is_none() {
        return Ok(false);
    }
    let job = move |db: &Connection| {
        let Some(decision) = decide(db)? else { return Ok(false) };
        file_without_mail(db, "status page", (&decision, &[]), now)?;
        Ok(true)
    };
    shared.store.write(job).await
}
