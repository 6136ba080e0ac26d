//! The command line's verbs. Each goes the way that mail goes: what changes a ticket is decided by the same rules and
//! written by the same write.
//!
//! Verbs print for people, or one JSON value with `--json`. What they find wrong is an exit code: 0 all well, 1 the
//! work was done and something is wrong, 2 it could not be done.

pub mod output;
pub mod check;
pub mod explain;
pub mod tickets;
pub mod inbox;
pub mod outbox;
pub mod doctor;
pub mod database;
pub mod templates;
pub mod deliver;

use crate::clock::{Clock, Dice};
use crate::config;
use crate::daemon;
use crate::loops::{Settings, Shared};
use crate::store::read::Reader;
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All well: exit code 0.
    Well,
    /// Done, and something is wrong: exit code 1.
    Wrong,
}

/// What every verb needs.
pub struct Office {
    /// The configuration file.
    pub config: PathBuf,
    /// Print JSON.
    pub json: bool,
}

impl Office {
    /// Configuration and templates; every fault of both is in the error.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let config = config::load(&self.config).map_err(|faults| anyhow!("{}", output::faults(&faults.0)))?;
        daemon::settings(config).map_err(|faults| anyhow!("{}", faults.join("\n")))
    }

    /// The database, for questions.
    pub fn reader(&self) -> anyhow::Result<Reader> {
        let settings = self.settings()?;
        let path = &settings.config.desk.database;
        Reader::open(path).with_context(|| format!("cannot open the database {}", path.display()))
    }

    /// The database for writing, beside a daemon that may be running.
    pub fn shared(&self) -> anyhow::Result<Shared> {
        let settings = self.settings()?;
        let path = settings.config.desk.database.clone();
        must_exist(&path)?;
        let (_, settings) = watch::channel(Arc::new(settings));
        Shared::open(&path, settings, Clock::real(), Dice::real())
            .with_context(|| format!("cannot open the database {}", path.display()))
    }

    /// Prints `value` as JSON if that is wanted, else what `people` gives.
    pub fn print<T: serde::Serialize>(
        &self,
        value: &T,
        people: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(value)? } else { people(value) };
        output::line(&text)
    }
}

fn must_exist(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        Ok(())
    } else {
        Err(anyhow!("there is no database {} yet; `postdesk run` makes it", path.display()))
    }
}
