//! Folders: list, open, make, remove, ask about; and the way to the commands on mails.

use super::view::View;
use super::{End, Session, no, ok};
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::status::StatusDataItemName;
use std::io;

/// A folder's name as it stands on the wire.
pub(super) fn name_of(mailbox: &Mailbox<'_>) -> String {
    match mailbox {
        Mailbox::Inbox => "INBOX".to_owned(),
        Mailbox::Other(other) => String::from_utf8_lossy(other.as_ref()).into_owned(),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Session {
    pub(super) async fn with_login(&mut self, body: CommandBody<'_>) -> io::Result<End> {
        let end = match body {
            CommandBody::Select { mailbox, .. } => self.select(&name_of(&mailbox), false),
            CommandBody::Examine { mailbox, .. } => self.select(&name_of(&mailbox), true),
            CommandBody::List { reference, mailbox_wildcard } => {
                self.list("LIST", &reference, &mailbox_wildcard)
            }
            CommandBody::Lsub { reference, mailbox_wildcard } => {
                self.list("LSUB", &reference, &mailbox_wildcard)
            }
            CommandBody::Namespace => {
                let prefix = &self.server.shared.options.prefix;
                self.wire.line(format!(
                    "* NAMESPACE (({} \"{}\")) NIL NIL",
                    quoted(prefix),
                    self.separator()
                ));
                ok("there")
            }
            CommandBody::Create { mailbox } => self.create(&name_of(&mailbox)),
            CommandBody::Delete { mailbox } => self.delete(&name_of(&mailbox)),
            CommandBody::Subscribe { mailbox } => self.subscribe(&name_of(&mailbox), true),
            CommandBody::Unsubscribe { mailbox } => self.subscribe(&name_of(&mailbox), false),
            CommandBody::Status { mailbox, item_names } => self.status(&name_of(&mailbox), &item_names),
            CommandBody::Append { mailbox, flags, message, .. } => {
                self.append(&name_of(&mailbox), &flags, &message)
            }
            CommandBody::Unselect => {
                self.open = None;
                ok("closed")
            }
            _ if self.open.is_none() => no("open a folder first"),
            body => self.with_folder(body).await?,
        };
        Ok(end)
    }

    fn separator(&self) -> char {
        if self.server.shared.options.prefix.is_empty() { '/' } else { '.' }
    }

    fn select(&mut self, name: &str, read_only: bool) -> End {
        self.open = None;
        let (view, uidnext) = {
            let store = self.server.store();
            let Some(folder) = store.folder(self.account(), name) else {
                return no("[NONEXISTENT] there is no such folder");
            };
            (View::of(name, folder, read_only), folder.uidnext)
        };
        let keywords = if self.server.shared.options.without.keywords { "" } else { " \\*" };
        let system = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
        self.wire.line(format!("* FLAGS ({system} $Postdesk)"));
        self.wire.line(format!("* OK [PERMANENTFLAGS ({system}{keywords})] kept"));
        self.wire.line(format!("* {} EXISTS", view.known.len()));
        self.wire.line("* 0 RECENT");
        self.wire.line(format!("* OK [UIDVALIDITY {}] valid", view.uidvalidity));
        self.wire.line(format!("* OK [UIDNEXT {uidnext}] next"));
        self.open = Some(view);
        ok(if read_only { "[READ-ONLY] open" } else { "[READ-WRITE] open" })
    }

    fn list(&mut self, word: &str, reference: &Mailbox<'_>, wildcard: &ListMailbox<'_>) -> End {
        let pattern = match wildcard {
            ListMailbox::Token(token) => String::from_utf8_lossy(token.as_ref()).into_owned(),
            ListMailbox::String(string) => String::from_utf8_lossy(string.as_ref()).into_owned(),
        };
        let separator = self.separator();
        if pattern.is_empty() {
            self.wire.line(format!("* {word} (\\Noselect) \"{separator}\" \"\""));
            return ok("that");
        }
        let pattern = format!("{}{pattern}", name_of(reference));
        let names: Vec<String> = {
            let store = self.server.store();
            let Some(account) = store.accounts.get(self.account()) else { return no("no account") };
            let all = account.folders.keys();
            let names =
                all.filter(|name| word == "LIST" || account.subscribed.contains(*name) || *name == "INBOX");
            names.filter(|name| fits(name, &pattern, separator)).cloned().collect()
        };
        for name in names {
            self.wire.line(format!("* {word} (\\HasNoChildren) \"{separator}\" {}", quoted(&name)));
        }
        ok("these")
    }

    fn create(&mut self, name: &str) -> End {
        let prefix = self.server.shared.options.prefix.clone();
        let name = name.trim_end_matches(self.separator()).to_owned();
        if !name.starts_with(&prefix) {
            return no("[CANNOT] not below the inbox");
        }
        let account = self.account().to_owned();
        self.server.change(|store| {
            let fresh = store.new_folder();
            let Some(account) = store.accounts.get_mut(&account) else { return no("no account") };
            if account.folders.contains_key(&name) {
                return no("[ALREADYEXISTS] it is there already");
            }
            account.folders.insert(name, fresh);
            ok("made")
        })
    }

    fn delete(&mut self, name: &str) -> End {
        let account = self.account().to_owned();
        let removed = self.server.change(|store| {
            store.accounts.get_mut(&account).and_then(|account| account.folders.remove(name)).is_some()
        });
        if removed { ok("removed") } else { no("[NONEXISTENT] there is no such folder") }
    }

    fn subscribe(&mut self, name: &str, on: bool) -> End {
        let account = self.account().to_owned();
        self.server.change(|store| {
            if let Some(account) = store.accounts.get_mut(&account) {
                if on {
                    account.subscribed.insert(name.to_owned())
                } else {
                    account.subscribed.remove(name)
                };
            }
        });
        ok("noted")
    }

    fn status(&mut self, name: &str, items: &[StatusDataItemName]) -> End {
        let values = {
            let store = self.server.store();
            let Some(folder) = store.folder(self.account(), name) else {
                return no("[NONEXISTENT] there is no such folder");
            };
            let lacking = |flag: &str| folder.mails.iter().filter(|mail| !mail.flags.contains(flag)).count();
            let value = |item: &StatusDataItemName| match item {
                StatusDataItemName::Messages => Some(format!("MESSAGES {}", folder.mails.len())),
                StatusDataItemName::Recent => Some("RECENT 0".to_owned()),
                StatusDataItemName::UidNext => Some(format!("UIDNEXT {}", folder.uidnext)),
                StatusDataItemName::UidValidity => Some(format!("UIDVALIDITY {}", folder.uidvalidity)),
                StatusDataItemName::Unseen => Some(format!("UNSEEN {}", lacking("\\Seen"))),
                _ => None,
            };
            items.iter().filter_map(value).collect::<Vec<_>>().join(" ")
        };
        self.wire.line(format!("* STATUS {} ({values})", quoted(name)));
        ok("so it stands")
    }
}

/// Whether `name` fits a pattern with `*` (anything) and `%` (anything within a level).
fn fits(name: &str, pattern: &str, separator: char) -> bool {
    let Some(first) = pattern.chars().next() else { return name.is_empty() };
    let mut rest = pattern.chars();
    rest.next();
    let rest = rest.as_str();
    if first != '*' && first != '%' {
        let mut name = name.chars();
        return name.next() == Some(first) && fits(name.as_str(), rest, separator);
    }
    let mut name = name.chars();
    loop {
        if fits(name.as_str(), rest, separator) {
            return true;
        }
        match name.next() {
            None => return false,
            Some(c) if first == '%' && c == separator => return false,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_list() {
        assert!(fits("a/b", "*", '/') && fits("a/b", "a/%", '/') && fits("INBOX", "INBOX", '/'));
        assert!(!fits("a/b", "%", '/') && !fits("INBOX", "INBO", '/'));
    }
}
