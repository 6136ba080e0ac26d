//! Accounts, folders and mails in memory, and what was submitted. Knows no protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The first UIDVALIDITY handed out; each new folder gets the next number.
const FIRST_UIDVALIDITY: u32 = 1_700_000_001;

/// A mail in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its UID.
    pub uid: u32,
    /// Its flags and keywords, as `\Seen`.
    pub flags: BTreeSet<String>,
    /// Its bytes.
    pub raw: Arc<[u8]>,
    /// When it arrived, in seconds since 1970.
    pub arrived: i64,
}

/// A mail that SMTP took over, once for each recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The sender; empty for the null sender `<>`.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The bytes as they came, dots unstuffed.
    pub raw: Arc<[u8]>,
    /// Who was logged in.
    pub login: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub uidvalidity: u32,
    pub uidnext: u32,
    /// In the order of their UIDs.
    pub mails: Vec<Stored>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub password: String,
    pub folders: BTreeMap<String, Folder>,
    pub subscribed: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    pub accounts: BTreeMap<String, Account>,
    pub submitted: Vec<Submitted>,
    /// Pairs of sender and recipient that came once, for greylisting.
    pub seen_pairs: BTreeSet<(String, String)>,
    validities: u32,
}

impl Store {
    pub(super) fn add_account(&mut self, address: &str, password: &str) {
        let inbox = self.new_folder();
        let account = self.accounts.entry(address.to_ascii_lowercase()).or_default();
        account.password = password.to_owned();
        account.folders.entry("INBOX".to_owned()).or_insert(inbox);
    }

    pub(super) fn new_folder(&mut self) -> Folder {
        self.validities = self.validities.saturating_add(1);
        let uidvalidity = FIRST_UIDVALIDITY.saturating_add(self.validities);
        Folder { uidvalidity, uidnext: 1, mails: Vec::new() }
    }

    pub(super) fn folder(&self, address: &str, folder: &str) -> Option<&Folder> {
        self.accounts.get(address)?.folders.get(folder)
    }

    pub(super) fn folder_mut(&mut self, address: &str, folder: &str) -> Option<&mut Folder> {
        self.accounts.get_mut(address)?.folders.get_mut(folder)
    }

    /// The account that mail to `address` goes to: the address itself, or the one before a plus tag.
    pub(super) fn account_of(&self, address: &str) -> Option<String> {
        let address = address.to_ascii_lowercase();
        let base = match address.split_once('@') {
            Some((local, domain)) => {
                format!("{}@{domain}", local.split_once('+').map_or(local, |(base, _)| base))
            }
            None => address.clone(),
        };
        [address, base].into_iter().find(|name| self.accounts.contains_key(name))
    }

    pub(super) fn password_fits(&self, user: &str, password: &str) -> Option<String> {
        let user = user.to_ascii_lowercase();
        self.accounts.get(&user).filter(|account| account.password == password).map(|_| user)
    }
}

impl Folder {
    pub(super) fn add(&mut self, raw: Arc<[u8]>, flags: BTreeSet<String>, arrived: i64) -> u32 {
        let uid = self.uidnext;
        self.uidnext = uid.saturating_add(1);
        self.mails.push(Stored { uid, flags, raw, arrived });
        uid
    }

    pub(super) fn get(&self, uid: u32) -> Option<&Stored> {
        let at = self.mails.binary_search_by_key(&uid, |mail| mail.uid).ok()?;
        self.mails.get(at)
    }

    pub(super) fn get_mut(&mut self, uid: u32) -> Option<&mut Stored> {
        let at = self.mails.binary_search_by_key(&uid, |mail| mail.uid).ok()?;
        self.mails.get_mut(at)
    }

    /// Takes out the mails with these UIDs.
    pub(super) fn remove(&mut self, uids: &BTreeSet<u32>) {
        self.mails.retain(|mail| !uids.contains(&mail.uid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_address_belongs_to_its_account() {
        let mut store = Store::default();
        store.add_account("desk@example.org", "x");
        assert_eq!(store.account_of("Desk+t1@example.org").as_deref(), Some("desk@example.org"));
        assert_eq!(store.account_of("desktop@example.org"), None);
    }
}
