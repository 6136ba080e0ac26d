//! The stage: a mail server in memory, a desk on a real file, and the rounds. Knows how to crash and start again.

use super::check::Checks;
use super::people::People;
use super::trouble;
use crate::world::{ANA, DESK, LUIS, START};
use postdesk::clock::{Clock, Dice};
use postdesk::config;
use postdesk::daemon;
use postdesk::demo::server::{MailServer, ServerOptions};
use postdesk::loops::{Settings, Shared, deadlines, intake::Intake, outbox, outbox::Outbox};
use postdesk::net::Dial;
use postdesk::store::read::Reader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

/// How often all of `verify` runs.
const VERIFY_EVERY: u32 = 25;

/// After the last round the desk must come to rest within so many hours.
const REST_HOURS_MAX: u32 = 24 * 14;

/// The longest that one step may take, in true time.
const STEP_TIME_MAX: Duration = Duration::from_secs(20);

/// The desk as one process holds it.
pub struct Desk {
    pub shared: Shared,
    intake: Intake,
    outbox: Outbox,
}

pub struct Play {
    pub dice: Dice,
    pub clock: Clock,
    pub server: MailServer,
    pub desk: Option<Desk>,
    pub people: People,
    pub checks: Checks,
    /// Mails of the inbox that somebody else put aside for a while.
    pub elsewhere: bool,
    pub crashes: u32,
    pub restarts: u32,
    pub round: u32,
    desk_dice: Dice,
    settings: watch::Receiver<Arc<Settings>>,
    _settings: watch::Sender<Arc<Settings>>,
    go_on: watch::Receiver<bool>,
    _never: watch::Sender<bool>,
    crash: Arc<Notify>,
    dir: TempDir,
}

/// In memory where there is such a place: an fsync there costs nothing, and what it is for is tested elsewhere.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}

/// Lets the servers' tasks come to the end of what they have: in which order they do must not hang on threads.
async fn quiet() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn configuration(dir: &Path, dice: &Dice) -> String {
    let password = dir.join("password");
    std::fs::write(&password, "secret\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let hold = ["0s", "30s", "10m"][dice.below(3) as usize];
    let batch = 1 + dice.below(5);
    let assign = ["by-hand", "first-reply", "round-robin", "least-busy"][dice.below(4) as usize];
    let reopen = ["never", "always", "14d"][dice.below(3) as usize];
    let plus = dice.below(2) == 0;
    let after = ["move", "flag", "delete"][dice.below(3) as usize];
    let server = format!(
        "host = \"127.0.0.1\"\ntls = \"none\"\nuser = \"{DESK}\"\npassword_file = \"{}\"",
        password.display()
    );
    format!(
        r##"
[desk]
name = "Ejemplo"
domain = "desk.example"
database = "{database}"
admins = ["admin@desk.example"]
hold_replies = "{hold}"
[limits]
batch_max = {batch}
mail_max = "64 kB"
[budgets]
per_sender = 4
per_domain = 40
[web]
listen = "127.0.0.1:0"
base_url = "https://help.desk.example"
[smtp]
{server}
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
assign = "{assign}"
reopen = "{reopen}"
plus_addresses = {plus}
[[mailbox]]
name = "soporte"
queue = "soporte"
authserv_id = "mx.desk.example"
after = "{after}"
{server}
"##,
        database = dir.join("desk.db").display(),
    )
}

impl Play {
    pub fn begin(seed: u64) -> Self {
        let dice = Dice::from_seed(seed);
        let clock = Clock::by_hand(START);
        let server = MailServer::offline(ServerOptions { clock: clock.clone(), ..ServerOptions::default() });
        let dir = directory();
        let text = configuration(dir.path(), &dice);
        let config = config::parse(&text, &dir.path().join("config.toml"))
            .unwrap_or_else(|faults| panic!("{faults:?}"));
        let settings = daemon::settings(config).unwrap_or_else(|faults| panic!("{faults:?}"));
        let (kept, settings) = watch::channel(Arc::new(settings));
        let (never, go_on) = watch::channel(false);
        Self {
            people: People::new(&server),
            checks: Checks::default(),
            desk_dice: Dice::from_seed(seed ^ 0x5eed),
            dice,
            clock,
            server,
            desk: None,
            elsewhere: false,
            crashes: 0,
            restarts: 0,
            round: 0,
            settings,
            _settings: kept,
            go_on,
            _never: never,
            crash: Arc::default(),
            dir,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("desk.db")
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.path()).unwrap()
    }

    pub fn summary(&self) -> String {
        format!(
            "{} days, {} mails in, {} out, {} faults, {} crashes, {} restarts",
            self.clock.now().since(START) / 86400,
            self.people.delivered.len(),
            self.server.submitted().len(),
            self.checks.armed.len(),
            self.crashes,
            self.restarts
        )
    }

    /// All of it: rounds with trouble, then rest.
    pub async fn weeks(&mut self, rounds: u32) {
        self.start().await;
        for round in 0..rounds {
            self.round = round;
            trouble::time_passes(&self.dice, &self.clock);
            for _ in 0..self.dice.below(4) {
                self.people_act().await;
            }
            trouble::strikes(self).await;
            quiet().await;
            // Nothing here waits for time: what lasts this long waits for an answer that never comes.
            if tokio::time::timeout(STEP_TIME_MAX, self.work()).await.is_err() {
                let commands = self.server.commands();
                let last = commands.len().saturating_sub(8);
                panic!(
                    "round {round}: a step waits for ever; the last commands: {:?}; faults: {:#?}",
                    &commands[last..],
                    self.checks.armed
                );
            }
            self.check(round % VERIFY_EVERY == 0);
        }
        self.rest().await;
        self.check(true);
        super::check::at_rest(self);
    }

    async fn people_act(&mut self) {
        let reader = self.reader();
        self.people.act(&self.dice, &self.server, &reader, self.round);
        if self.dice.below(30) == 0
            && let (Some(desk), Some(number)) = (&self.desk, self.people.some_ticket(&self.dice, &reader))
        {
            postdesk::loops::links::request(&desk.shared, number).await.unwrap();
        }
    }

    async fn start(&mut self) {
        let shared =
            Shared::open(&self.path(), self.settings.clone(), self.clock.clone(), self.desk_dice.clone())
                .unwrap();
        outbox::recover(&shared).await.unwrap();
        let dial: Arc<dyn Dial> = Arc::new(self.server.dialer());
        self.desk = Some(Desk {
            intake: Intake::new(shared.clone(), "soporte", Arc::clone(&dial)),
            outbox: Outbox::new(shared.clone(), dial),
            shared,
        });
    }

    /// The process ends where it stands, and a new one begins on the same file.
    pub async fn restart(&mut self) {
        self.settle_down().await;
        self.desk = None;
        // What the dead process had sent to the servers still arrives.
        quiet().await;
        self.start().await;
    }

    /// Arms a crash at the `n`-th edge from here.
    pub fn crash_in(&mut self, n: u64) {
        let crash = Arc::clone(&self.crash);
        self.server.on_command(self.server.edges() + n, move |_| crash.notify_one());
    }

    /// Waits until what was handed to the writing thread is written: whether a job was begun before a crash must hang
    /// on the seed, not on threads.
    async fn settle_down(&self) {
        if let Some(desk) = &self.desk {
            desk.shared.store.write(|_| Ok(())).await.unwrap();
        }
    }

    /// One step of each loop, or as far as the crash lets them.
    pub async fn work(&mut self) -> bool {
        let crash = Arc::clone(&self.crash);
        let order = self.dice.below(2);
        let go_on = self.go_on.clone();
        let Some(desk) = &mut self.desk else { panic!("no desk") };
        let steps = async {
            let mut busy = false;
            for turn in 0..2 {
                if (turn + order).is_multiple_of(2) {
                    busy |= match desk.intake.step(&go_on).await {
                        Ok(step) => step.filed + step.settled > 0,
                        Err(postdesk::loops::intake::IntakeError::Store(error)) => panic!("{error}"),
                        Err(_) => true,
                    };
                } else {
                    busy |= match desk.outbox.step(&go_on).await {
                        Ok(sent) => sent > 0,
                        Err(postdesk::loops::outbox::OutboxError::Store(error)) => panic!("{error}"),
                        Err(_) => true,
                    };
                }
                desk.shared.store.write(|_| Ok(())).await.unwrap();
                quiet().await;
            }
            busy | (deadlines::step(&desk.shared).await.unwrap() > 0)
        };
        let ended = tokio::select! {
            biased;
            () = crash.notified() => None,
            busy = steps => Some(busy),
        };
        if ended.is_none() {
            self.crashes += 1;
            self.restart().await;
        }
        ended.unwrap_or(true)
    }

    fn check(&mut self, verify: bool) {
        let reader = self.reader();
        self.checks.cheap(&reader, &self.server, &self.people);
        if verify {
            let breaches = postdesk::store::verify::verify(reader.db(), |_, _| {}).unwrap();
            assert!(breaches.is_empty(), "round {}: {breaches:#?}", self.round);
        }
    }

    /// No more trouble, nobody writes: everything must end.
    async fn rest(&mut self) {
        trouble::ends(self);
        self.restart().await;
        for _ in 0..REST_HOURS_MAX {
            let busy = self.work().await;
            if !busy && super::check::nothing_waits(&self.reader()) {
                return;
            }
            self.clock.advance(3600);
        }
        panic!("the desk never comes to rest");
    }
}
