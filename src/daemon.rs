//! The daemon: starts the loops and the pages, restarts what failed, takes signals, stops in order.
//!
//! Knows what there is to run, and nothing of what it does.

use crate::clock::{Clock, Dice};
use crate::compose::Templates;
use crate::config::Config;
use crate::loops::shared::stopped;
use crate::loops::{Settings, Shared, deadlines, intake::Intake, outbox, outbox::Outbox};
use crate::net::Dial;
use crate::retry::Backoff;
use crate::store::orphans::REMEDY;
use crate::store::{StoreError, tidy};
use crate::web;
use futures::FutureExt;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long the loops may take to finish what they have in hand.
pub const STOP_TIME_MAX: Duration = Duration::from_secs(8);

/// A loop that fell over is started again, a little later each time.
const RESTART: Backoff = Backoff { first_secs: 1, longest_secs: 60, give_up_secs: i64::MAX };

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another daemon is at work on the same file: both would send the same mail.
    #[error("another postdesk is running on {0}")]
    Running(std::path::PathBuf),
    /// The file that keeps a second daemon away.
    #[error("cannot lock {path}: {source}")]
    Lock {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The page's address.
    #[error("cannot listen on {address} for the status page: {source}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A daemon at work.
pub struct Daemon {
    shared: Shared,
    /// Held as long as the daemon lives, and let go by the kernel however it dies.
    _lock: std::fs::File,
    settings: watch::Sender<Arc<Settings>>,
    dial: Arc<dyn Dial>,
    /// Stops the loops of this configuration.
    stop_loops: watch::Sender<bool>,
    loops: JoinSet<()>,
    stop_web: watch::Sender<bool>,
    web: JoinSet<()>,
    web_address: Option<SocketAddr>,
}

impl Daemon {
    /// Opens the database, puts right what a crash left, binds the page and starts everything.
    pub async fn start(
        settings: Settings,
        clock: Clock,
        dice: Dice,
        dial: Arc<dyn Dial>,
    ) -> Result<Self, StartError> {
        let path = settings.config.desk.database.clone();
        let lock = lock(&path)?;
        let (settings, in_force) = watch::channel(Arc::new(settings));
        let shared = Shared::open(&path, in_force, clock, dice)?;
        let uncertain = outbox::recover(&shared).await?;
        if uncertain > 0 {
            tracing::warn!(
                "{uncertain} outgoing mails may or may not have been taken before the last stop; see: postdesk outbox list"
            );
        }
        let mut daemon = Self {
            shared,
            _lock: lock,
            settings,
            dial,
            stop_loops: watch::channel(false).0,
            loops: JoinSet::new(),
            stop_web: watch::channel(false).0,
            web: JoinSet::new(),
            web_address: None,
        };
        daemon.start_web().await?;
        daemon.name_orphans().await;
        daemon.start_loops();
        Ok(daemon)
    }

    /// Where the status page listens, if it is on.
    pub fn web_address(&self) -> Option<SocketAddr> {
        self.web_address
    }

    /// The handles the loops hold.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    async fn start_web(&mut self) -> Result<(), StartError> {
        let settings = self.shared.settings();
        let Some(web) = &settings.config.web else { return Ok(()) };
        let failed = |source| StartError::Listen { address: web.listen, source };
        let listener = TcpListener::bind(web.listen).await.map_err(failed)?;
        self.web_address = listener.local_addr().ok();
        let (shared, stop) = (self.shared.clone(), self.stop_web.subscribe());
        self.web
            .spawn(async move { web::serve(listener, web::router(web::WebState::new(shared)), stop).await });
        Ok(())
    }

    fn start_loops(&mut self) {
        let settings = self.shared.settings();
        for mailbox in &settings.config.mailboxes {
            let (shared, dial, name) = (self.shared.clone(), Arc::clone(&self.dial), mailbox.name.clone());
            self.keep(format!("mailbox {name}"), move |stop| {
                Intake::new(shared.clone(), &name, Arc::clone(&dial)).run(stop)
            });
        }
        for worker in 1..=settings.config.limits.smtp_connections.max(1) {
            let (shared, dial) = (self.shared.clone(), Arc::clone(&self.dial));
            self.keep(format!("outbox {worker}"), move |stop| {
                Outbox::new(shared.clone(), Arc::clone(&dial)).run(stop)
            });
        }
        let shared = self.shared.clone();
        self.keep("deadlines".to_owned(), move |stop| deadlines::run(shared.clone(), stop));
    }

    /// Keeps a loop going: one that panics is started again.
    fn keep<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        name: String,
        make: impl Fn(watch::Receiver<bool>) -> F + Send + Sync + 'static,
    ) {
        let mut stop = self.stop_loops.subscribe();
        let dice = self.shared.dice.clone();
        self.loops.spawn(async move {
            let mut falls = 0;
            while !*stop.borrow() {
                if AssertUnwindSafe(make(stop.clone())).catch_unwind().await.is_ok() {
                    continue;
                }
                falls += 1;
                let secs = RESTART.wait_secs(falls, dice.draw());
                tracing::error!("a fault in Postdesk itself: {name} fell over and starts again in {secs} s");
                tokio::select! { () = tokio::time::sleep(Duration::from_secs(secs.unsigned_abs())) => {}, () = stopped(&mut stop) => {} }
            }
        });
    }

    /// Puts new settings in force: the loops finish what they have in hand and start again under them. The database
    /// and the page's address stay what they were.
    pub async fn reload(&mut self, settings: Settings) {
        self.stop_loops().await;
        let old = self.shared.settings();
        if old.config.desk.database != settings.config.desk.database {
            tracing::warn!("desk.database changed: that takes a restart");
        }
        if old.config.web.as_ref().map(|web| web.listen) != settings.config.web.as_ref().map(|web| web.listen)
        {
            tracing::warn!("web.listen changed: that takes a restart");
        }
        self.settings.send_replace(Arc::new(settings));
        // A worker that did not finish in time was ended with a mail in its hands.
        if let Err(error) = outbox::recover(&self.shared).await {
            tracing::error!("what was being sent waits for the next start: {error}");
        }
        self.name_orphans().await;
        self.stop_loops = watch::channel(false).0;
        self.start_loops();
    }

    /// Says which live tickets belong to agents whom these settings no longer have.
    async fn name_orphans(&self) {
        let settings = self.shared.settings();
        match self.shared.readers.ask(move |reader| reader.orphans(&settings.config)).await {
            Ok(gone) => gone.iter().for_each(|orphans| {
                tracing::warn!(
                    "{orphans} assigned to an agent who is not in the configuration any more; {REMEDY}; postdesk doctor says whose they were"
                );
            }),
            Err(error) => tracing::warn!("tickets of agents who left could not be looked for: {error}"),
        }
    }

    async fn stop_loops(&mut self) {
        self.stop_loops.send_replace(true);
        finish(&mut self.loops, "loops").await;
    }

    /// Stops in order: first the loops, so that nothing new begins, then the pages; then the file is made whole.
    pub async fn stop(mut self) {
        self.stop_loops().await;
        self.stop_web.send_replace(true);
        finish(&mut self.web, "status page").await;
        let path = self.shared.store.path().to_owned();
        let folded = tokio::task::spawn_blocking(move || tidy::fold(&path)).await;
        if !matches!(folded, Ok(Ok(()))) {
            tracing::debug!("the -wal file still holds a part of the database");
        }
    }
}

/// Keeps a second daemon off the same database. The command line needs no lock: it claims no outgoing mail.
fn lock(database: &std::path::Path) -> Result<std::fs::File, StartError> {
    let mut name = database.as_os_str().to_owned();
    // A file of its own: closing the database's file would let go of SQLite's locks on it.
    name.push(".lock");
    let path = std::path::PathBuf::from(name);
    let failed = |source| StartError::Lock { path: path.clone(), source };
    let file = std::fs::File::options().create(true).append(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::Running(database.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

async fn finish(tasks: &mut JoinSet<()>, what: &str) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIME_MAX, all).await.is_err() {
        tracing::warn!(
            "the {what} did not finish in time; what was in hand is found again at the next start"
        );
        tasks.shutdown().await;
    }
}

/// Puts configuration and templates together; the faults of both, for people.
pub fn settings(config: Config) -> Result<Settings, Vec<String>> {
    let overrides = match &config.desk.templates {
        Some(dir) => read_templates(dir)?,
        None => Vec::new(),
    };
    match Templates::new(&overrides) {
        Ok(templates) => Ok(Settings { config, templates }),
        Err(faults) => Err(faults.iter().map(ToString::to_string).collect()),
    }
}

/// The files in a directory of templates as `LANGUAGE/NAME` and text.
fn read_templates(dir: &std::path::Path) -> Result<Vec<(String, String)>, Vec<String>> {
    let failed = |path: &std::path::Path, error: std::io::Error| vec![format!("{}: {error}", path.display())];
    let mut found = Vec::new();
    for language in std::fs::read_dir(dir).map_err(|error| failed(dir, error))?.flatten() {
        let folder = language.path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&folder).map_err(|error| failed(&folder, error))?.flatten() {
            let text = std::fs::read_to_string(file.path()).map_err(|error| failed(&file.path(), error))?;
            found.push((
                format!("{}/{}", language.file_name().to_string_lossy(), file.file_name().to_string_lossy()),
                text,
            ));
        }
    }
    found.sort();
    Ok(found)
}
