//! One mail to one recipient: the dialogue, and what became of the mail.

use super::body::canonical;
use super::{Broken, Connection, Reply};
use lettre::address::Address;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::timeout;

/// How long a reply is looked for after the relay stopped taking the mail half-way: it may have said why.
const LAST_WORD_TIME: Duration = Duration::from_secs(2);

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The relay has taken it over.
    Accepted {
        /// What it said, with its queue id for the most part.
        reply: String,
    },
    /// Not now: try again. The relay does not have it.
    Later {
        /// Its code; `None` where the connection failed.
        code: Option<u16>,
        /// What it said, or what failed.
        reply: String,
    },
    /// Never.
    Refused {
        /// Its code; `None` where it is we who see that it cannot be.
        code: Option<u16>,
        /// What it said, or what we see.
        reply: String,
    },
    /// The connection failed after the final dot: the relay may have it or not.
    Unknown {
        /// What failed.
        why: String,
    },
}

impl Connection {
    /// Submits `bytes` from `from` (`None`: the null sender `<>`, for what must not be answered) to `to`.
    pub async fn submit(&mut self, from: Option<&str>, to: &str, bytes: &[u8]) -> Outcome {
        self.submit_after(from, to, bytes, std::future::ready(true)).await
    }

    /// As [`Connection::submit`], but the mail itself is sent only once `record` has resolved to true, which runs while
    /// the envelope is being agreed upon: whoever writes down that the mail may have been taken does so in time.
    pub async fn submit_after(
        &mut self,
        from: Option<&str>,
        to: &str,
        bytes: &[u8],
        record: impl Future<Output = bool>,
    ) -> Outcome {
        // Busy: the future of an earlier mail was dropped half-way.
        if self.dead || self.busy {
            self.dead = true;
            return later("the connection is no longer open");
        }
        let body = canonical(bytes);
        let (mail, rcpt) = match self.envelope(from, to, &body) {
            Ok(envelope) => envelope,
            Err(refused) => return refused,
        };
        self.mails = self.mails.saturating_add(1);
        self.busy = true;
        let (asked, recorded) = tokio::join!(self.ask_to_send(mail, rcpt), record);
        let outcome = match asked {
            Ok(()) if recorded => self.send_body(&body).await,
            Ok(()) => {
                self.dead = true;
                later("it could not be written down that the mail is being sent")
            }
            Err(outcome) => outcome,
        };
        self.busy = false;
        outcome
    }

    /// The commands, or why there can be none.
    fn envelope(&self, from: Option<&str>, to: &str, body: &[u8]) -> Result<(Mail, Rcpt), Outcome> {
        let size = body.len().saturating_add(2);
        let most = self.features.size.unwrap_or(0);
        if most > 0 && u64::try_from(size).is_ok_and(|size| size > most) {
            return Err(refused(&format!("it has {size} bytes and the relay takes {most} at most")));
        }
        let to: Address = to.parse().map_err(|_| refused("the recipient's address is not one"))?;
        let from: Option<Address> = from
            .map(|from| from.parse().map_err(|_| refused("the sender's address is not one")))
            .transpose()?;
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        let mut parameters = Vec::new();
        if !ascii(&to) || from.as_ref().is_some_and(|from| !ascii(from)) {
            if !self.features.utf8 {
                return Err(refused("the address needs SMTPUTF8, which the relay does not offer (RFC 6531)"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if self.features.size.is_some() {
            parameters.push(MailParameter::Size(size));
        }
        if self.features.eight_bit && !body.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok((Mail::new(from, parameters), Rcpt::new(to, Vec::new())))
    }

    /// MAIL, RCPT and DATA, in one breath where the relay allows it (RFC 2920). `Ok` when it waits for the mail.
    async fn ask_to_send(&mut self, mail: Mail, rcpt: Rcpt) -> Result<(), Outcome> {
        if self.features.pipelining {
            return self.ask_in_one_breath(mail, rcpt).await;
        }
        let wait = self.waits.command;
        let answer = self.ask(mail, wait).await;
        self.verdict("MAIL", answer)?;
        let answer = self.ask(rcpt, wait).await;
        let mut verdict = self.verdict("RCPT", answer);
        if verdict.is_ok() {
            let answer = self.ask(Data, wait).await;
            verdict = self.verdict("DATA", answer);
        }
        if verdict.is_err() {
            self.reset().await;
        }
        verdict
    }

    async fn ask_in_one_breath(&mut self, mail: Mail, rcpt: Rcpt) -> Result<(), Outcome> {
        let wait = self.waits.command;
        let answer = self.ask(format!("{mail}{rcpt}{Data}"), wait).await;
        let mut verdict = self.verdict("MAIL", answer);
        for command in ["RCPT", "DATA"] {
            if self.dead {
                return verdict;
            }
            let answer = self.reply(wait).await;
            // The relay waits for a mail that nobody is to get: only closing gets out of that for certain.
            self.dead |= verdict.is_err() && matches!(&answer, Ok(reply) if reply.code == 354);
            verdict = verdict.and(self.verdict(command, answer));
        }
        if verdict.is_err() {
            self.reset().await;
        }
        verdict
    }

    /// What the answer to a command before the mail itself means for the mail: nothing of it has been sent.
    fn verdict(&mut self, command: &'static str, answer: Result<Reply, Broken>) -> Result<(), Outcome> {
        let wanted = if command == "DATA" { 300..400 } else { 200..300 };
        let first = command == "MAIL";
        match answer {
            Ok(reply) if wanted.contains(&reply.code) => Ok(()),
            Ok(Reply { code, text }) if code >= 500 => {
                Err(Outcome::Refused { code: Some(code), reply: text })
            }
            Ok(Reply { code, text }) if code >= 400 => {
                self.worn |= first && self.mails > 1 && matches!(code, 421 | 452);
                Err(Outcome::Later { code: Some(code), reply: text })
            }
            Ok(Reply { code, .. }) => {
                self.dead = true;
                Err(later(&format!("{code} is no answer to {command}")))
            }
            Err(broken) => {
                // Closed while it lay idle between two mails.
                self.worn |= first && self.mails > 1 && broken == Broken::Closed;
                Err(later(&broken.during(command)))
            }
        }
    }

    /// The mail itself. Here alone lies the doubt that SMTP leaves: between the dot and its answer.
    async fn send_body(&mut self, body: &[u8]) -> Outcome {
        let answer = timeout(self.waits.mail, self.smtp.message(body)).await;
        match self.judge(answer) {
            Ok(Reply { code: 200..300, text }) => Outcome::Accepted { reply: text },
            Ok(Reply { code: code @ 400..500, text }) => Outcome::Later { code: Some(code), reply: text },
            Ok(Reply { code: code @ 500.., text }) => Outcome::Refused { code: Some(code), reply: text },
            Ok(Reply { code, .. }) => {
                self.dead = true;
                Outcome::Unknown { why: format!("{code} is no answer to a mail") }
            }
            Err(broken) if self.dot_has_left() => Outcome::Unknown { why: broken.during("the final dot") },
            Err(broken) => self.last_word(broken).await,
        }
    }

    fn dot_has_left(&self) -> bool {
        self.tap.lock().unwrap_or_else(PoisonError::into_inner).dot_has_left()
    }

    /// The relay stopped taking the mail half-way: what it may have said about that.
    async fn last_word(&mut self, broken: Broken) -> Outcome {
        let answer = timeout(LAST_WORD_TIME, self.smtp.read_response()).await;
        match self.judge(answer) {
            Ok(Reply { code: code @ 500.., text }) => Outcome::Refused { code: Some(code), reply: text },
            Ok(Reply { code: code @ 400..500, text }) => Outcome::Later { code: Some(code), reply: text },
            _ => later(&broken.during("the mail, before its end")),
        }
    }
}

impl Broken {
    fn during(self, what: &str) -> String {
        match self {
            Self::TimedOut => format!("no answer in time to {what}"),
            Self::Closed => format!("the connection ended during {what}"),
        }
    }
}

fn later(why: &str) -> Outcome {
    Outcome::Later { code: None, reply: why.to_owned() }
}

fn refused(why: &str) -> Outcome {
    Outcome::Refused { code: None, reply: why.to_owned() }
}
