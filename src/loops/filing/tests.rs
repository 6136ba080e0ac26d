use super::*;
use crate::clock::{Clock, Timestamp};
use crate::compose::Templates;
use std::path::Path;
use tokio::sync::watch;

const CONFIG: &str = r#"
[desk]
name = "Example"
domain = "desk.example"
database = "desk.db"
admins = ["admin@desk.example"]

[smtp]
host = "127.0.0.1"
port = 25
tls = "none"

[[agent]]
address = "ana@desk.example"
name = "Ana"

[[queue]]
name = "support"
title = "Support"
address = "support@desk.example"
agents = ["ana@desk.example"]
"#;

/// A mail at which a fault of our own brings the reading down, as the intake hands it in: its bytes are kept, an admin is
/// told, the next mail is filed, and once the fault is mended it is filed too.
#[tokio::test]
async fn a_mail_at_which_the_reading_panics_is_set_aside_whole_and_can_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let config = crate::config::parse(CONFIG, Path::new("test.toml")).unwrap_or_else(|e| panic!("{e}"));
    let settings = Arc::new(Settings { config, templates: Templates::new(&[]).unwrap() });
    let (_settings, in_force) = watch::channel(settings);
    let (clock, dice) = (Clock::by_hand(Timestamp(1_795_000_000)), Dice::from_seed(1));
    let shared = Shared::open(&dir.path().join("desk.db"), in_force, clock, dice).unwrap();
    let at = |uid| Origin { mailbox: "support".into(), uidvalidity: 1, uid, queue: "support".into() };
    let raw = |name: &str| {
        format!(
            "From: <{name}@client.example>\r\nTo: <support@desk.example>\r\nMessage-ID: <{name}@client.example>\r\nSubject: Printer\r\n\r\nIt is on fire, says {name}.\r\n"
        )
        .into_bytes()
    };
    let bad = receive_by(at(1), None, raw("maria"), |_| panic!("a fault on purpose"));
    let (bad, next) = tokio::join!(shared.file(bad), shared.file(receive(at(2), None, raw("pedro"))));
    let (bad, next) = (bad.unwrap(), next.unwrap());
    assert_eq!((bad.disposition, next.disposition), (Disposition::Quarantined, Disposition::Opened));
    assert!(bad.reason.contains("panicked"), "{}", bad.reason);
    let kept = shared.readers.ask(move |reader| pack::raw_of_mail(reader.db(), bad.mail_id)).await;
    assert_eq!(kept.unwrap().unwrap(), raw("maria"));
    let told = "SELECT count(*) FROM outbox WHERE template = 'admin' AND recipient = 'admin@desk.example'";
    let told =
        shared.readers.ask(move |reader| Ok(reader.db().query_row(told, [], |r| r.get::<_, i64>(0))?));
    assert_eq!(told.await.unwrap(), 1);
    let again = shared.retry(bad.mail_id).await.unwrap();
    assert_eq!((again.mail_id, again.disposition), (bad.mail_id, Disposition::Opened));
}
