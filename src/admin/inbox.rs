//! `postdesk inbox`: the ledger of mails; showing one, exporting its bytes, trying one again that was set aside.

use super::output::{self, safe, table, time};
use super::{Ending, Office};
use crate::desk::decision::Disposition;
use crate::mail::{LIMITS, read, report};
use crate::store::lists::MailRow;
use crate::store::pack::raw_of_mail;
use anyhow::{Context, anyhow};
use std::path::Path;

/// Lists the newest mails, all or of one disposition.
pub fn list(office: &Office, disposition: Option<&str>, limit: i64) -> anyhow::Result<Ending> {
    if let Some(word) = disposition.filter(|word| Disposition::from_word(word).is_none()) {
        let known: Vec<&str> = Disposition::ALL.iter().map(|d| d.word()).collect();
        return Err(anyhow!("there is no disposition {word}; there are {}", known.join(", ")));
    }
    let mails = office.reader()?.mails(disposition, limit)?;
    office.print(&mails, |mails| mail_table(mails))?;
    Ok(Ending::Well)
}

fn mail_table(mails: &[MailRow]) -> String {
    let cells = mails.iter().map(|mail| {
        let ticket = mail.number.map_or_else(|| "-".to_owned(), |n| n.to_string());
        [
            mail.id.to_string(),
            time(mail.received_at),
            mail.from.clone(),
            mail.disposition.clone(),
            ticket,
            mail.reason.clone(),
            mail.subject.clone(),
        ]
    });
    table(["mail", "taken", "from", "disposition", "ticket", "reason", "subject"], cells)
}

/// Shows one mail: its account, and what was read of it.
pub fn show(office: &Office, id: i64) -> anyhow::Result<Ending> {
    let reader = office.reader()?;
    let account = reader.mail(id)?.ok_or_else(|| anyhow!("there is no mail {id}"))?;
    let raw = raw_of_mail(reader.db(), id)?;
    let reading = raw.as_ref().map(|raw| report(&read(raw, &LIMITS), raw));
    let value = serde_json::json!({ "account": account, "reading": reading });
    office.print(&value, |_| {
        let text = raw.as_ref().map_or_else(|| "(no bytes are kept of this mail)".to_owned(), |raw| read(raw, &LIMITS).text());
        let told = if account.settled { "yes" } else { "not yet" };
        let odd = if account.oddities.is_empty() { "nothing" } else { &account.oddities };
        safe(&format!(
            "mail {} in {} (uid {}), {} bytes, taken {}\nfrom {}\nsubject {}\n{}: {}\nodd: {odd}\nserver told: {told}\n\n{text}",
            account.id, account.mailbox, account.uid, account.size, time(account.received_at), account.from, account.subject, account.disposition, account.reason,
        ))
    })?;
    Ok(Ending::Well)
}

/// Writes the raw bytes of a mail to `file`.
pub fn export(office: &Office, id: i64, file: &Path) -> anyhow::Result<Ending> {
    let reader = office.reader()?;
    let raw = raw_of_mail(reader.db(), id)?
        .ok_or_else(|| anyhow!("no bytes are kept of mail {id}, or there is no such mail"))?;
    std::fs::write(file, raw).with_context(|| format!("cannot write {}", file.display()))?;
    output::line(&format!("mail {id} is in {}", file.display()))?;
    Ok(Ending::Well)
}

/// Decides anew about a mail that was set aside.
pub async fn retry(office: &Office, id: i64) -> anyhow::Result<Ending> {
    let shared = office.shared()?;
    let outcome = shared.retry(id).await?;
    let value = serde_json::json!({ "mail": id, "disposition": outcome.disposition, "reason": outcome.reason, "ticket": outcome.number });
    office.print(&value, |_| {
        safe(&format!("mail {id} is now {}: {}", outcome.disposition.word(), outcome.reason))
    })?;
    Ok(if outcome.disposition == Disposition::Quarantined { Ending::Wrong } else { Ending::Well })
}
