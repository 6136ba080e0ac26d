//! Bytes that stand for the most part in a mail that is kept already: what a desk passes on of it need not be kept twice.

use std::fmt::Write;

/// Bytes of one's own, with stretches of a raw mail between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spliced {
    own: Vec<u8>,
    taken: Vec<Stretch>,
}

/// A stretch of the raw mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    /// How many bytes of one's own stand before it.
    at: usize,
    /// Where it begins in the raw mail.
    offset: usize,
    /// Bytes.
    len: usize,
}

impl From<Vec<u8>> for Spliced {
    fn from(own: Vec<u8>) -> Self {
        Self { own, taken: Vec::new() }
    }
}

impl Spliced {
    /// Adds bytes of one's own.
    pub fn add(&mut self, bytes: &[u8]) {
        self.own.extend_from_slice(bytes);
    }

    /// Adds `len` bytes of the raw mail, from `offset` on.
    pub fn take(&mut self, offset: usize, len: usize) {
        self.taken.push(Stretch { at: self.own.len(), offset, len });
    }

    /// Adds all of `other`, which takes from the same raw mail.
    pub fn append(&mut self, other: &Self) {
        let before = self.own.len();
        self.taken.extend(other.taken.iter().map(|taken| Stretch { at: before + taken.at, ..*taken }));
        self.add(&other.own);
    }

    /// The bytes of one's own.
    pub fn own(&self) -> &[u8] {
        &self.own
    }

    /// Bytes in all.
    pub fn size(&self) -> usize {
        self.taken.iter().fold(self.own.len(), |sum, taken| sum.saturating_add(taken.len))
    }

    /// All bytes in order; `None` when `raw` is too short for a stretch.
    pub fn whole(&self, raw: &[u8]) -> Option<Vec<u8>> {
        let mut whole = Vec::with_capacity(self.size());
        let mut done = 0;
        for Stretch { at, offset, len } in &self.taken {
            whole.extend_from_slice(self.own.get(done..*at)?);
            whole.extend_from_slice(raw.get(*offset..offset.checked_add(*len)?)?);
            done = *at;
        }
        whole.extend_from_slice(self.own.get(done..)?);
        Some(whole)
    }

    /// The stretches as text, `AT OFFSET LENGTH` for each, separated by `;`: empty where there are none.
    pub fn spelt(&self) -> String {
        let mut text = String::new();
        for Stretch { at, offset, len } in &self.taken {
            let separator = if text.is_empty() { "" } else { ";" };
            // Writing into a string cannot fail.
            let _ = write!(text, "{separator}{at} {offset} {len}");
        }
        text
    }

    /// Undoes [`Spliced::spelt`]; `None` for what it did not spell.
    pub fn parse(own: Vec<u8>, spelt: &str) -> Option<Self> {
        let stretch = |text: &str| {
            let mut numbers = text.split(' ').map(str::parse);
            let mut next = || numbers.next()?.ok();
            Some(Stretch { at: next()?, offset: next()?, len: next()? })
        };
        let taken = spelt.split(';').filter(|text| !text.is_empty()).map(stretch).collect::<Option<_>>()?;
        Some(Self { own, taken })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_together_comes_back_whole_also_from_its_spelling() {
        let raw = b"0123456789";
        let mut part = Spliced::from(b"<".to_vec());
        part.take(2, 3);
        part.add(b">");
        let mut all = Spliced::from(b"a".to_vec());
        all.append(&part);
        all.append(&part);
        all.take(9, 1);
        assert_eq!(all.whole(raw).unwrap(), b"a<234><234>9");
        assert_eq!((all.size(), all.spelt().as_str()), (12, "2 2 3;4 2 3;5 9 1"));
        let again = Spliced::parse(all.own().to_vec(), &all.spelt()).unwrap();
        assert_eq!(again, all);
        assert_eq!(again.whole(b"012345678"), None);
        assert_eq!(Spliced::parse(Vec::new(), "1 2"), None);
        assert_eq!(Spliced::parse(vec![1], "").unwrap().whole(b""), Some(vec![1]));
    }
}
