//! `postdesk doctor`: the ledger against the servers. "The server has 412, the ledger has 412."

use super::output::{self, table};
use super::{Ending, Office};
use crate::config::{After, Mailbox};
use crate::imap::Session;
use crate::net::TcpDial;
use crate::store::ledger;
use crate::store::orphans::{Orphans, REMEDY};
use crate::store::read::Reader;

/// How one mailbox stands.
#[derive(Debug, serde::Serialize)]
struct Finding {
    mailbox: String,
    folder: String,
    uidvalidity: u32,
    server_has: usize,
    ledger_has: usize,
    waiting: usize,
    not_told: usize,
    dispositions: Vec<(String, i64)>,
    error: Option<String>,
}

/// Compares every mailbox.
pub async fn doctor(office: &Office) -> anyhow::Result<Ending> {
    let settings = office.settings()?;
    let reader = office.reader()?;
    let bar = output::progress("mailboxes");
    let mut findings = Vec::new();
    // Of sent mail, what lay there before is in no ledger.
    let incoming = settings.config.mailboxes.iter().filter(|mailbox| !mailbox.is_sent);
    for (done, mailbox) in incoming.enumerate() {
        output::advance(&bar, done, settings.config.mailboxes.len());
        findings.push(match compare(&reader, mailbox).await {
            Ok(finding) => finding,
            Err(error) => Finding { error: Some(error.to_string()), ..nothing(mailbox) },
        });
    }
    bar.finish_and_clear();
    let orphans = reader.orphans(&settings.config)?;
    let value = serde_json::json!({ "mailboxes": findings, "tickets_of_absent_agents": orphans });
    office.print(&value, |_| words(&findings, &orphans))?;
    let wrong =
        findings.iter().any(|f| f.error.is_some() || f.waiting > 0 || f.not_told > 0) || !orphans.is_empty();
    Ok(if wrong { Ending::Wrong } else { Ending::Well })
}

fn nothing(mailbox: &Mailbox) -> Finding {
    Finding {
        mailbox: mailbox.name.clone(),
        folder: mailbox.folder.clone(),
        uidvalidity: 0,
        server_has: 0,
        ledger_has: 0,
        waiting: 0,
        not_told: 0,
        dispositions: Vec::new(),
        error: None,
    }
}

async fn compare(reader: &Reader, mailbox: &Mailbox) -> anyhow::Result<Finding> {
    let mut session = Session::open(&mailbox.server, &TcpDial).await?;
    let selected = session.select(&mailbox.folder).await?;
    let uids = session.uids(1).await?;
    session.logout().await;
    let mut finding =
        Finding { uidvalidity: selected.uidvalidity, server_has: uids.len(), ..nothing(mailbox) };
    for uid in uids {
        match ledger::account(reader.db(), &mailbox.name, selected.uidvalidity, uid)? {
            None => finding.waiting += 1,
            Some(account) => {
                finding.ledger_has += 1;
                let refused = account.disposition == crate::desk::decision::Disposition::Refused;
                // What was moved or deleted cannot be here, told of or not.
                finding.not_told +=
                    usize::from(!refused && (!account.settled || mailbox.after != After::Flag));
            }
        }
    }
    finding.dispositions = ledger::counts(reader.db(), &mailbox.name, selected.uidvalidity)?;
    Ok(finding)
}

fn words(findings: &[Finding], orphans: &[Orphans]) -> String {
    let mut lines: Vec<String> = findings
        .iter()
        .map(|f| match &f.error {
            Some(error) => format!("{}: {error}", f.mailbox),
            None => format!(
                "{}: the server has {} in {}, the ledger has {} of them; {} wait to be taken, {} to be moved or flagged",
                f.mailbox, f.server_has, f.folder, f.ledger_has, f.waiting, f.not_told
            ),
        })
        .collect();
    let rows: Vec<_> = findings
        .iter()
        .flat_map(|f| f.dispositions.iter().map(|(d, n)| [f.mailbox.clone(), d.clone(), n.to_string()]))
        .collect();
    if !rows.is_empty() {
        lines.push(table(["mailbox", "disposition", "mails"], rows));
    }
    lines.extend(orphans.iter().map(|orphans| {
        format!("{orphans} assigned to {}, who is no agent any more; {REMEDY}", orphans.assignee)
    }));
    output::safe(&lines.join("\n"))
}
