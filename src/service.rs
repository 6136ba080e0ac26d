//! The program under systemd: logging, signals, readiness, watchdog. See sd_notify(3) and systemd.exec(5).

use postdesk::admin::{Ending, Office};
use postdesk::clock::{Clock, Dice};
use postdesk::daemon::Daemon;
use postdesk::net::TcpDial;
use sd_notify::NotifyState;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// How long the watchdog waits for the store before signals are looked at again.
const STORE_TIME_MAX: Duration = Duration::from_secs(5);

/// Sets up logging: to the journal when systemd listens there, else to standard error; as JSON when
/// `POSTDESK_LOG_FORMAT=json`. The daemon tells of each mail; other verbs only of trouble. `POSTDESK_LOG` filters.
pub fn log(daemon: bool) {
    let standard = if daemon { LevelFilter::INFO } else { LevelFilter::WARN };
    let filter = EnvFilter::builder()
        .with_default_directive(standard.into())
        .with_env_var("POSTDESK_LOG")
        .from_env_lossy();
    let journal =
        std::env::var_os("JOURNAL_STREAM").filter(|_| daemon).and_then(|_| tracing_journald::layer().ok());
    let json = std::env::var("POSTDESK_LOG_FORMAT").is_ok_and(|format| format == "json");
    let layer = match journal {
        Some(journal) => journal.boxed(),
        None if json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
        None => fmt::layer()
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
}

/// Runs the daemon until SIGTERM or SIGINT; SIGHUP rereads the configuration.
pub async fn run(office: &Office) -> anyhow::Result<Ending> {
    let settings = office.settings()?;
    if settings.config.desk.trust_from {
        tracing::warn!("desk.trust_from is on: anybody who can forge a From is an agent");
    }
    let (mut hup, mut term, mut int) =
        (signal(SignalKind::hangup())?, signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut daemon = Daemon::start(settings, Clock::real(), Dice::real(), Arc::new(TcpDial)).await?;
    if let Some(address) = daemon.web_address() {
        tracing::info!("the status page listens on http://{address}");
    }
    if let Some(address) = daemon.metrics_address() {
        tracing::info!("numbers for monitoring are at http://{address}/metrics");
    }
    tracing::info!("ready");
    notify(&[NotifyState::Ready]);
    let mut watchdog = watchdog();
    loop {
        tokio::select! {
            _ = hup.recv() => reload(office, &mut daemon).await,
            _ = either(&mut term, &mut int) => break,
            _ = watchdog.tick() => feed(&daemon).await,
        }
    }
    tracing::info!("stopping: finishing what is in hand");
    notify(&[NotifyState::Stopping]);
    daemon.stop().await;
    tracing::info!("stopped");
    Ok(Ending::Well)
}

async fn either(term: &mut Signal, int: &mut Signal) {
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
}

async fn reload(office: &Office, daemon: &mut Daemon) {
    match office.settings() {
        Ok(settings) => {
            daemon.reload(settings).await;
            tracing::info!("the configuration was read again and is in force");
        }
        Err(error) => tracing::error!("the configuration has faults; the old one stays in force:\n{error:#}"),
    }
}

/// Half the watchdog's time, so that one late tick does no harm; a day where systemd watches nothing.
fn watchdog() -> tokio::time::Interval {
    let every = sd_notify::watchdog_enabled().map_or(Duration::from_secs(86400), |limit| limit / 2);
    tokio::time::interval(every.max(Duration::from_millis(100)))
}

/// Tells systemd that the program is alive, once the writing thread has answered: a process whose store hangs is not.
/// It waits no longer than that: a hanging store must not keep signals from being heard.
async fn feed(daemon: &Daemon) {
    let answered = tokio::time::timeout(STORE_TIME_MAX, daemon.shared().store.write(|_| Ok(())));
    if matches!(answered.await, Ok(Ok(()))) {
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(states: &[NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(states);
}
