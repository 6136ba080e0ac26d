//! What goes wrong, and when: faults are armed before and fire at the n-th command of a kind. Knows no sockets.

use super::MailServer;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// When a fault fires.
#[derive(Debug, Clone)]
pub struct When {
    command: &'static str,
    nth: u32,
    forever: bool,
    recipient: Option<String>,
}

impl When {
    /// At the next command called `command`: an IMAP command without `UID` (`FETCH`), `DONE`, or an SMTP stage
    /// (`EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `DOT`, `RSET`, `QUIT`); for both protocols `CONNECT`, `STARTTLS` and
    /// `*` for any.
    pub fn next(command: &'static str) -> Self {
        Self::nth(command, 1)
    }

    /// At the `nth` such command from now on; the next is 1.
    pub fn nth(command: &'static str, nth: u32) -> Self {
        Self { command, nth, forever: false, recipient: None }
    }

    /// At each such command.
    pub fn always(command: &'static str) -> Self {
        Self { command, nth: 1, forever: true, recipient: None }
    }

    /// Only for this recipient (`RCPT`).
    pub fn to(mut self, recipient: &str) -> Self {
        self.recipient = Some(recipient.to_ascii_lowercase());
        self
    }
}

/// Called with the server in the midst of a command.
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn(&MailServer) + Send + Sync>);

impl Hook {
    /// Wraps a function.
    pub fn new(hook: impl Fn(&MailServer) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    pub(super) fn call(&self, server: &MailServer) {
        (self.0)(server);
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// What goes wrong in IMAP.
#[derive(Debug, Clone)]
pub enum ImapFault {
    /// Tagged NO instead of the deed. The text may begin with a code in brackets.
    No(String),
    /// Tagged BAD instead of the deed.
    Bad(String),
    /// BYE and the end, instead of the deed.
    Bye(String),
    /// These bytes before the true answer: a garbage line, a wrong count, a late EXPUNGE.
    Say(Vec<u8>),
    /// These bytes instead of deed and answer, with `{tag}` replaced.
    Replace(String),
    /// The connection ends after so many bytes of the answer.
    CutAfter(usize),
    /// The answer comes in pieces of so many bytes, each after this long.
    Drip(usize, Duration),
    /// No answer ever.
    Stall,
    /// The connection ends instead of the deed.
    Drop,
    /// The deed is done, then the connection ends without the answer.
    DropAfter,
    /// This happens first, then the command is carried out: somebody else moves mail, deletes the folder.
    Run(Hook),
}

/// What goes wrong in SMTP.
#[derive(Debug, Clone)]
pub enum SmtpFault {
    /// This reply instead of the deed; 421 also ends the connection.
    Reply(u16, String),
    /// The deed is done and answered by these bytes.
    Raw(Vec<u8>),
    /// No answer ever, no deed.
    Stall,
    /// The deed is done, and no answer comes.
    StallAfter,
    /// The connection ends instead of the deed.
    Drop,
    /// The deed is done, then the connection ends without the answer.
    DropAfter,
    /// At `DATA`: the connection ends after so many bytes of the mail.
    DropMidway(usize),
    /// At `STARTTLS`: says yes and then no TLS.
    GarbageForTls,
    /// This happens first, then the command is carried out.
    Run(Hook),
}

#[derive(Debug)]
struct Armed<F> {
    when: When,
    seen: u32,
    fault: F,
}

/// The armed faults of one protocol.
#[derive(Debug)]
pub(super) struct Faults<F>(Vec<Armed<F>>);

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Clone> Faults<F> {
    pub(super) fn arm(&mut self, when: When, fault: F) {
        self.0.push(Armed { when, seen: 0, fault });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that fires at this command, if any. Counts the command for all of them.
    pub(super) fn take(&mut self, command: &str, recipient: Option<&str>) -> Option<F> {
        let mut fired: Option<usize> = None;
        for (index, armed) in self.0.iter_mut().enumerate() {
            let when = &armed.when;
            let concerns = (when.command == "*" || when.command == command)
                && when.recipient.as_deref().is_none_or(|wanted| recipient == Some(wanted));
            if concerns {
                armed.seen = armed.seen.saturating_add(1);
                if fired.is_none() && (when.forever || armed.seen == when.nth) {
                    fired = Some(index);
                }
            }
        }
        let index = fired?;
        let armed = self.0.get(index)?;
        let fault = armed.fault.clone();
        if !armed.when.forever {
            self.0.remove(index);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_fires_at_its_command_and_once() {
        let mut faults = Faults::default();
        faults.arm(When::nth("FETCH", 2), 'a');
        faults.arm(When::always("NOOP"), 'b');
        faults.arm(When::next("RCPT").to("x@y"), 'c');
        let fired: Vec<_> =
            ["FETCH", "NOOP", "FETCH", "FETCH", "NOOP"].iter().map(|c| faults.take(c, None)).collect();
        assert_eq!(fired, [None, Some('b'), Some('a'), None, Some('b')]);
        assert_eq!(faults.take("RCPT", Some("z@y")), None);
        assert_eq!(faults.take("RCPT", Some("x@y")), Some('c'));
    }
}
