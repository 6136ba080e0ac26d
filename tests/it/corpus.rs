//! Whole mails, written for this purpose: `tests/corpus/KIND/NAME.eml` with what must be made of it in `NAME.json`
//! beside it. Only the fields named there are compared. Each mail is read with LF and with CRLF.

use postdesk::mail::{LIMITS, Mail, read, report};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What of a mail can be expected, under the names of the expectation files.
fn observed(mail: &Mail) -> Value {
    let ids = |ids: &[postdesk::mail::ids::MessageId]| {
        ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>()
    };
    let addresses = |people: &[postdesk::address::Person]| {
        people.iter().map(|person| person.address.as_str().to_owned()).collect::<Vec<_>>()
    };
    json!({
        "subject": mail.subject,
        "from_name": mail.from.as_ref().map(|person| person.name.as_str()),
        "from_address": mail.from.as_ref().map(|person| person.address.as_str()),
        "from_many": mail.from_many,
        "message_id": mail.message_id.as_ref().map(|id| id.as_str()),
        "in_reply_to": ids(&mail.in_reply_to),
        "references": ids(&mail.references),
        "reply_to": addresses(&mail.reply_to),
        "cc": addresses(&mail.cc),
        "delivered_to": mail.delivered_to,
        "language": mail.language,
        "fresh": mail.fresh(),
        "visible": mail.visible(),
        "attachments": mail.attachments.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(),
        "inline": mail.attachments.iter().filter(|a| a.inline).map(|a| a.name.as_str()).collect::<Vec<_>>(),
        "automatic": mail.automatic.as_ref().map(|automatic| automatic.kind),
        "bounce": mail.bounce.as_ref().map(|bounce| json!({
            "kind": bounce.kind,
            "recipients": bounce.recipients.iter().map(|r| r.address.as_str()).collect::<Vec<_>>(),
            "status": bounce.recipients.first().and_then(|r| r.status.clone()),
        })),
        "about": mail.bounce.as_ref().map(|bounce| ids(&bounce.about)),
        "oddities": mail.oddities.iter().map(|oddity| oddity.code).collect::<Vec<_>>(),
    })
}

/// Complaints about one mail with one kind of line end.
fn faults(name: &str, raw: &[u8], expected: &Value) -> Vec<String> {
    let mail = read(raw, &LIMITS);
    let seen = observed(&mail);
    let mut faults = Vec::new();
    for (field, wanted) in expected.as_object().expect("an object") {
        let found = seen.get(field).unwrap_or_else(|| panic!("{name}: no such field: {field}"));
        let fits = match (field.as_str(), wanted.as_array(), found.as_array()) {
            ("oddities", Some(wanted), Some(found)) if !wanted.is_empty() => {
                wanted.iter().all(|w| found.contains(w))
            }
            _ => found == wanted,
        };
        if !fits {
            faults.push(format!("{name}: {field}\n  wanted {wanted}\n  found  {found}"));
        }
    }
    if report(&mail, raw).get("raw_sha256").is_none() {
        faults.push(format!("{name}: no report"));
    }
    faults
}

fn mails() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut found = Vec::new();
    for kind in ["parse", "auto", "bounce", "reply-trim", "malformed"] {
        for entry in std::fs::read_dir(root.join(kind)).expect("the corpus") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "eml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() * 2);
    for byte in raw {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[test]
fn every_mail_of_the_corpus_is_read_as_expected() {
    let mails = mails();
    assert!(mails.len() >= 60, "{} mails", mails.len());
    let mut complaints = Vec::new();
    for path in mails {
        let raw = std::fs::read(&path).expect("a mail");
        assert!(!raw.contains(&b'\r'), "{} is kept with LF", path.display());
        let expected: Value =
            serde_json::from_slice(&std::fs::read(path.with_extension("json")).expect("an expectation"))
                .expect("JSON");
        let name = path.file_stem().expect("a name").to_string_lossy();
        complaints.extend(faults(&format!("{name} with LF"), &raw, &expected));
        complaints.extend(faults(&format!("{name} with CRLF"), &with_crlf(&raw), &expected));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn line_ends_make_no_second_mail() {
    for path in mails() {
        let raw = std::fs::read(&path).expect("a mail");
        let (lf, crlf) = (read(&raw, &LIMITS), read(&with_crlf(&raw), &LIMITS));
        assert_eq!(lf.content_key, crlf.content_key, "{}", path.display());
        assert_eq!(lf.body, crlf.body, "{}", path.display());
    }
}
