//! What was made of one mail, as JSON for `postdesk explain`.

use super::header;
use super::parts::Parts;
use super::{LIMITS, Mail, bounce::BounceKind};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The reading of `raw` as one JSON object. A report of a delay is no failure: its `bounce` is null.
pub fn report(mail: &Mail, raw: &[u8]) -> Value {
    let attachments: Vec<Value> = mail
        .attachments
        .iter()
        .map(|a| json!({ "name": a.name, "type": a.content_type, "size": a.size, "inline": a.inline }))
        .collect();
    json!({
        "subject": mail.subject,
        "from": from(mail, raw),
        "text": mail.text(),
        "visible_text": mail.visible(),
        "attachments": attachments,
        "auto": mail.automatic.is_some(),
        "evidence": mail.automatic.as_ref().map(|a| a.evidence.as_str()),
        "bounce": bounce(mail),
        "oddities": mail.oddities,
        "raw_sha256": hex(&Sha256::digest(raw)),
    })
}

/// The sender; where From holds no address one could write to, what it does hold.
fn from(mail: &Mail, raw: &[u8]) -> Value {
    if let Some(person) = &mail.from {
        return json!({ "name": person.name, "address": person.address });
    }
    let headers = Parts::of(raw).headers(LIMITS.headers_max);
    let claimed = headers.get("from").map(header::named).and_then(|named| named.into_iter().next());
    match claimed {
        Some((name, address)) if address.is_empty() => {
            json!({ "name": "", "address": header::one_line(&name) })
        }
        Some((name, address)) => {
            json!({ "name": header::one_line(&name), "address": header::one_line(&address) })
        }
        None => Value::Null,
    }
}

fn bounce(mail: &Mail) -> Value {
    let Some(bounce) = mail.bounce.as_ref().filter(|bounce| bounce.kind != BounceKind::Delayed) else {
        return Value::Null;
    };
    let failed = || bounce.recipients.iter().filter(|recipient| recipient.kind != BounceKind::Delayed);
    let first = failed().next();
    let recipients: Vec<Value> = failed()
        .map(|r| json!({ "recipient": r.address, "status": r.status, "diagnostic": r.diagnostic }))
        .collect();
    json!({
        "kind": bounce.kind,
        "recipient": first.map(|r| r.address.as_str()),
        "status": first.and_then(|r| r.status.as_deref()),
        "recipients": recipients,
        "about": bounce.about.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
