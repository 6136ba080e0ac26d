//! Waiting for mail (RFC 2177).

use super::error::ImapError;
use super::response::Response;
use super::wire::Budget;
use super::{ANSWER_MAX, SMALL_LITERAL_MAX, Session};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The longest one IDLE may last: servers may log out a silent client after half an hour (RFC 2177).
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(28 * 60);

/// How a wait for mail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleEnd {
    /// The server announced a change in the number of mails.
    News,
    /// Nothing came.
    TimedOut,
    /// The server cannot announce: poll.
    NotSupported,
}

impl Session {
    /// Waits until mail is announced, for `max` and the bound of one IDLE at most. Mail that was announced since
    /// [`Session::uids`] was last called counts: it would never be announced again.
    pub async fn idle(&mut self, max: Duration) -> Result<IdleEnd, ImapError> {
        if !self.has_idle() {
            return Ok(IdleEnd::NotSupported);
        }
        if self.has_news() {
            return Ok(IdleEnd::News);
        }
        let tag = self.begin(self.budget("IDLE"))?;
        self.wire.send(format!("{tag} IDLE\r\n").as_bytes()).await?;
        loop {
            match self.next().await? {
                Response::Continue => break,
                Response::Tagged { tag: theirs, status, text } if theirs == tag => {
                    // Not even OK is an answer to IDLE here.
                    return match self.end("IDLE", status, text) {
                        Ok(_) => Err(ImapError::Protocol("IDLE ended before it began".to_owned())),
                        Err(error) => Err(error),
                    };
                }
                _ => {}
            }
        }
        let end = self.idle_until(max.min(self.waits.idle), &tag).await?;
        self.wire.allow(self.budget("DONE"));
        self.wire.send(b"DONE\r\n").await?;
        self.finish("IDLE", &tag, |_| ()).await?;
        Ok(if self.has_news() { IdleEnd::News } else { end })
    }

    async fn idle_until(&mut self, max: Duration, tag: &str) -> Result<IdleEnd, ImapError> {
        let until = Instant::now() + max;
        // Silence is the normal case: only `until` ends it.
        let patient = max.saturating_add(self.waits.command);
        self.wire.allow(Budget {
            what: "IDLE",
            time: patient,
            stall: patient,
            bytes: ANSWER_MAX,
            literal: SMALL_LITERAL_MAX,
        });
        while !self.has_news() {
            match timeout_at(until, self.wire.readable()).await {
                Err(_) => return Ok(IdleEnd::TimedOut),
                Ok(ready) => ready?,
            }
            // A line has begun: it is read to its end, or the next command would read the rest of it.
            self.wire.allow(self.budget("IDLE"));
            if let Response::Tagged { tag: theirs, .. } = self.next().await?
                && theirs == tag
            {
                return Err(ImapError::Protocol("the server ended IDLE by itself".to_owned()));
            }
            if Instant::now() >= until {
                return Ok(IdleEnd::TimedOut);
            }
            self.wire.allow(Budget { time: patient, stall: patient, ..self.budget("IDLE") });
        }
        Ok(IdleEnd::News)
    }

    /// Whether mail was announced since UIDs were last asked for.
    pub fn has_news(&self) -> bool {
        self.selected.as_ref().is_some_and(|state| state.news)
    }
}
