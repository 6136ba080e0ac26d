//! SEARCH: a tree of criteria over the mails that the client knows.

use super::Session;
use super::data::{header, text_of};
use super::view::View;
use crate::demo::server::store::Stored;
use imap_codec::imap_types::search::SearchKey;

impl Session {
    pub(super) fn search(&mut self, criteria: &[SearchKey<'_>], uid: bool) {
        let Some(view) = &self.open else { return };
        let found: Vec<String> = {
            let store = self.server.store();
            let folder = store.folder(self.account(), &view.folder);
            let mails = view
                .known
                .iter()
                .enumerate()
                .filter_map(|(at, (uid, _))| Some((at.saturating_add(1), folder?.get(*uid)?)));
            let sets = Sets { view };
            mails
                .filter(|(number, mail)| criteria.iter().all(|key| sets.holds(key, *number, mail)))
                .map(|(number, mail)| if uid { mail.uid.to_string() } else { number.to_string() })
                .collect()
        };
        let space = if found.is_empty() { "" } else { " " };
        self.wire.line(format!("* SEARCH{space}{}", found.join(" ")));
    }
}

struct Sets<'a> {
    view: &'a View,
}

impl Sets<'_> {
    fn holds(&self, key: &SearchKey<'_>, number: usize, mail: &Stored) -> bool {
        let flag = |name: &str| mail.flags.contains(name);
        let says = |name: &str, wanted: &[u8]| header(&mail.raw, name).is_some_and(|v| has(&v, wanted));
        let size = u32::try_from(mail.raw.len()).unwrap_or(u32::MAX);
        match key {
            SearchKey::All | SearchKey::Old => true,
            SearchKey::And(keys) => keys.as_ref().iter().all(|key| self.holds(key, number, mail)),
            SearchKey::Or(a, b) => self.holds(a, number, mail) || self.holds(b, number, mail),
            SearchKey::Not(key) => !self.holds(key, number, mail),
            SearchKey::SequenceSet(set) => self.view.names(set, false, number, mail.uid),
            SearchKey::Uid(set) => self.view.names(set, true, number, mail.uid),
            SearchKey::Seen => flag("\\Seen"),
            SearchKey::Unseen => !flag("\\Seen"),
            SearchKey::Deleted => flag("\\Deleted"),
            SearchKey::Undeleted => !flag("\\Deleted"),
            SearchKey::Answered => flag("\\Answered"),
            SearchKey::Unanswered => !flag("\\Answered"),
            SearchKey::Flagged => flag("\\Flagged"),
            SearchKey::Unflagged => !flag("\\Flagged"),
            SearchKey::Draft => flag("\\Draft"),
            SearchKey::Undraft => !flag("\\Draft"),
            SearchKey::Keyword(word) => flag(word.inner()),
            SearchKey::Unkeyword(word) => !flag(word.inner()),
            SearchKey::Larger(than) => size > *than,
            SearchKey::Smaller(than) => size < *than,
            SearchKey::From(wanted) => says("From", wanted.as_ref()),
            SearchKey::To(wanted) => says("To", wanted.as_ref()),
            SearchKey::Cc(wanted) => says("Cc", wanted.as_ref()),
            SearchKey::Subject(wanted) => says("Subject", wanted.as_ref()),
            SearchKey::Header(name, wanted) => says(&String::from_utf8_lossy(name.as_ref()), wanted.as_ref()),
            SearchKey::Text(wanted) => has(&String::from_utf8_lossy(&mail.raw), wanted.as_ref()),
            SearchKey::Body(wanted) => has(&String::from_utf8_lossy(text_of(&mail.raw)), wanted.as_ref()),
            SearchKey::Since(day) => *super::data::day(mail.arrived) >= *format!("{:?}", day.as_ref()),
            SearchKey::Before(day) => *super::data::day(mail.arrived) < *format!("{:?}", day.as_ref()),
            SearchKey::On(day) => *super::data::day(mail.arrived) == *format!("{:?}", day.as_ref()),
            _ => false,
        }
    }
}

fn has(text: &str, wanted: &[u8]) -> bool {
    text.to_lowercase().contains(&String::from_utf8_lossy(wanted).to_lowercase())
}
