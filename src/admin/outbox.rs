//! `postdesk outbox`: outgoing mail that waits or went wrong; trying again, dropping.

use super::output::{self, table, time};
use super::{Ending, Office};
use crate::clock::Clock;
use crate::store::lists::OutgoingRow;
use crate::store::{gauges, outbox as rows};

/// Lists outgoing mail in `state`, or all that is neither sent nor dropped, with the counts of the
/// states of those. Mail that was sent is counted by nobody: it would be a walk through all of it.
pub fn list(office: &Office, state: Option<&str>, limit: i64) -> anyhow::Result<Ending> {
    let reader = office.reader()?;
    let (mails, counts) = (reader.outgoing(state, limit)?, gauges::unsettled(reader.db())?);
    let value = serde_json::json!({ "counts": counts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(), "mails": mails });
    office.print(&value, |_| {
        let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{state} {count}")).collect();
        format!(
            "{}\n{}",
            outgoing_table(&mails),
            if counts.is_empty() { "the outbox is empty".to_owned() } else { counts.join(", ") }
        )
    })?;
    Ok(Ending::Well)
}

fn outgoing_table(mails: &[OutgoingRow]) -> String {
    let cells = mails.iter().map(|mail| {
        let ticket = mail.number.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let next = if matches!(mail.state.as_str(), "queued" | "deferred") {
            time(mail.next_at)
        } else {
            "-".to_owned()
        };
        [
            mail.id.to_string(),
            mail.state.clone(),
            mail.template.clone(),
            mail.recipient.clone(),
            ticket,
            mail.attempts.to_string(),
            next,
            mail.said.clone(),
        ]
    });
    table(["outgoing", "state", "template", "to", "ticket", "attempts", "next try", "said last"], cells)
}

/// Puts a mail back into the queue.
pub async fn retry(office: &Office, id: i64) -> anyhow::Result<Ending> {
    change(office, id, "is queued again", rows::retry).await
}

/// Takes a mail out of the queue.
pub async fn drop(office: &Office, id: i64) -> anyhow::Result<Ending> {
    change(office, id, "is dropped", rows::drop).await
}

async fn change(
    office: &Office,
    id: i64,
    done: &str,
    change: impl FnOnce(
        &crate::store::Connection,
        i64,
        crate::clock::Timestamp,
    ) -> Result<(), crate::store::StoreError>
    + Send
    + 'static,
) -> anyhow::Result<Ending> {
    let shared = office.shared()?;
    let now = Clock::real().now();
    shared.store.write(move |db| change(db, id, now)).await?;
    output::line(&format!("outgoing mail {id} {done}"))?;
    Ok(Ending::Well)
}
