//! Mails of agents as mail programs leave them: `tests/corpus/commands` (what is asked, what is text) and
//! `tests/corpus/forwards` (whose mail is forwarded). Each is read with LF and with CRLF. `POSTDESK_WRITE_EXPECTED=1`
//! writes the expectations anew, to be looked at.

use postdesk::desk::command::parse;
use postdesk::mail::{LIMITS, Mail, read};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn commands(mail: &Mail) -> Value {
    let parsed = parse(&mail.fresh());
    json!({
        "commands": parsed.commands.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>(),
        "faults": parsed.faults.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>(),
        "text": parsed.text,
    })
}

fn forwards(mail: &Mail) -> Value {
    let parsed = parse(&mail.fresh());
    let forwarded = mail.forwarded();
    json!({
        "commands": parsed.commands.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>(),
        "faults": parsed.faults.len(),
        "note": parsed.text,
        "from": forwarded.as_ref().map(|f| f.from.address.as_str()),
        "name": forwarded.as_ref().map(|f| f.from.name.as_str()),
        "subject": forwarded.as_ref().map(|f| f.subject.as_str()),
        "text": forwarded.as_ref().map(|f| f.text.as_str()),
        "message_id": forwarded.as_ref().and_then(|f| f.message_id.as_ref()).or(mail.points_at().next()).map(|id| id.as_str()),
        "is_forward": mail.is_forward(),
    })
}

fn mails(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(kind);
    let all = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|e| e == "eml")).collect();
    found.sort();
    found
}

fn check(kind: &str, least: usize, observe: fn(&Mail) -> Value) {
    let mails = mails(kind);
    assert!(mails.len() >= least, "{}", mails.len());
    let mut complaints = String::new();
    for path in mails {
        let lf = std::fs::read_to_string(&path).unwrap();
        let seen = observe(&read(lf.as_bytes(), &LIMITS));
        assert_eq!(seen, observe(&read(lf.replace('\n', "\r\n").as_bytes(), &LIMITS)), "{}", path.display());
        let expected = path.with_extension("json");
        if std::env::var_os("POSTDESK_WRITE_EXPECTED").is_some() {
            std::fs::write(&expected, format!("{seen:#}\n")).unwrap();
        }
        let wanted: Value =
            serde_json::from_slice(&std::fs::read(&expected).unwrap_or_default()).unwrap_or_default();
        if wanted != seen {
            complaints += &format!("{}\nwanted {wanted:#}\nfound {seen:#}\n", path.display());
        }
    }
    assert!(complaints.is_empty(), "{complaints}");
}

#[test]
fn commands_are_found_however_a_client_mangles_them() {
    check("commands", 25, commands);
}

#[test]
fn the_original_of_a_forwarded_mail_is_found_in_every_clients_form() {
    check("forwards", 20, forwards);
}
