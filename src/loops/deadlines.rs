//! What is due: tickets that wake, budgets and bodies that are past keeping.

use super::shared::{Shared, stopped};
use crate::desk::decide::tick;
use crate::store::commit::file_without_mail;
use crate::store::{StoreError, outbox, tidy};
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
    let desk = &settings.config.desk;
    let (keys_before, bodies_before) = (now.plus(-desk.key_valid_secs), now.plus(-desk.sent_kept_secs));
    let job = move |db: &crate::store::Connection| {
        let due = tidy::due(db, now, AT_ONCE)?;
        for (number, status) in &due {
            file_without_mail(db, "postdesk", (&tick::wake(*number, *status), &[]), now)?;
        }
        tidy::forget(db, keys_before, now)?;
        outbox::forget_bodies(db, bodies_before, AT_ONCE)?;
        Ok(due.len())
    };
    shared.store.write(job).await
}
