//! What a session has been told of its folder: sequence numbers stand for UIDs in the order told, and every change is
//! told before a number can mean something else (RFC 3501 7.4.1).

use super::Session;
use crate::demo::server::store::Folder;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use std::collections::BTreeSet;

/// The open folder as the client knows it.
pub(super) struct View {
    pub folder: String,
    pub uidvalidity: u32,
    pub read_only: bool,
    /// UID and flags in the order of sequence numbers.
    pub known: Vec<(u32, BTreeSet<String>)>,
}

impl View {
    pub(super) fn of(name: &str, folder: &Folder, read_only: bool) -> Self {
        let known = folder.mails.iter().map(|mail| (mail.uid, mail.flags.clone())).collect();
        Self { folder: name.to_owned(), uidvalidity: folder.uidvalidity, read_only, known }
    }

    /// The UIDs that `set` names, with their sequence numbers, in order.
    pub(super) fn resolve(&self, set: &SequenceSet, by_uid: bool) -> Vec<(usize, u32)> {
        let mut found = BTreeSet::new();
        for part in set.0.as_ref() {
            let (low, high) = self.bounds(part, by_uid);
            let (from, to) = if by_uid {
                let after = |uid: u32| self.known.partition_point(|(known, _)| *known < uid);
                (after(low), high.checked_add(1).map_or(self.known.len(), after))
            } else {
                let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
                (at(low).saturating_sub(1), at(high).min(self.known.len()))
            };
            found.extend(from..to);
        }
        found.into_iter().filter_map(|at| Some((at.checked_add(1)?, self.known.get(at)?.0))).collect()
    }

    /// Whether `set` names the mail with this sequence number and UID.
    pub(super) fn names(&self, set: &SequenceSet, by_uid: bool, number: usize, uid: u32) -> bool {
        let value = if by_uid { uid } else { u32::try_from(number).unwrap_or(u32::MAX) };
        set.0.as_ref().iter().any(|part| {
            let (low, high) = self.bounds(part, by_uid);
            (low..=high).contains(&value)
        })
    }

    fn bounds(&self, part: &Sequence, by_uid: bool) -> (u32, u32) {
        let (a, b) = match part {
            Sequence::Single(one) => (self.number(one, by_uid), self.number(one, by_uid)),
            Sequence::Range(a, b) => (self.number(a, by_uid), self.number(b, by_uid)),
        };
        (a.min(b), a.max(b))
    }

    fn number(&self, value: &SeqOrUid, by_uid: bool) -> u32 {
        match value {
            SeqOrUid::Value(number) => number.get(),
            SeqOrUid::Asterisk if by_uid => self.known.last().map_or(0, |(uid, _)| *uid),
            SeqOrUid::Asterisk => u32::try_from(self.known.len()).unwrap_or(u32::MAX),
        }
    }
}

impl Session {
    /// Tells the client what has changed in its folder since it was last told. A folder that is gone or renumbered
    /// ends the session.
    pub(super) fn sync(&mut self) {
        let Some(mut view) = self.open.take() else { return };
        let lines = {
            let store = self.server.store();
            match store.folder(self.account(), &view.folder) {
                Some(folder) if folder.uidvalidity == view.uidvalidity => Some(changes(&mut view, folder)),
                _ => None,
            }
        };
        let Some(lines) = lines else {
            self.wire.line("* BYE the folder is no longer what it was");
            self.over = true;
            return;
        };
        for line in lines {
            self.wire.line(line);
        }
        self.open = Some(view);
    }
}

fn changes(view: &mut View, folder: &Folder) -> Vec<String> {
    let mut lines = Vec::new();
    let mut number = view.known.len();
    while number > 0 {
        let gone = view.known.get(number.saturating_sub(1)).is_none_or(|(uid, _)| folder.get(*uid).is_none());
        if gone {
            view.known.remove(number.saturating_sub(1));
            lines.push(format!("* {number} EXPUNGE"));
        }
        number = number.saturating_sub(1);
    }
    let last = view.known.last().map_or(0, |(uid, _)| *uid);
    let fresh = folder.mails.iter().filter(|mail| mail.uid > last);
    let before = view.known.len();
    view.known.extend(fresh.map(|mail| (mail.uid, mail.flags.clone())));
    if view.known.len() > before {
        lines.push(format!("* {} EXISTS", view.known.len()));
        lines.push("* 0 RECENT".to_owned());
    }
    for (at, (uid, flags)) in view.known.iter_mut().enumerate() {
        if let Some(mail) = folder.get(*uid).filter(|mail| mail.flags != *flags) {
            flags.clone_from(&mail.flags);
            lines.push(format!("* {} FETCH (UID {uid} FLAGS ({}))", at.saturating_add(1), spelt(flags)));
        }
    }
    lines
}

/// Flags as they stand in parentheses.
pub(super) fn spelt(flags: &BTreeSet<String>) -> String {
    flags.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
