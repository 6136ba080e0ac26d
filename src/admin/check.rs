//! `postdesk check`: everything `run` would complain about, without connecting; with `--connect`, every login too.

use super::{Ending, Office, output};
use crate::config::secret::SecretSource;
use crate::config::{Config, Server};
use crate::imap::Session;
use crate::net::TcpDial;
use crate::smtp::Connection;

/// Checks configuration, templates and secrets; with `connect`, logs in everywhere.
pub async fn check(office: &Office, connect: bool) -> anyhow::Result<Ending> {
    let settings = office.settings()?;
    let config = &settings.config;
    let mut lines: Vec<(String, Result<String, String>)> = Vec::new();
    lines.push(("configuration".to_owned(), Ok(summary(config))));
    let faults: Vec<String> = settings.templates.check().iter().map(ToString::to_string).collect();
    lines.push((
        "templates".to_owned(),
        if faults.is_empty() { Ok("all can be rendered".to_owned()) } else { Err(faults.join("\n")) },
    ));
    lines.push(("database".to_owned(), database(config)));
    for (name, server) in servers(config) {
        lines.push((format!("{name}: secret"), secret(server.secret.as_ref())));
    }
    if connect {
        for mailbox in &config.mailboxes {
            let found = match Session::open(&mailbox.server, &TcpDial).await {
                Ok(session) => look(session, &mailbox.folder).await,
                Err(error) => Err(error.to_string()),
            };
            lines.push((format!("mailbox {}: login", mailbox.name), found));
        }
        let found = match Connection::open(&config.smtp.server, &config.desk.domain, &TcpDial).await {
            Ok(connection) => {
                connection.quit().await;
                Ok("logged in".to_owned())
            }
            Err(error) => Err(error.to_string()),
        };
        lines.push(("smtp: login".to_owned(), found));
    }
    if config.desk.trust_from {
        lines.push((
            "warning".to_owned(),
            Ok("trust_from is on: anybody who can forge a From is an agent".to_owned()),
        ));
    }
    report(office, &lines)
}

async fn look(mut session: Session, folder: &str) -> Result<String, String> {
    let selected = session.select(folder).await.map_err(|error| error.to_string());
    let idle = if session.has_idle() { "IDLE" } else { "no IDLE: polling" };
    session.logout().await;
    selected.map(|selected| format!("{} mails in {folder}, {idle}", selected.exists))
}

fn summary(config: &Config) -> String {
    let (queues, mailboxes, agents) = (config.queues.len(), config.mailboxes.len(), config.agents.len());
    format!("{queues} queues, {mailboxes} mailboxes, {agents} agents")
}

fn servers(config: &Config) -> impl Iterator<Item = (String, &Server)> {
    let mailboxes =
        config.mailboxes.iter().map(|mailbox| (format!("mailbox {}", mailbox.name), &mailbox.server));
    mailboxes.chain(std::iter::once(("smtp".to_owned(), &config.smtp.server)))
}

fn secret(source: Option<&SecretSource>) -> Result<String, String> {
    match source.map(SecretSource::read) {
        None => Ok("none is needed".to_owned()),
        Some(Ok(_)) => Ok("can be read".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
    }
}

fn database(config: &Config) -> Result<String, String> {
    let path = &config.desk.database;
    if path.exists() {
        return match crate::store::read::Reader::open(path) {
            Ok(_) => Ok(format!("{} can be opened", path.display())),
            Err(error) => Err(format!("{}: {error}", path.display())),
        };
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => Err(format!("the folder {} does not exist", folder.display())),
        _ => Ok(format!("{} will be made at the first start", path.display())),
    }
}

fn report(office: &Office, lines: &[(String, Result<String, String>)]) -> anyhow::Result<Ending> {
    let wrong = lines.iter().any(|(_, found)| found.is_err());
    let value: Vec<_> = lines
        .iter()
        .map(|(what, found)| match found {
            Ok(words) => serde_json::json!({ "what": what, "ok": true, "found": words }),
            Err(words) => serde_json::json!({ "what": what, "ok": false, "found": words }),
        })
        .collect();
    office.print(&value, |_| {
        let rows = lines.iter().map(|(what, found)| match found {
            Ok(words) => ["ok".to_owned(), what.clone(), words.clone()],
            Err(words) => ["WRONG".to_owned(), what.clone(), words.clone()],
        });
        output::table(["", "what", "found"], rows)
    })?;
    Ok(if wrong { Ending::Wrong } else { Ending::Well })
}
