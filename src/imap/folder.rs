//! Folders: which one is open, where ours are kept, and making one that is missing.

use super::error::ImapError;
use super::response::Response;
use super::{Session, text};

/// A folder as it was when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    /// As long as this is the same, a UID names the same mail for ever.
    pub uidvalidity: u32,
    /// The UID that the next mail gets at least; 0 where the server does not say.
    pub uidnext: u32,
    /// Mails in it.
    pub exists: u32,
    /// Whether nothing can be changed in it.
    pub read_only: bool,
}

/// What the session knows of the open folder.
pub(super) struct State {
    pub(super) uidvalidity: Option<u32>,
    uidnext: u32,
    /// Kept true by every EXISTS and EXPUNGE.
    pub(super) exists: u32,
    pub(super) read_only: bool,
    /// Mail was announced since UIDs were last asked for.
    pub(super) news: bool,
    /// The keyword can be kept here; unknown counts as yes.
    pub(super) keyword: bool,
    opened: bool,
}

/// Where personal folders live: Courier has `INBOX.`.
#[derive(Debug, Clone)]
pub(super) struct Namespace {
    prefix: String,
    separator: Option<char>,
}

impl State {
    fn new() -> Self {
        Self {
            uidvalidity: None,
            uidnext: 0,
            exists: 0,
            read_only: false,
            news: false,
            keyword: true,
            opened: false,
        }
    }

    /// What any response may tell about the open folder.
    pub(super) fn note(&mut self, response: &Response) -> Result<(), ImapError> {
        match response {
            Response::Exists(count) => {
                self.news |= self.opened && *count != self.exists;
                self.exists = *count;
            }
            Response::Expunge => self.exists = self.exists.saturating_sub(1),
            Response::Status { text, .. } | Response::Tagged { text, .. } => {
                let number = text.arguments.trim().parse().ok();
                match text.code.as_str() {
                    "UIDVALIDITY" => self.renumbered(number)?,
                    "UIDNEXT" => self.uidnext = number.unwrap_or(self.uidnext),
                    "READ-ONLY" => self.read_only = true,
                    "READ-WRITE" => self.read_only = false,
                    "PERMANENTFLAGS" => {
                        let flags = text.arguments.to_ascii_lowercase();
                        self.keyword = flags.contains("\\*") || flags.contains("$postdesk");
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// UIDVALIDITY never changes under an open folder (RFC 3501 2.3.1.1); where it does, UIDs in hand mean nothing.
    fn renumbered(&mut self, number: Option<u32>) -> Result<(), ImapError> {
        if self.opened && number != self.uidvalidity {
            return Err(ImapError::Protocol("UIDVALIDITY changed while the folder was open".to_owned()));
        }
        self.uidvalidity = number;
        Ok(())
    }
}

impl Session {
    /// Opens `folder`, named as [`Session::ensure_folder`] gave it or as the admin wrote it.
    pub async fn select(&mut self, folder: &str) -> Result<Selected, ImapError> {
        self.selected = Some(State::new());
        if let Err(error) = self.run("SELECT", &format!("SELECT {}", text::folder(folder)), |_| ()).await {
            self.selected = None;
            return Err(error);
        }
        let Some(state) = &mut self.selected else {
            return Err(ImapError::Protocol("no folder is open".to_owned()));
        };
        state.opened = true;
        let Some(uidvalidity) = state.uidvalidity else {
            // RFC 3501 6.3.1: such a server has no lasting UIDs, and the ledger stands on them.
            return Err(ImapError::Protocol("the folder has no UIDVALIDITY".to_owned()));
        };
        Ok(Selected { uidvalidity, uidnext: state.uidnext, exists: state.exists, read_only: state.read_only })
    }

    /// Makes sure that `name` exists, written with `/` between levels, and gives the name it has on this server.
    pub async fn ensure_folder(&mut self, name: &str) -> Result<String, ImapError> {
        if name.eq_ignore_ascii_case("INBOX") {
            return Ok("INBOX".to_owned());
        }
        if let Some(known) = self.folders.get(name) {
            return Ok(known.clone());
        }
        let namespace = self.namespace().await?;
        let full = namespace.full_name(name);
        let full = match self.create_if_missing(&full).await {
            // No NAMESPACE, but folders are kept below the inbox all the same.
            Err(ImapError::Refused { .. }) if namespace.prefix.is_empty() => {
                let below = format!("INBOX{}{full}", namespace.separator.unwrap_or('.'));
                self.create_if_missing(&below).await?;
                below
            }
            other => other.map(|()| full)?,
        };
        self.folders.insert(name.to_owned(), full.clone());
        Ok(full)
    }

    /// Forgets that a folder exists, for somebody removed it.
    pub(super) fn forget_folder(&mut self, name: &str) {
        self.folders.remove(name);
    }

    async fn create_if_missing(&mut self, full: &str) -> Result<(), ImapError> {
        if self.folder_exists(full).await? {
            return Ok(());
        }
        match self.run("CREATE", &format!("CREATE {}", text::folder(full)), |_| ()).await {
            Ok(_) => {}
            // Somebody else was quicker.
            Err(refused @ ImapError::Refused { .. }) => {
                return if self.folder_exists(full).await? { Ok(()) } else { Err(refused) };
            }
            Err(error) => return Err(error),
        }
        // So that people's clients show it; the mail is safe without.
        match self.run("SUBSCRIBE", &format!("SUBSCRIBE {}", text::folder(full)), |_| ()).await {
            Ok(_) | Err(ImapError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn folder_exists(&mut self, full: &str) -> Result<bool, ImapError> {
        let mut found = false;
        // `*` and `%` in a name are wildcards here: more may be listed, and names are compared.
        self.run("LIST", &format!("LIST \"\" {}", text::folder(full)), |response| {
            if let Response::List { flags, name, .. } = response {
                let gone = flags.iter().any(|flag| flag == "\\nonexistent");
                found |= !gone && text::decode_utf7(&name) == full;
            }
        })
        .await?;
        Ok(found)
    }

    async fn namespace(&mut self) -> Result<Namespace, ImapError> {
        if let Some(known) = &self.namespace {
            return Ok(known.clone());
        }
        let mut found = Namespace { prefix: String::new(), separator: None };
        self.run("LIST", "LIST \"\" \"\"", |response| {
            if let Response::List { separator, .. } = response {
                found.separator = separator;
            }
        })
        .await?;
        if self.offers("NAMESPACE") {
            self.run("NAMESPACE", "NAMESPACE", |response| {
                if let Response::Namespace { prefix, separator } = response {
                    found = Namespace {
                        prefix: text::decode_utf7(&prefix),
                        separator: separator.or(found.separator),
                    };
                }
            })
            .await?;
        }
        self.namespace = Some(found.clone());
        Ok(found)
    }

    /// Puts a mail into `folder` (RFC 3501 6.3.11).
    pub async fn append(&mut self, folder: &str, bytes: &[u8]) -> Result<(), ImapError> {
        let tag = self.begin(self.budget("APPEND"))?;
        let line = format!("{tag} APPEND {} (\\Seen) {{{}}}\r\n", text::folder(folder), bytes.len());
        self.wire.send(line.as_bytes()).await?;
        loop {
            match self.next().await? {
                Response::Continue => break,
                Response::Tagged { tag: theirs, status, text } if theirs == tag => {
                    return self.end("APPEND", status, text);
                }
                _ => {}
            }
        }
        self.wire.send(bytes).await?;
        self.wire.send(b"\r\n").await?;
        self.finish("APPEND", &tag, |_| ()).await
    }
}

impl Namespace {
    fn full_name(&self, name: &str) -> String {
        let name = match self.separator {
            Some(separator) if separator != '/' => name.replace('/', &separator.to_string()),
            _ => name.to_owned(),
        };
        if name.starts_with(&self.prefix) { name } else { format!("{}{name}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_the_server() {
        let courier = Namespace { prefix: "INBOX.".to_owned(), separator: Some('.') };
        assert_eq!(courier.full_name("Archive/Postdesk"), "INBOX.Archive.Postdesk");
        assert_eq!(courier.full_name("INBOX.Archive"), "INBOX.Archive");
        let plain = Namespace { prefix: String::new(), separator: Some('/') };
        assert_eq!(plain.full_name("Archive/Postdesk"), "Archive/Postdesk");
    }
}
