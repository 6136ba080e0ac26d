//! `postdesk deliver --queue NAME`: one mail on standard input, from an MTA's pipe.

use super::{Ending, Office};
use crate::desk::decision::Disposition;
use crate::loops::Shared;
use crate::loops::filing::{self, Outcome};
use crate::store::commit::Origin;
use anyhow::{Context, anyhow};
use std::io::Read;

/// Files the mail on standard input. Whatever stops it from being stored is an error, which the caller turns into exit
/// code 75 (EX_TEMPFAIL), so that the MTA tries again.
pub async fn deliver(office: &Office, queue: &str) -> anyhow::Result<Ending> {
    let shared = office.shared()?;
    let settings = shared.settings();
    if settings.config.queue(queue).is_none() {
        return Err(anyhow!("there is no queue {queue} in {}", office.config.display()));
    }
    let limit = settings.config.limits.mail_max_bytes;
    let mut raw = Vec::new();
    std::io::stdin()
        .lock()
        .take(limit.saturating_add(1))
        .read_to_end(&mut raw)
        .context("cannot read standard input")?;
    if u64::try_from(raw.len()).is_ok_and(|size| size > limit) {
        return Err(anyhow!("the mail is over the limit of {limit} bytes (limits.mail_max)"));
    }
    file(&shared, "deliver", queue, raw, false).await?;
    Ok(Ending::Well)
}

/// Files a mail that came through no mailbox. `confirmed`: its author is known to be who From says.
pub async fn file(
    shared: &Shared,
    door: &'static str,
    queue: &str,
    raw: Vec<u8>,
    confirmed: bool,
) -> anyhow::Result<Outcome> {
    let origin = Origin { mailbox: door.to_owned(), uidvalidity: 0, uid: 0, queue: queue.to_owned() };
    let outcome = shared.file(filing::receive(origin, None, raw).confirmed(confirmed)).await?;
    if outcome.disposition == Disposition::Quarantined {
        tracing::warn!("the mail was set aside: {}", outcome.reason);
    }
    Ok(outcome)
}
