//! `postdesk verify`, `backup` and `key`: the database itself.

use super::output::{self, table};
use super::{Ending, Office};
use crate::clock::{Clock, Dice};
use crate::store::{backup, keys, verify};
use std::path::Path;

/// Checks every promise that a query can check.
pub fn check(office: &Office) -> anyhow::Result<Ending> {
    let reader = office.reader()?;
    let bar = output::progress("checks");
    let breaches = verify::verify(reader.db(), |done, all| output::advance(&bar, done, all))?;
    bar.finish_and_clear();
    office.print(&breaches, |breaches| {
        if breaches.is_empty() {
            return "every promise that a query can check holds".to_owned();
        }
        let rows = breaches.iter().map(|b| [b.promise.to_owned(), b.rows.to_string(), b.first.clone()]);
        table(["promise", "rows that break it", "first"], rows)
    })?;
    Ok(if breaches.is_empty() { Ending::Well } else { Ending::Wrong })
}

/// Copies the database to `file` while the daemon runs.
pub fn copy(office: &Office, file: &Path) -> anyhow::Result<Ending> {
    let bar = output::progress("pages");
    backup::backup(&office.reader()?, file, |done, all| output::advance(&bar, done, all))?;
    bar.finish_and_clear();
    output::line(&format!("the database is in {}", file.display()))?;
    Ok(Ending::Well)
}

/// Makes a new signing key; the old ones verify for as long as desk.key_valid says.
pub async fn rotate(office: &Office) -> anyhow::Result<Ending> {
    let shared = office.shared()?;
    let (secret, now) = (Dice::real().key(), Clock::real().now());
    let id = shared.store.write(move |db| keys::rotate(db, secret, now)).await?;
    output::line(&format!(
        "key {id} signs from now on; older ones are honoured for {} days",
        shared.settings().config.desk.key_valid_secs / 86400
    ))?;
    Ok(Ending::Well)
}
