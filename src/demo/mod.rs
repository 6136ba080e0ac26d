//! What shows and tries the desk without the world: a mail server in this process, and a story played on it by the real
//! daemon over real sockets.
//!
//! `setting` starts server and daemon, `story` says who writes what and what must follow, `stage` carries it out,
//! `letter` writes as people's clients do, `paper` prints, `visit` shows the way out.

pub mod server;
mod folder;
mod setting;
mod letter;
mod paper;
mod stage;
mod story;
mod visit;

use crate::admin::Ending;
use anyhow::anyhow;
use setting::Setting;
use stage::Stage;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Plays the story. With `once` that is all; without, everything stays up until Ctrl-C, and what passes is printed.
/// [`Ending::Wrong`] when anything was not as it should be.
pub async fn play(once: bool) -> anyhow::Result<Ending> {
    let mut stop = Stop::listen()?;
    let mut stage = Stage::new(Setting::start(!once).await?);
    let shown = tokio::select! {
        shown = show(&mut stage, once) => shown,
        () = stop.asked() => if once { Err(anyhow!("stopped before the end")) } else { Ok(()) },
    };
    let wrong = stage.wrong;
    stage.setting.daemon.stop().await;
    shown.map(|()| if wrong == 0 { Ending::Well } else { Ending::Wrong })
}

async fn show(stage: &mut Stage, once: bool) -> anyhow::Result<()> {
    stage.paper.say(&format!(
        "Postdesk at work: a mail server and the desk itself are running in this process.\nIMAP 127.0.0.1:{}, SMTP 127.0.0.1:{}, status page {}\nconfiguration {}",
        stage.setting.server.imap_port(),
        stage.setting.server.smtp_port(),
        stage.setting.base_url,
        stage.setting.config.display(),
    ))?;
    if let Err(error) = perform(stage).await {
        stage.check(&format!("the story breaks off: {error:#}"), false)?;
    }
    if once {
        return Ok(());
    }
    stage
        .paper
        .heading("Now you. The desk stays up until Ctrl-C, and every mail that passes is printed here.")?;
    stage.paper.say(&visit::invitation(&stage.setting))?;
    loop {
        stage.watch().await?;
    }
}

async fn perform(stage: &mut Stage) -> anyhow::Result<()> {
    let told = story::tell(stage).await?;
    visit::pages(stage, &told).await?;
    visit::promises(stage).await?;
    let verdict = if stage.wrong == 0 {
        "All is well.".to_owned()
    } else {
        format!("{} things are wrong.", stage.wrong)
    };
    stage.paper.heading(&verdict)
}

/// Whoever wants the demo to end: a key, a service manager, a terminal that closes. The folder is removed in each case.
struct Stop {
    int: Signal,
    term: Signal,
    hup: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        let (int, term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { int, term, hup: signal(SignalKind::hangup())? })
    }

    async fn asked(&mut self) {
        tokio::select! { _ = self.int.recv() => {}, _ = self.term.recv() => {}, _ = self.hup.recv() => {} }
    }
}
