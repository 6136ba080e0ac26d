//! A small world for stories: a mail server in this process, a desk with two agents, people who write to it, and a
//! clock set by hand. Steps are taken one at a time; every story ends in [`World::verify`].

mod post;

use postdesk::clock::{Clock, Dice, Timestamp};
use postdesk::config;
use postdesk::daemon;
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::loops::{Settings, Shared, Waits, deadlines, intake::Intake, outbox::Outbox};
use postdesk::net::Dial;
use postdesk::store::lists::TicketRow;
use postdesk::store::read::Reader;
use postdesk::store::verify;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

pub use post::{Letter, Mail};

pub const DESK: &str = "soporte@desk.example";
pub const ANA: &str = "ana@desk.example";
pub const LUIS: &str = "luis@desk.example";
pub const MARIA: &str = "maria@client.example";
pub const PEDRO: &str = "pedro@client.example";
pub const START: Timestamp = Timestamp(1_795_000_000);

pub struct World {
    pub server: MailServer,
    pub shared: Shared,
    pub clock: Clock,
    pub dir: TempDir,
    /// The database, in `dir`.
    file: &'static str,
    dial: Arc<dyn Dial>,
    settings: watch::Sender<Arc<Settings>>,
    intake: Intake,
    outbox: Outbox,
    go_on: watch::Receiver<bool>,
    _never: watch::Sender<bool>,
    /// How many mails of each account have been looked at.
    seen: BTreeMap<String, usize>,
    written: u32,
}

/// The configuration of the stories; `more` is put behind it, `desk` and `queue` into those tables.
pub fn configuration(dir: &Path, server: &MailServer, desk: &str, queue: &str, more: &str) -> String {
    let hold = if desk.contains("hold_replies") { "" } else { "hold_replies = \"0s\"" };
    let password = dir.join("password");
    std::fs::write(&password, "secret\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!(
        r##"
[desk]
name = "Ejemplo"
domain = "desk.example"
database = "{database}"
admins = ["admin@desk.example"]
{hold}
{desk}

[web]
listen = "127.0.0.1:0"
base_url = "https://help.desk.example"

[smtp]
host = "127.0.0.1"
port = {smtp}
tls = "none"
user = "{DESK}"
password_file = "{password}"

[[agent]]
address = "{ANA}"
name = "Ana García"
language = "es"

[[agent]]
address = "{LUIS}"
name = "Luís Souza"
language = "pt"

[[queue]]
name = "soporte"
title = "Soporte"
address = "{DESK}"
agents = ["{ANA}", "{LUIS}"]
language = "es"
time_zone = "America/Lima"
{queue}

[[mailbox]]
name = "soporte"
queue = "soporte"
host = "127.0.0.1"
port = {imap}
tls = "none"
user = "{DESK}"
password_file = "{password}"
{more}
"##,
        database = dir.join("desk.db").display(),
        password = password.display(),
        smtp = server.smtp_port(),
        imap = server.imap_port(),
    )
}

fn settings(domain: &str, dir: &Path, server: &MailServer, tables: (&str, &str, &str)) -> Settings {
    parsed(&configuration(dir, server, tables.0, tables.1, tables.2).replace("desk.example", domain), dir)
}

fn parsed(text: &str, dir: &Path) -> Settings {
    let config = config::parse(text, &dir.join("config.toml")).unwrap_or_else(|faults| panic!("{faults:?}"));
    daemon::settings(config).unwrap_or_else(|faults| panic!("{faults:?}"))
}

impl World {
    pub async fn start() -> Self {
        Self::start_with("", "", "").await
    }

    /// Replies go out at once.
    pub async fn start_with(desk: &str, queue: &str, more: &str) -> Self {
        Self::start_all(ServerOptions::default(), &format!("hold_replies = \"0s\"\n{desk}"), queue, more)
            .await
    }

    /// Replies wait so long.
    pub async fn start_with_hold(hold: &str) -> Self {
        Self::start_all(ServerOptions::default(), &format!("hold_replies = \"{hold}\""), "", "").await
    }

    /// With a server of another kind.
    pub async fn start_on(options: ServerOptions) -> Self {
        Self::start_all(options, "hold_replies = \"0s\"", "", "").await
    }

    pub async fn start_all(options: ServerOptions, desk: &str, queue: &str, more: &str) -> Self {
        Self::start_as("desk.example", options, (desk, queue, more)).await
    }

    /// A desk of another domain.
    pub async fn start_as(domain: &str, options: ServerOptions, tables: (&str, &str, &str)) -> Self {
        let clock = Clock::by_hand(START);
        let server = MailServer::start(ServerOptions { clock: clock.clone(), ..options }).await.unwrap();
        for address in [DESK, ANA, LUIS, MARIA, PEDRO, "admin@desk.example"] {
            server.add_account(&address.replace("desk.example", domain), "secret");
        }
        let dir = crate::soak::scratch();
        let settings = settings(domain, dir.path(), &server, tables);
        let (settings, in_force) = watch::channel(Arc::new(settings));
        let path = dir.path().join("desk.db");
        let shared = Shared::open(&path, in_force, clock.clone(), Dice::from_seed(1)).unwrap();
        let dial: Arc<dyn Dial> = Arc::new(postdesk::net::TcpDial);
        let (never, go_on) = watch::channel(false);
        Self {
            intake: Intake::new(shared.clone(), "soporte", Arc::clone(&dial)),
            outbox: Outbox::new(shared.clone(), Arc::clone(&dial)),
            server,
            shared,
            clock,
            dir,
            file: "desk.db",
            dial,
            settings,
            go_on,
            _never: never,
            seen: BTreeMap::new(),
            written: 0,
        }
    }

    /// Over TLS with a certificate that holds; `word` is that of the configuration.
    pub async fn start_secured(tls: config::Tls, word: &str) -> Self {
        let world = Self::start_on(crate::mail_world::secured(tls, "good.pem")).await;
        let ca = crate::mail_world::tls_file("ca.pem");
        let text = configuration(world.dir.path(), &world.server, "", "", "")
            .replace("host = \"127.0.0.1\"", "host = \"localhost\"")
            .replace("tls = \"none\"", &format!("tls = \"{word}\"\nca_file = \"{}\"", ca.display()));
        world.settings.send_replace(Arc::new(parsed(&text, world.dir.path())));
        world
    }

    /// Puts other settings in force, as a reload does.
    pub fn reconfigure(&mut self, desk: &str, queue: &str, more: &str) {
        let text = configuration(self.dir.path(), &self.server, desk, queue, more);
        let config = config::parse(&text, &self.dir.path().join("config.toml"))
            .unwrap_or_else(|faults| panic!("{faults:?}"));
        self.settings
            .send_replace(Arc::new(daemon::settings(config).unwrap_or_else(|faults| panic!("{faults:?}"))));
    }

    /// Lets the desk do all it has to do now: take mail, send mail, until neither has anything left.
    pub async fn work(&mut self) {
        for _ in 0..50 {
            deadlines::step(&self.shared).await.unwrap();
            let taken = self.intake.step(&self.go_on).await.unwrap();
            let sent = self.outbox.step(&self.go_on).await.unwrap();
            if taken.filed == 0 && sent == 0 {
                return;
            }
        }
        panic!("the desk never comes to rest");
    }

    /// As [`World::work`] on a bad day: what fails is tried again over new connections, and what is put off waits for
    /// its time, until nothing is left to do. What failed, in words.
    pub async fn endures(&mut self) -> Vec<String> {
        let (mut failed, mut quiet) = (Vec::new(), 0);
        while quiet < 3 {
            assert!(failed.len() < 200, "it fails for ever: {failed:#?}");
            quiet += 1;
            match self.intake.step(&self.go_on).await {
                Ok(step) if step == Default::default() => {}
                Ok(_) => quiet = 0,
                Err(error) => {
                    failed.push(error.to_string());
                    quiet = 0;
                    self.reconnect();
                }
            }
            match self.outbox.step(&self.go_on).await {
                Ok(0) => {}
                Ok(_) => quiet = 0,
                Err(error) => failed.push(error.to_string()),
            }
            let due = postdesk::store::outbox::next_due(self.reader().db()).unwrap();
            if let Some(due) = due {
                self.clock.advance(due.since(self.clock.now()).max(1));
                quiet = 0;
            }
        }
        failed
    }

    /// One step of the intake alone, with its error.
    pub async fn takes(&mut self) -> Result<usize, postdesk::loops::intake::IntakeError> {
        let step = self.intake.step(&self.go_on).await;
        if step.is_err() {
            self.reconnect();
        }
        step.map(|step| step.filed + step.settled)
    }

    /// One step of the outbox alone, with its error.
    pub async fn sends(&mut self) -> Result<usize, postdesk::loops::outbox::OutboxError> {
        self.outbox.step(&self.go_on).await
    }

    /// The first column of a query, as text.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        crate::soak::rows(self.reader().db(), sql)
    }

    /// How often the relay took over each outgoing mail: `state template recipient` and the count.
    pub fn accepted(&self) -> Vec<(String, usize)> {
        let submitted = self.server.submitted();
        let times = |id: &str| {
            let line = format!("Message-ID: <{id}>");
            submitted
                .iter()
                .filter(|mail| String::from_utf8_lossy(&mail.raw).lines().any(|l| l == line))
                .count()
        };
        self.rows("SELECT message_id || ' ' || state || ' ' || template || ' ' || recipient FROM outbox ORDER BY id")
            .iter()
            .map(|row| row.split_once(' ').unwrap())
            .map(|(id, what)| (what.to_owned(), times(id)))
            .collect()
    }

    /// The admin writes another configuration.
    pub fn reconfigures(&self, desk: &str, queue: &str, more: &str) {
        let desk = format!("hold_replies = \"0s\"\n{desk}");
        let settings = settings("desk.example", self.dir.path(), &self.server, (&desk, queue, more));
        self.settings.send_replace(Arc::new(settings));
    }

    /// The desk stops and starts again on the same file.
    pub async fn restarts(&mut self) -> usize {
        let waits = self.shared.waits;
        self.shared = Shared::open(
            &self.dir.path().join(self.file),
            self.settings.subscribe(),
            self.clock.clone(),
            Dice::from_seed(self.clock.now().0.unsigned_abs()),
        )
        .unwrap();
        let uncertain = postdesk::loops::outbox::recover(&self.shared).await.unwrap();
        self.shared.waits = waits;
        self.outbox = Outbox::new(self.shared.clone(), Arc::clone(&self.dial));
        self.reconnect();
        uncertain
    }

    /// As [`World::restarts`], on another file beside the one that was used.
    pub async fn restarts_on(&mut self, file: &'static str) -> usize {
        self.file = file;
        self.restarts().await
    }

    /// From now on the desk reaches its servers through `dial` and is as patient as `waits`; connections are made anew.
    pub fn connects(&mut self, dial: Arc<dyn Dial>, waits: Waits) {
        self.dial = dial;
        self.shared.waits = waits;
        self.outbox = Outbox::new(self.shared.clone(), Arc::clone(&self.dial));
        self.reconnect();
    }

    /// Lets the desk take mail and do nothing else.
    pub async fn intake_only(&mut self) {
        self.intake.step(&self.go_on).await.unwrap();
    }

    /// Sets the clock to a day after the system's: what the program wrote as a process beside this world is due then.
    pub fn tell_the_true_time(&self) {
        self.clock.advance(Clock::real().now().since(self.clock.now()) + 86400);
    }

    /// The connection to the mailbox is lost; the next step makes a new one.
    pub fn reconnect(&mut self) {
        self.intake = Intake::new(self.shared.clone(), "soporte", Arc::clone(&self.dial));
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.dir.path().join(self.file)).unwrap()
    }

    pub fn ticket(&self, number: i64) -> TicketRow {
        self.reader().ticket(number).unwrap().unwrap()
    }

    /// All tickets, the newest last.
    pub fn tickets(&self) -> Vec<i64> {
        let reader = self.reader();
        let mut all = reader.db().prepare("SELECT number FROM ticket ORDER BY id").unwrap();
        let rows = all.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap);
        rows.collect()
    }

    /// The last mail of the ledger: disposition and reason.
    pub fn last_account(&self) -> (String, String) {
        let mails = self.reader().mails(None, 1).unwrap();
        (mails[0].disposition.clone(), mails[0].reason.clone())
    }

    /// Every promise that a query can check.
    pub fn verify(&self) {
        let breaches = verify::verify(self.reader().db(), |_, _| {}).unwrap();
        assert!(breaches.is_empty(), "{breaches:#?}");
    }
}
