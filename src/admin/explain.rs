//! `postdesk explain FILE`: what a mail is, which ticket it would join and why, what would be decided and sent.
//!
//! Reads the database if there is one, changes nothing and sends nothing.

use super::{Ending, Office, output};
use crate::clock::{Clock, Dice};
use crate::config::Queue;
use crate::desk::decide::Policy;
use crate::loops::{Settings, filing};
use crate::mail::{LIMITS, Mail, read, report};
use crate::store::{Connection, keys, schema};
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::io::{BufRead, Read, Write};
use std::path::Path;

/// Explains the mail in `file` (`-`: standard input) as it would be dealt with in `queue`, or the first one.
pub fn explain(office: &Office, file: &Path, queue: Option<&str>) -> anyhow::Result<Ending> {
    let raw = bytes(file)?;
    let mail = read(&raw, &LIMITS);
    let mut value = report(&mail, &raw);
    match office.settings() {
        Ok(settings) => add(&mut value, "decision", consider(&settings, &mail, queue)?),
        // Without a configuration the mail can still be read; with a broken one that would hide the faults.
        Err(_) if !office.config.exists() => {}
        Err(error) => return Err(error),
    }
    office.print(&value, |value| words(value, &mail))?;
    Ok(Ending::Well)
}

/// One file name a line on standard input, one JSON object a line on standard output: reading only.
pub fn lines() -> anyhow::Result<Ending> {
    let mut out = std::io::stdout().lock();
    for path in std::io::stdin().lock().lines() {
        let path = path?;
        let value = match std::fs::read(path.trim_end()) {
            Ok(raw) => report(&read(&raw, &LIMITS), &raw),
            Err(error) => json!({ "error": format!("{path}: {error}") }),
        };
        writeln!(out, "{value}")?;
        out.flush()?;
    }
    Ok(Ending::Well)
}

fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    }
    let mut raw = Vec::new();
    std::io::stdin().lock().read_to_end(&mut raw)?;
    Ok(raw)
}

fn add(value: &mut Value, key: &str, more: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(key.to_owned(), more);
    }
}

/// The decision that would be taken now.
fn consider(settings: &Settings, mail: &Mail, queue: Option<&str>) -> anyhow::Result<Value> {
    let config = &settings.config;
    let queue: &Queue = match queue {
        Some(name) => config.queue(name).ok_or_else(|| anyhow!("there is no queue {name}"))?,
        None => config.queues.first().ok_or_else(|| anyhow!("no queue is configured"))?,
    };
    let db = open(&config.desk.database)?;
    let now = Clock::real().now();
    let keys = keys::load(&db, now, config.desk.key_valid_secs)?;
    let mailbox = config
        .mailboxes
        .iter()
        .find(|mailbox| config.queues.get(mailbox.queue).is_some_and(|q| q.name == queue.name));
    let authserv_id = mailbox.and_then(|mailbox| mailbox.authserv_id.as_deref());
    let policy = Policy { config, keys: &keys, queue, authserv_id, confirmed: false, is_sent: false };
    let (decision, findings) = filing::consider(&db, mail, policy, None, (now, &Dice::real()))?;
    let outgoing: Vec<Value> = decision
        .outgoing
        .iter()
        .map(|o| json!({ "template": o.template, "to": o.to.address, "language": o.language, "lines": o.values.lines }))
        .collect();
    Ok(json!({
        "queue": queue.name,
        "author": findings.author,
        "match": findings.threaded.found,
        "mentions": findings.threaded.mentions,
        "disposition": decision.disposition,
        "reason": decision.reason,
        "ticket": decision.number,
        "events": decision.events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>(),
        "outgoing": outgoing,
    }))
}

/// The database if there is one, else an empty one in memory: then every mail is the first.
fn open(path: &Path) -> anyhow::Result<Connection> {
    if path.exists() {
        return Ok(schema::open_reader(path)?);
    }
    Ok(schema::open_writer(Path::new(schema::IN_MEMORY), &Clock::real(), &Dice::real())?)
}

fn words(value: &Value, mail: &Mail) -> String {
    let text = |pointer: &str| {
        value
            .pointer(pointer)
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .unwrap_or_default()
    };
    let mut lines = vec![
        format!("from        {} <{}>", text("/from/name"), text("/from/address")),
        format!("subject     {}", text("/subject")),
        format!("kind        {}", kind(mail)),
    ];
    for file in &mail.attachments {
        lines.push(format!("attachment  {} ({}, {} bytes)", file.name, file.content_type, file.size));
    }
    for oddity in &mail.oddities {
        lines.push(format!("odd         {}: {}", oddity.code, oddity.detail));
    }
    if value.get("decision").is_some() {
        lines.push(format!("author      {}", text("/decision/author")));
        lines.push(format!("match       {}", text("/decision/match")));
        lines.push(format!("decision    {}: {}", text("/decision/disposition"), text("/decision/reason")));
        let outgoing =
            value.pointer("/decision/outgoing").and_then(Value::as_array).cloned().unwrap_or_default();
        for mail in outgoing {
            let field = |name: &str| mail.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            lines.push(format!(
                "would send  {} to {} ({})",
                field("template"),
                field("to"),
                field("language")
            ));
        }
    }
    lines.push(format!("\n{}", mail.fresh()));
    output::safe(&lines.join("\n"))
}

fn kind(mail: &Mail) -> String {
    match (&mail.bounce, &mail.automatic) {
        (Some(bounce), _) => format!("a delivery report ({:?})", bounce.kind),
        (None, Some(automatic)) => format!("automatic: {}", automatic.evidence),
        (None, None) => "a person's mail".to_owned(),
    }
}
