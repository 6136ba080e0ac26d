//! A mailbox that has not worked for long: the admins are told by mail, once, for nobody may be reading the log.

use super::composing::compose_all;
use super::shared::Shared;
use crate::clock::Timestamp;
use crate::desk::decide::admin;
use crate::store::commit::file_without_mail;
use crate::store::{Connection, StoreError, facts, keys};

/// How long a mailbox may be away before the admins hear of it: longer than a server takes to restart.
pub const TOLD_AFTER_SECS: i64 = 15 * 60;

/// A mailbox's present outage, if there is one.
#[derive(Debug, Default)]
pub struct Outage {
    since: Option<Timestamp>,
    told: bool,
}

impl Outage {
    /// Another attempt failed, for the reason `why`. Tells the admins when it is time.
    pub async fn goes_on(&mut self, shared: &Shared, mailbox: &str, why: &str) -> Result<(), StoreError> {
        let since = *self.since.get_or_insert(shared.clock.now());
        if self.told || shared.clock.now().since(since) < TOLD_AFTER_SECS {
            return Ok(());
        }
        tell(shared, mailbox, since, why).await?;
        self.told = true;
        Ok(())
    }

    /// It works. Whether it did not before.
    pub fn is_over(&mut self) -> bool {
        std::mem::take(self).since.is_some()
    }
}

async fn tell(shared: &Shared, mailbox: &str, since: Timestamp, why: &str) -> Result<(), StoreError> {
    let (settings, dice, now) = (shared.settings(), shared.dice.clone(), shared.clock.now());
    let (mailbox, why) = (mailbox.to_owned(), why.to_owned());
    let job = move |db: &Connection| {
        let config = &settings.config;
        let place = config.mailboxes.iter().find(|known| known.name == mailbox);
        let Some(queue) = place.and_then(|mailbox| config.queues.get(mailbox.queue)) else { return Ok(()) };
        let decision = admin::away(config, queue, &facts::told(db, now)?, (&mailbox, since), &why);
        let keys = keys::load(db, now, config.desk.key_valid_secs)?;
        let ready = compose_all(&settings, &keys, &decision, None, (now, &dice))?;
        file_without_mail(db, "postdesk", (&decision, &ready), now)
    };
    shared.store.write(job).await?;
    shared.outbox_bell.notify_waiters();
    Ok(())
}
