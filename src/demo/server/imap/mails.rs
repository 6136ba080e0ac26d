//! What is done with mails: put in, flag, copy, move, expunge.

use super::folders::name_of;
use super::{End, Session, no, ok};
use crate::demo::server::store::Store;
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

impl Session {
    pub(super) async fn with_folder(&mut self, body: CommandBody<'_>) -> io::Result<End> {
        let options = Arc::clone(&self.server.shared);
        let without = &options.options.without;
        let end = match body {
            CommandBody::Fetch { sequence_set, macro_or_item_names, uid } => {
                self.fetch(&sequence_set, &macro_or_item_names, uid).await?
            }
            CommandBody::Search { criteria, uid, .. } => {
                self.search(criteria.as_ref(), uid);
                ok("found")
            }
            CommandBody::Store { sequence_set, kind, response, flags, uid } => {
                let found = self.resolve(&sequence_set, uid);
                let names: BTreeSet<String> = flags.iter().map(Flag::to_string).collect();
                self.store_flags(&found, &kind, response, &names, uid)
            }
            CommandBody::Copy { sequence_set, mailbox, uid } => {
                let found = self.resolve(&sequence_set, uid);
                self.copy(&found, &name_of(&mailbox), false)
            }
            CommandBody::Move { sequence_set, mailbox, uid } if !without.r#move => {
                let found = self.resolve(&sequence_set, uid);
                self.copy(&found, &name_of(&mailbox), true)
            }
            CommandBody::Expunge => {
                let all: Vec<u32> = self.known().collect();
                self.expunge(&all)
            }
            CommandBody::ExpungeUid { sequence_set } if !without.uidplus => {
                let found: Vec<u32> =
                    self.resolve(&sequence_set, true).into_iter().map(|(_, uid)| uid).collect();
                self.expunge(&found)
            }
            CommandBody::Close => {
                let all: Vec<u32> = self.known().collect();
                self.expunge(&all);
                self.open = None;
                ok("closed")
            }
            _ => End::Bad("I cannot do that".to_owned()),
        };
        Ok(end)
    }

    fn known(&self) -> impl Iterator<Item = u32> + '_ {
        self.open.iter().flat_map(|view| view.known.iter().map(|(uid, _)| *uid))
    }

    fn resolve(
        &self,
        set: &imap_codec::imap_types::sequence::SequenceSet,
        by_uid: bool,
    ) -> Vec<(usize, u32)> {
        self.open.as_ref().map(|view| view.resolve(set, by_uid)).unwrap_or_default()
    }

    fn folder_name(&self) -> String {
        self.open.as_ref().map(|view| view.folder.clone()).unwrap_or_default()
    }

    fn store_flags(
        &mut self,
        found: &[(usize, u32)],
        kind: &StoreType,
        response: StoreResponse,
        names: &BTreeSet<String>,
        uid: bool,
    ) -> End {
        if self.open.as_ref().is_none_or(|view| view.read_only) {
            return no("[READ-ONLY] open for reading only");
        }
        let keyword = names.iter().any(|name| !name.starts_with('\\'));
        if keyword && self.server.shared.options.without.keywords {
            return no("[CANNOT] no keywords here");
        }
        let (account, folder) = (self.account().to_owned(), self.folder_name());
        let now: Vec<(usize, u32, BTreeSet<String>)> = self.server.change(|store| {
            let Some(folder) = store.folder_mut(&account, &folder) else { return Vec::new() };
            let mut now = Vec::new();
            for (number, uid) in found {
                let Some(mail) = folder.get_mut(*uid) else { continue };
                match kind {
                    StoreType::Replace => mail.flags.clone_from(names),
                    StoreType::Add => mail.flags.extend(names.iter().cloned()),
                    StoreType::Remove => mail.flags.retain(|flag| !names.contains(flag)),
                }
                now.push((*number, *uid, mail.flags.clone()));
            }
            now
        });
        for (number, uid_of, flags) in now {
            if response == StoreResponse::Answer {
                let uid = if uid { format!("UID {uid_of} ") } else { String::new() };
                self.wire.line(format!("* {number} FETCH ({uid}FLAGS ({}))", super::view::spelt(&flags)));
            }
            self.told(number, flags);
        }
        ok("stored")
    }

    /// The client knows these flags now.
    pub(super) fn told(&mut self, number: usize, flags: BTreeSet<String>) {
        let known = self.open.as_mut().and_then(|view| view.known.get_mut(number.saturating_sub(1)));
        if let Some((_, known)) = known {
            *known = flags;
        }
    }

    fn copy(&mut self, found: &[(usize, u32)], target: &str, take: bool) -> End {
        let (account, source) = (self.account().to_owned(), self.folder_name());
        let uids: Vec<u32> = found.iter().map(|(_, uid)| *uid).collect();
        let copied = self.server.change(|store| copy_in(store, &account, &source, target, &uids, take));
        let Some((uidvalidity, pairs)) = copied else {
            return no("[TRYCREATE] there is no such folder");
        };
        let spell = |uids: Vec<u32>| uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let (old, new): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
        let code = if old.is_empty() || self.server.shared.options.without.uidplus {
            String::new()
        } else {
            format!("[COPYUID {uidvalidity} {} {}] ", spell(old), spell(new))
        };
        if take {
            // RFC 6851: the code comes untagged, before the EXPUNGEs.
            self.wire.line(format!("* OK {code}moved"));
            self.sync();
            return ok("moved");
        }
        End::Ok(format!("{code}copied"))
    }

    fn expunge(&mut self, uids: &[u32]) -> End {
        if self.open.as_ref().is_none_or(|view| view.read_only) {
            return no("[READ-ONLY] open for reading only");
        }
        let (account, folder) = (self.account().to_owned(), self.folder_name());
        self.server.change(|store| {
            if let Some(folder) = store.folder_mut(&account, &folder) {
                folder.mails.retain(|mail| !(mail.flags.contains("\\Deleted") && uids.contains(&mail.uid)));
            }
        });
        self.sync();
        ok("gone")
    }

    pub(super) fn append(
        &mut self,
        target: &str,
        flags: &[Flag<'_>],
        message: &LiteralOrLiteral8<'_>,
    ) -> End {
        let raw: Arc<[u8]> = match message {
            LiteralOrLiteral8::Literal(literal) => Arc::from(literal.data()),
            LiteralOrLiteral8::Literal8(literal) => Arc::from(literal.data.as_ref()),
        };
        let names = flags.iter().map(Flag::to_string).collect();
        let (account, arrived) = (self.account().to_owned(), self.server.shared.options.clock.now().0);
        let added = self.server.change(|store| {
            let folder = store.folder_mut(&account, target)?;
            Some((folder.uidvalidity, folder.add(raw, names, arrived)))
        });
        match added {
            Some((uidvalidity, uid)) => End::Ok(format!("[APPENDUID {uidvalidity} {uid}] kept")),
            None => no("[TRYCREATE] there is no such folder"),
        }
    }
}

/// The target's UIDVALIDITY, and each old UID with its new one. `None` without a target.
fn copy_in(
    store: &mut Store,
    account: &str,
    source: &str,
    target: &str,
    uids: &[u32],
    take: bool,
) -> Option<(u32, Vec<(u32, u32)>)> {
    store.folder(account, target)?;
    let from = store.folder_mut(account, source)?;
    let mails: Vec<_> = uids.iter().filter_map(|uid| from.get(*uid).cloned()).collect();
    if take {
        from.remove(&uids.iter().copied().collect());
    }
    let to = store.folder_mut(account, target)?;
    let pairs =
        mails.into_iter().map(|mail| (mail.uid, to.add(mail.raw, mail.flags, mail.arrived))).collect();
    Some((to.uidvalidity, pairs))
}
