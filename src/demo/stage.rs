//! What the story is told with: post a mail as its author's client would, let the desk come to rest, see who got what,
//! and note what is not as it should be. Waits for conditions, never for a time.

use super::letter::Letter;
use super::paper::Paper;
use super::server::MailServer;
use super::setting::{DESK, EVERYBODY, Setting, Someone};
use crate::address::Address;
use crate::config::secret::SecretSource;
use crate::config::{Server, Tls};
use crate::mail::{LIMITS, Mail, read};
use crate::net::TcpDial;
use crate::smtp::{Connection, Outcome};
use crate::store::gauges;
use crate::store::lists::TicketRow;
use anyhow::{anyhow, bail};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long the desk may take over one mail before the story is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the outbox is looked at while it works.
const TICK: Duration = Duration::from_millis(5);

/// A mail as it reached somebody.
pub(super) struct Got {
    pub(super) mail: Mail,
    pub(super) raw: Arc<[u8]>,
}

impl Got {
    /// Whether `text` stands anywhere in what a person can see of it.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.mail.subject.contains(text)
            || self.mail.text().contains(text)
            || self.mail.html.as_ref().is_some_and(|html| html.contains(text))
    }

    /// Whether `text` stands anywhere in it, headers included.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.shows(text) || String::from_utf8_lossy(&self.raw).contains(text)
    }
}

/// The setting, and what has happened on it so far.
pub(super) struct Stage {
    pub(super) setting: Setting,
    pub(super) paper: Paper,
    /// Mails sent to the desk.
    pub(super) posted: usize,
    /// Claims that did not hold.
    pub(super) wrong: usize,
    /// Mails printed.
    shown: usize,
    /// Mails of each account that the story has looked at.
    seen: BTreeMap<&'static str, usize>,
}

impl Stage {
    pub(super) fn new(setting: Setting) -> Self {
        Self { setting, paper: Paper::new(), posted: 0, wrong: 0, shown: 0, seen: BTreeMap::new() }
    }

    fn server(&self) -> &MailServer {
        &self.setting.server
    }

    /// Sends a letter over SMTP, waits until the desk has done all that follows from it, and prints what passed. How
    /// long it took from the acceptance of the letter to the first mail of the desk.
    pub(super) async fn post(&mut self, letter: &Letter) -> anyhow::Result<Duration> {
        for someone in EVERYBODY {
            self.seen.insert(someone.address, self.server().mails(someone.address, "INBOX").len());
        }
        let before = self.server().submitted().len();
        let accepted = self.submit(letter).await?;
        self.posted = self.posted.saturating_add(1);
        let answered = async {
            let many = before.saturating_add(2);
            self.server().wait_for(|server| server.submitted().len() >= many, PATIENCE).await;
            accepted.elapsed()
        };
        // Where the desk stays silent there is nothing to measure.
        let (took, rested) = tokio::select! {
            biased;
            took = answered => (took, self.at_rest().await),
            rested = self.at_rest() => (accepted.elapsed(), rested),
        };
        self.show()?;
        rested.map(|()| took)
    }

    /// Sends a letter. When it was accepted.
    async fn submit(&self, letter: &Letter) -> anyhow::Result<Instant> {
        let from = letter.from.address;
        let server = Server {
            host: "127.0.0.1".to_owned(),
            port: self.server().smtp_port(),
            tls: Tls::None,
            ca_file: None,
            user: letter.proven.then(|| from.to_owned()),
            secret: letter.proven.then(|| SecretSource::File(self.setting.password.clone())),
            oauth: false,
        };
        let mut connection = Connection::open(&server, "client.example", &TcpDial).await?;
        let outcome = connection.submit(Some(from), &letter.to, &letter.raw()).await;
        let accepted = Instant::now();
        connection.quit().await;
        match outcome {
            Outcome::Accepted { .. } => Ok(accepted),
            other => Err(anyhow!("the demo's own mail server did not take a mail: {other:?}")),
        }
    }

    /// All mail is in the ledger, the server has been told, and nothing waits in the outbox.
    async fn at_rest(&self) -> anyhow::Result<()> {
        let taken = |server: &MailServer| {
            server.mails(DESK, "INBOX").is_empty() && server.mails(DESK, "Postdesk").len() >= self.posted
        };
        if !self.server().wait_for(taken, PATIENCE).await {
            bail!("the desk did not take a mail within {} s", PATIENCE.as_secs());
        }
        let end = Instant::now() + PATIENCE;
        while self.waiting().await? > 0 {
            if Instant::now() > end {
                bail!("mail is still in the outbox after {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    async fn waiting(&self) -> anyhow::Result<i64> {
        let counts =
            self.setting.daemon.shared().readers.ask(|reader| gauges::unsettled(reader.db())).await?;
        let waits = |state: &str| matches!(state, "queued" | "sending" | "deferred");
        Ok(counts.iter().filter(|(state, _)| waits(state)).map(|(_, count)| count).sum())
    }

    /// Prints every mail that passed since this was last called.
    pub(super) fn show(&mut self) -> anyhow::Result<()> {
        let all = self.server().submitted();
        for passing in all.iter().skip(self.shown) {
            let ours = passing.login.as_deref() == Some(DESK);
            self.paper.card(passing, ours)?;
        }
        self.shown = all.len();
        Ok(())
    }

    /// Waits for mail that was not printed yet, and prints it.
    pub(super) async fn watch(&mut self) -> anyhow::Result<()> {
        let shown = self.shown;
        self.server().wait_for(|server| server.submitted().len() > shown, Duration::from_secs(3600)).await;
        self.show()
    }

    /// What reached `someone` through the last letter.
    pub(super) fn got(&self, someone: Someone) -> Vec<Got> {
        let seen = self.seen.get(someone.address).copied().unwrap_or(0);
        let all = self.server().mails(someone.address, "INBOX");
        let got = all
            .into_iter()
            .skip(seen)
            .map(|stored| Got { mail: read(&stored.raw, &LIMITS), raw: stored.raw });
        got.collect()
    }

    /// The one mail that reached `someone` through the last letter; without it the story cannot go on.
    pub(super) fn one(&self, someone: Someone) -> anyhow::Result<Got> {
        let mut got = self.got(someone);
        match (got.pop(), got.len()) {
            (Some(one), 0) => Ok(one),
            (None, _) => Err(anyhow!("no mail reached {}", someone.address)),
            (Some(_), more) => {
                Err(anyhow!("{} mails reached {} where one was due", more.saturating_add(1), someone.address))
            }
        }
    }

    /// Everybody whom the last letter brought mail.
    pub(super) fn reached(&self) -> Vec<&'static str> {
        EVERYBODY
            .iter()
            .filter(|someone| !self.got(**someone).is_empty())
            .map(|someone| someone.address)
            .collect()
    }

    /// States a claim, and counts it if it does not hold.
    pub(super) fn check(&mut self, claim: &str, holds: bool) -> anyhow::Result<()> {
        self.wrong = self.wrong.saturating_add(usize::from(!holds));
        self.paper.check(claim, holds)
    }

    /// Ticket `number`, whole.
    pub(super) async fn ticket(&self, number: i64) -> anyhow::Result<TicketRow> {
        let found = self.setting.daemon.shared().readers.ask(move |reader| reader.ticket(number)).await?;
        found.ok_or_else(|| anyhow!("there is no ticket {number}"))
    }
}

/// The number in a subject's tag, `[#853142]`.
pub(super) fn number(mail: &Mail) -> anyhow::Result<i64> {
    let tag = mail.subject.split_once("[#").and_then(|(_, rest)| rest.split_once(']'));
    let number = tag.and_then(|(number, _)| number.parse().ok());
    number.ok_or_else(|| anyhow!("no ticket's number in the subject {:?}", mail.subject))
}

/// Whether these are the same people, whatever the order.
pub(super) fn only(reached: &[&str], wanted: &[Someone]) -> bool {
    reached.len() == wanted.len() && wanted.iter().all(|someone| reached.contains(&someone.address))
}

/// Whether the mail comes from the desk's address with somebody's name.
pub(super) fn from_desk(mail: &Mail, name: &str) -> bool {
    let desk = Address::parse(DESK);
    mail.from.as_ref().is_some_and(|from| Some(&from.address) == desk.as_ref() && from.name.contains(name))
}
