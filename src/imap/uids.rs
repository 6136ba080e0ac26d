//! Sets of UIDs as commands spell them: `3,7:9`. Pure.

/// The longest set in one command; servers take lines of 8 KiB at least (RFC 7162 section 4). Bytes.
pub const SET_MAX: usize = 4096;

/// Sets that together name `uids` and nothing else, each short enough for one command, with the UIDs each holds in
/// order.
pub(super) fn sets(uids: &[u32]) -> Vec<(String, Vec<u32>)> {
    let mut sorted = uids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut sets: Vec<(String, Vec<u32>)> = Vec::new();
    for (first, last) in ranges(&sorted) {
        let spelt = if first == last { first.to_string() } else { format!("{first}:{last}") };
        match sets.last_mut().filter(|(set, _)| set.len() + spelt.len() < SET_MAX) {
            Some((set, held)) => {
                set.push(',');
                set.push_str(&spelt);
                held.extend(first..=last);
            }
            None => sets.push((spelt, (first..=last).collect())),
        }
    }
    sets
}

fn ranges(sorted: &[u32]) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in sorted.iter().copied().filter(|uid| *uid > 0) {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_become_ranges_and_nothing_else_is_named() {
        let spelt = |uids: &[u32]| sets(uids).into_iter().map(|(set, _)| set).collect::<Vec<_>>();
        assert_eq!(spelt(&[3, 1, 2, 9, 2]), ["1:3,9"]);
        assert_eq!(spelt(&[u32::MAX, u32::MAX - 1]), ["4294967294:4294967295"]);
        assert!(spelt(&[]).is_empty());
        assert!(spelt(&[0]).is_empty());
    }

    #[test]
    fn long_sets_are_cut_and_nothing_is_lost() {
        let uids: Vec<u32> = (0..5000).map(|n| 4_000_000_001 + n * 2).collect();
        let sets = sets(&uids);
        assert!(sets.len() > 1 && sets.iter().all(|(set, _)| set.len() <= SET_MAX));
        assert_eq!(sets.into_iter().flat_map(|(_, held)| held).collect::<Vec<_>>(), uids);
    }
}
