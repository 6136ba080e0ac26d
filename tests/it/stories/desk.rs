//! A desk without a mail server: mails are handed in and taken out by hand, so that storms are cheap and two desks can
//! write to each other.

use postdesk::clock::{Clock, Dice, Timestamp};
use postdesk::config;
use postdesk::daemon;
use postdesk::loops::filing::{Outcome, receive};
use postdesk::loops::{Settings, Shared};
use postdesk::store::commit::Origin;
use postdesk::store::outbox::{self, Settled};
use postdesk::store::read::Reader;
use postdesk::store::verify;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

/// A mail that left the desk.
pub struct Posted {
    pub to: String,
    pub template: String,
    pub raw: String,
}

pub struct Desk {
    pub shared: Shared,
    pub clock: Clock,
    pub address: String,
    dir: TempDir,
    settings: watch::Sender<Arc<Settings>>,
}

impl Desk {
    /// The desk of `domain`, with the agent `ana@domain` and the admin `admin@domain`.
    pub fn new(domain: &str, queue: &str, more: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let text = format!(
            r#"
            [desk]
            name = "Desk"
            domain = "{domain}"
            database = "{database}"
            admins = ["admin@{domain}"]
            hold_replies = "0s"
            [smtp]
            host = "127.0.0.1"
            port = 25
            tls = "none"
            [[agent]]
            name = "Ana"
            address = "ana@{domain}"
            [[queue]]
            name = "support"
            address = "support@{domain}"
            language = "en"
            {queue}
            {more}
            "#,
            database = dir.path().join("desk.db").display()
        );
        let config = config::parse(&text, &dir.path().join("config.toml"))
            .unwrap_or_else(|faults| panic!("{faults:?}"));
        let settings = daemon::settings(config).unwrap_or_else(|faults| panic!("{faults:?}"));
        let (settings, in_force) = watch::channel(Arc::new(settings));
        let clock = Clock::by_hand(Timestamp(1_795_000_000 / 3600 * 3600));
        let path = dir.path().join("desk.db");
        let shared = Shared::open(&path, in_force, clock.clone(), Dice::from_seed(1)).unwrap();
        Self { shared, clock, address: format!("support@{domain}"), dir, settings }
    }

    /// Stops the desk and starts it on the same file.
    pub fn restart(self, seed: u64) -> Self {
        let Self { shared, clock, address, dir, settings } = self;
        drop(shared);
        let path = dir.path().join("desk.db");
        let dice = Dice::from_seed(seed);
        let shared = Shared::open(&path, settings.subscribe(), clock.clone(), dice).unwrap();
        Self { shared, clock, address, dir, settings }
    }

    /// A mail comes in.
    pub async fn takes(&self, raw: impl Into<Vec<u8>>) -> Outcome {
        let origin =
            Origin { mailbox: "deliver".into(), uidvalidity: 0, uid: 0, queue: "support".to_owned() };
        self.shared.file(receive(origin, None, raw.into())).await.unwrap()
    }

    /// All that the desk has sent since this was last asked.
    pub async fn posted(&self) -> Vec<Posted> {
        let now = self.clock.now();
        let claimed = self.shared.store.write(move |db| {
            let mut claimed = Vec::new();
            while let Some(mail) = outbox::claim(db, now, 1)? {
                outbox::settle(db, mail.id, &Settled::Sent, "250 ok", now)?;
                let bytes = outbox::bytes(db, mail.id)?;
                claimed.push((mail, bytes));
            }
            Ok(claimed)
        });
        let posted = claimed.await.unwrap().into_iter().map(|(mail, bytes)| Posted {
            to: mail.recipient,
            template: mail.template,
            raw: String::from_utf8(bytes).unwrap(),
        });
        posted.collect()
    }

    pub fn count(&self, sql: &str) -> i64 {
        Reader::open(&self.path()).unwrap().db().query_row(sql, [], |r| r.get(0)).unwrap()
    }

    pub fn verify(&self) {
        let reader = Reader::open(&self.path()).unwrap();
        let breaches = verify::verify(reader.db(), |_, _| {}).unwrap();
        assert!(breaches.is_empty(), "{breaches:#?}");
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("desk.db")
    }
}

/// How many of `posted` were made from `template`.
pub fn of(posted: &[Posted], template: &str) -> usize {
    posted.iter().filter(|mail| mail.template == template).count()
}
