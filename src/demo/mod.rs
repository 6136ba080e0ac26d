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
use setting::Setting;
use stage::Stage;
use tokio::signal::unix::{SignalKind, signal};

/// Plays the story. With `once` that is all; without, everything stays up until Ctrl-C, and what passes is printed.
/// [`Ending::Wrong`] when anything was not as it should be.
pub async fn play(once: bool) -> anyhow::Result<Ending> {
    let mut stage = Stage::new(Setting::start(!once).await?);
    stage.paper.say(&format!(
        "Postdesk at work: a mail server and the desk itself are running in this process.\nIMAP 127.0.0.1:{}, SMTP 127.0.0.1:{}, status page {}\nconfiguration {}",
        stage.setting.server.imap_port(),
        stage.setting.server.smtp_port(),
        stage.setting.base_url,
        stage.setting.config.display(),
    ))?;
    if let Err(error) = perform(&mut stage).await {
        stage.check(&format!("the story breaks off: {error:#}"), false)?;
    }
    if !once {
        stay(&mut stage).await?;
    }
    let wrong = stage.wrong;
    stage.setting.daemon.stop().await;
    Ok(if wrong == 0 { Ending::Well } else { Ending::Wrong })
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

async fn stay(stage: &mut Stage) -> anyhow::Result<()> {
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    stage
        .paper
        .heading("Now you. The desk stays up until Ctrl-C, and every mail that passes is printed here.")?;
    stage.paper.say(&visit::invitation(&stage.setting))?;
    loop {
        tokio::select! {
            watched = stage.watch() => watched?,
            _ = int.recv() => return Ok(()),
            _ = term.recv() => return Ok(()),
        }
    }
}
