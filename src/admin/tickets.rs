//! `postdesk ticket`: list and show; reply, note, close and assign go the way of an agent's mail.

use super::output::{safe, table, time};
use super::{Ending, Office, deliver};
use crate::address::Address;
use crate::clock::{Clock, Dice};
use crate::config::{Agent, Config};
use crate::desk::decision::Row;
use crate::store::lists::{TicketFilter, TicketRow};
use anyhow::anyhow;
use std::fmt::Write as _;

/// Lists tickets.
pub fn list(office: &Office, filter: &TicketFilter) -> anyhow::Result<Ending> {
    let rows = office.reader()?.tickets(filter)?;
    office.print(&rows, |rows| ticket_table(rows))?;
    Ok(Ending::Well)
}

fn ticket_table(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let assignee = if row.assignee.is_empty() { "-".to_owned() } else { row.assignee.clone() };
        [
            row.number.to_string(),
            row.status.to_string(),
            row.queue.clone(),
            assignee,
            row.requester.clone(),
            time(row.changed_at),
            row.subject.clone(),
        ]
    });
    table(["number", "status", "queue", "assignee", "requester", "changed", "subject"], cells)
}

/// Shows one ticket whole.
pub fn show(office: &Office, number: i64) -> anyhow::Result<Ending> {
    let ticket = office.reader()?.ticket(number)?.ok_or_else(|| anyhow!("there is no ticket {number}"))?;
    office.print(&ticket, |ticket| safe(&words(ticket)))?;
    Ok(Ending::Well)
}

fn words(ticket: &TicketRow) -> String {
    let row = &ticket.row;
    let mut text = format!("{} {}\n", row.number, row.subject);
    let assignee = if row.assignee.is_empty() { "nobody" } else { &row.assignee };
    let _ = writeln!(
        text,
        "{}, priority {}, queue {}, assigned to {assignee}",
        row.status, ticket.priority, row.queue
    );
    let _ = writeln!(
        text,
        "requester {} <{}>, opened {}",
        row.requester,
        ticket.requester_address,
        time(ticket.opened_at)
    );
    for (kind, address) in &ticket.people {
        let _ = writeln!(text, "{kind} {address}");
    }
    if !ticket.labels.is_empty() {
        let _ = writeln!(text, "labels {}", ticket.labels.join(", "));
    }
    for message in &ticket.messages {
        let note = if message.internal { " (internal note)" } else { "" };
        let _ = writeln!(text, "\n--- {} {} {}{note}", time(message.at), message.role, message.author);
        let _ = writeln!(text, "{}", message.text);
        for name in &message.attachments {
            let _ = writeln!(text, "[attachment: {name}]");
        }
    }
    let _ = writeln!(text, "\nhistory");
    for event in &ticket.events {
        let _ = writeln!(text, "{} {}: {}", time(event.at), event.actor, event.what);
    }
    let _ = writeln!(text, "\noutgoing mail");
    for mail in ticket.outgoing.iter().rev() {
        let _ = writeln!(
            text,
            "{} {} to {}: {} {}",
            time(mail.created_at),
            mail.template,
            mail.recipient,
            mail.state,
            mail.said
        );
    }
    text
}

/// Does to ticket `number` what an agent's mail with `text` would do. `agent` may be left out where there is only one.
pub async fn write(office: &Office, number: i64, agent: Option<&str>, text: &str) -> anyhow::Result<Ending> {
    let shared = office.shared()?;
    let settings = shared.settings();
    let config = &settings.config;
    let agent = the_agent(config, agent)?;
    let ticket = shared
        .readers
        .ask(move |reader| reader.card(number))
        .await?
        .ok_or_else(|| anyhow!("there is no ticket {number}"))?;
    let raw = mail(config, agent, number, text);
    let outcome = deliver::file(&shared, "command line", &ticket.queue, raw, true).await?;
    office.print(&serde_json::json!({ "mail": outcome.mail_id, "disposition": outcome.disposition, "reason": outcome.reason }), |_| {
        safe(&outcome.reason)
    })?;
    let done = outcome.number == Some(number) && !outcome.reason.starts_with("nothing was done");
    Ok(if done { Ending::Well } else { Ending::Wrong })
}

fn the_agent<'a>(config: &'a Config, named: Option<&str>) -> anyhow::Result<&'a Agent> {
    match (named, config.agents.as_slice()) {
        (Some(name), _) => {
            let address = Address::parse(name).ok_or_else(|| anyhow!("{name} is no address"))?;
            config.agent(&address).ok_or_else(|| anyhow!("there is no agent {name} in the configuration"))
        }
        (None, [only]) => Ok(only),
        (None, _) => Err(anyhow!("there is more than one agent: say --as ADDRESS")),
    }
}

/// The agent's mail, as the agent's client would have made it.
fn mail(config: &Config, agent: &Agent, number: i64, text: &str) -> Vec<u8> {
    let id = format!("{:016x}.{}@command-line.invalid", Dice::real().draw(), Clock::real().now().0);
    let tag = config.desk.tag.replace("{number}", &number.to_string());
    format!(
        "From: <{}>\r\nMessage-ID: <{id}>\r\nSubject: {tag}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
        agent.person.address,
        text.replace("\r\n", "\n").replace('\n', "\r\n"),
    )
    .into_bytes()
}
