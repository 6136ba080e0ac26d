//! Whose turn it is: a mail at which the connection ends whenever it is asked for waits behind all others. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Ends of connections after which a mail waits behind the others: after the first it is asked for alone, to see whether
/// it was this one.
const ENDS_MAX: u32 = 2;

/// How often the connection ended while each mail of a folder was asked for.
#[derive(Debug, Default)]
pub(super) struct Turns {
    uidvalidity: u32,
    ends: BTreeMap<u32, u32>,
    missed: BTreeSet<u32>,
}

impl Turns {
    /// Forgets all but `new`, the mails to be taken, in order. Another numbering knows other mails.
    pub(super) fn keep(&mut self, uidvalidity: u32, new: &[u32]) {
        let same = self.uidvalidity == uidvalidity;
        self.uidvalidity = uidvalidity;
        let is_kept = |uid: &u32| same && new.binary_search(uid).is_ok();
        self.ends.retain(|uid, _| is_kept(uid));
        self.missed.retain(is_kept);
    }

    /// These were listed, and had not come when the look was over.
    pub(super) fn missed(&mut self, missed: &[u32]) {
        self.missed = missed.iter().copied().collect();
    }

    /// Whether the mail is listed again, though it did not come at the look before: nobody took it away.
    pub(super) fn is_withheld(&self, uid: u32) -> bool {
        self.missed.contains(&uid)
    }

    /// The connection ended while these were asked for.
    pub(super) fn ended(&mut self, asked: &[u32]) {
        for uid in asked {
            let ends = self.ends.entry(*uid).or_default();
            *ends = ends.saturating_add(1);
        }
    }

    /// These were given.
    pub(super) fn given(&mut self, asked: &[u32]) {
        for uid in asked {
            self.ends.remove(uid);
        }
    }

    /// The mails in batches of `most`, in order; and those to be asked for when all is done, one by one, the least
    /// doubtful first.
    pub(super) fn of(&self, uids: &[u32], most: usize) -> (Vec<Vec<u32>>, Vec<u32>) {
        let (mut batches, mut last): (Vec<Vec<u32>>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut alone = true;
        for uid in uids {
            match self.ends_of(*uid) {
                0 => {
                    match batches.last_mut().filter(|batch| !alone && batch.len() < most) {
                        Some(batch) => batch.push(*uid),
                        None => batches.push(vec![*uid]),
                    }
                    alone = false;
                }
                ends if ends < ENDS_MAX => {
                    batches.push(vec![*uid]);
                    alone = true;
                }
                _ => last.push(*uid),
            }
        }
        last.sort_by_key(|uid| self.ends_of(*uid));
        (batches, last)
    }

    fn ends_of(&self, uid: u32) -> u32 {
        self.ends.get(&uid).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_at_which_connections_end_is_asked_for_alone_and_then_last() {
        let mut turns = Turns::default();
        turns.keep(7, &[]);
        let uids = [1, 2, 3, 4, 5, 6];
        assert_eq!(turns.of(&uids, 4), (vec![vec![1, 2, 3, 4], vec![5, 6]], vec![]));
        turns.ended(&[2, 3]);
        assert_eq!(turns.of(&uids, 4), (vec![vec![1], vec![2], vec![3], vec![4, 5, 6]], vec![]));
        turns.given(&[2]);
        turns.ended(&[3]);
        assert_eq!(turns.of(&uids, 4), (vec![vec![1, 2, 4, 5], vec![6]], vec![3]));
        turns.ended(&[3]);
        turns.ended(&[1]);
        turns.ended(&[1]);
        assert_eq!(turns.of(&uids, 9), (vec![vec![2, 4, 5, 6]], vec![1, 3]));
        turns.keep(7, &[2, 3]);
        assert_eq!(turns.of(&uids, 9), (vec![vec![1, 2, 4, 5, 6]], vec![3]), "1 was taken away by somebody");
        turns.missed(&[3, 4]);
        turns.keep(7, &[3, 5]);
        assert!(turns.is_withheld(3) && !turns.is_withheld(5));
        assert!(!turns.is_withheld(4), "it is listed no more: somebody took it away");
        turns.keep(8, &uids);
        assert!(!turns.is_withheld(3));
        assert_eq!(turns.of(&uids, 9), (vec![uids.to_vec()], vec![]));
    }
}
