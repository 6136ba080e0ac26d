//! One mailbox's server: connect, log in, find and fetch bytes, say what is done with. Knows no ticket and keeps
//! nothing beyond the session.
//!
//! The protocol is read here and not by a crate. async-imap 0.12 takes a tagged NO and an end of the connection
//! between two mails for success, allocates 512 MiB because a server says so, gives up for good at the first line it
//! does not know, reads long lines in quadratic time, and its parser panics or overflows the stack on hostile input.
//! Guarding all that needs a framing layer of our own below it; with that layer written (`wire`), the dozen responses
//! that a fetching client needs (`response`) are less code than the guards.
//!
//! Three rules hold for each command: it has succeeded only when its tagged OK came; every wait and every size has a
//! bound; a session that is in doubt is never used again.

mod error;
mod fetch;
mod folder;
mod idle;
mod open;
mod response;
mod search;
mod settle;
mod text;
mod uids;
mod wire;

pub use error::{ImapError, TEXT_MAX};
pub use folder::Selected;
pub use idle::{IDLE_TIME_MAX, IdleEnd};
pub use search::WINDOW;
pub use uids::SET_MAX;
pub use wire::{ANSWER_MAX, LINE_MAX, LITERALS_MAX, SMALL_LITERAL_MAX};

use crate::net::HANDSHAKE_TIME_MAX;
use response::{Response, Status, Text};
use std::collections::HashMap;
use std::time::Duration;
use wire::{Budget, Wire};

/// How long a server may take. [`Waits::SERVICE`] is what the daemon uses; tests use shorter ones.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the greeting.
    pub greeting: Duration,
    /// For one command, mails not counted.
    pub command: Duration,
    /// For one mail of a fetch.
    pub mail: Duration,
    /// Without one byte while an answer is due.
    pub stall: Duration,
    /// For one IDLE.
    pub idle: Duration,
}

impl Waits {
    /// Patient: a server that searches a large folder on a slow disk is not dead.
    pub const SERVICE: Self = Self {
        handshake: HANDSHAKE_TIME_MAX,
        greeting: Duration::from_secs(60),
        command: Duration::from_secs(180),
        mail: Duration::from_secs(600),
        stall: Duration::from_secs(90),
        idle: IDLE_TIME_MAX,
    };
}

/// A session with a server, logged in.
pub struct Session {
    wire: Wire,
    waits: Waits,
    capabilities: Vec<String>,
    tags: u64,
    /// A command is under way. Stays so when its future was dropped or it failed: the next answer read could then be
    /// the old command's, so the session is of no more use.
    busy: bool,
    selected: Option<folder::State>,
    /// Where the server keeps our folders: learnt once.
    namespace: Option<folder::Namespace>,
    /// Folders known to exist: name as asked for, name on this server.
    folders: HashMap<String, String>,
}

impl Session {
    /// Whether the server offers `capability` (in capitals).
    fn offers(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|have| have == capability)
    }

    /// Whether the server can announce mail.
    pub fn has_idle(&self) -> bool {
        self.offers("IDLE")
    }

    /// Asks whether anything is new and shows the server that we live. Whether it told of new mail.
    pub async fn noop(&mut self) -> Result<bool, ImapError> {
        self.run("NOOP", "NOOP", |_| ()).await?;
        Ok(self.has_news())
    }

    /// Says goodbye. Whatever the server answers, the session is over.
    pub async fn logout(mut self) {
        // Nothing hangs on it: a server that has gone already is just as well.
        let _ = self.run("LOGOUT", "LOGOUT", |_| ()).await;
    }

    /// The budget of an ordinary command.
    fn budget(&self, what: &'static str) -> Budget {
        Budget {
            what,
            time: self.waits.command,
            stall: self.waits.stall,
            bytes: ANSWER_MAX,
            literal: SMALL_LITERAL_MAX,
        }
    }

    /// Carries out one command without literals: `line` as sent, `each` for the untagged responses.
    async fn run(
        &mut self,
        what: &'static str,
        line: &str,
        each: impl FnMut(Response),
    ) -> Result<(), ImapError> {
        let tag = self.begin(self.budget(what))?;
        self.wire.send(format!("{tag} {line}\r\n").as_bytes()).await?;
        self.finish(what, &tag, each).await
    }

    /// Opens a command: a fresh tag, a fresh budget.
    fn begin(&mut self, budget: Budget) -> Result<String, ImapError> {
        if self.busy {
            return Err(ImapError::Closed("an earlier command did not come to its end".to_owned()));
        }
        self.busy = true;
        self.wire.allow(budget);
        self.tags = self.tags.wrapping_add(1);
        Ok(format!("P{}", self.tags))
    }

    /// Reads to the tagged end of the command.
    async fn finish(
        &mut self,
        what: &'static str,
        tag: &str,
        mut each: impl FnMut(Response),
    ) -> Result<(), ImapError> {
        loop {
            match self.next().await? {
                Response::Tagged { tag: theirs, status, text } if theirs == tag => {
                    return self.end(what, status, text);
                }
                response => each(response),
            }
        }
    }

    /// Reads one response and takes note of what any response may bring.
    async fn next(&mut self) -> Result<Response, ImapError> {
        let response = response::parse(self.wire.frame().await?);
        match &response {
            Response::Status { status: Status::Bye, text } => {
                return Err(ImapError::Closed(format!("the server says BYE: {}", text.text)));
            }
            Response::Stray => {
                return Err(ImapError::Protocol("a line that is no response".to_owned()));
            }
            Response::Capability(words) => self.capabilities.clone_from(words),
            Response::Status { text, .. } | Response::Tagged { text, .. } if text.code == "CAPABILITY" => {
                self.capabilities = response::words(text.arguments.as_bytes());
            }
            _ => {}
        }
        if let Some(state) = &mut self.selected {
            state.note(&response)?;
        }
        Ok(response)
    }

    /// The command's tagged end has come: what it means.
    fn end(&mut self, what: &'static str, status: Status, text: Text) -> Result<(), ImapError> {
        match status {
            Status::Ok => {
                self.busy = false;
                Ok(())
            }
            Status::No | Status::Bad => {
                self.busy = false;
                let bad = status == Status::Bad;
                Err(ImapError::Refused { command: what, text: text.text, code: text.code, bad })
            }
            Status::Bye | Status::Preauth => {
                Err(ImapError::Protocol(format!("{what} ended with neither OK nor NO nor BAD")))
            }
        }
    }
}
