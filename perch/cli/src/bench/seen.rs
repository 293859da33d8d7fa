//! A set of numbers: one bit each, in chunks that exist once they are needed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Bits in a chunk.
pub(super) const CHUNK_BITS: u64 = 1 << 16;
const WORDS: usize = 1 << 10;

/// The numbers seen so far, and how often any came again.
#[derive(Debug, Default)]
pub(super) struct Seen {
    chunks: BTreeMap<u64, Box<[u64; WORDS]>>,
    n_unique: u64,
    n_again: u64,
}

impl Seen {
    /// Adds `n` numbers from `first` on. Those that need a new chunk when `may_grow` refuses one are
    /// left out and counted in the result.
    pub(super) fn insert(&mut self, first: u64, n: u64, mut may_grow: impl FnMut() -> bool) -> u64 {
        let mut n_left_out = 0;
        for (chunk, from, to) in pieces(first, n) {
            let words = match self.chunks.entry(chunk) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) if may_grow() => entry.insert(Box::new([0; WORDS])),
                Entry::Vacant(_) => {
                    n_left_out += u64::from(to - from);
                    continue;
                }
            };
            let mut n_new = 0;
            for (word, mask) in masks(from, to) {
                n_new += u64::from((mask & !words[word]).count_ones());
                words[word] |= mask;
            }
            self.n_unique += n_new;
            self.n_again += u64::from(to - from) - n_new;
        }
        n_left_out
    }

    /// How many of the numbers from `first` to before `end` are in it.
    pub(super) fn count(&self, first: u64, end: u64) -> u64 {
        let within = |(chunk, from, to): (u64, u32, u32)| -> u64 {
            let Some(words) = self.chunks.get(&chunk) else { return 0 };
            masks(from, to).map(|(word, mask)| u64::from((words[word] & mask).count_ones())).sum()
        };
        pieces(first, end.saturating_sub(first)).map(within).sum()
    }

    /// The first `max` stretches of numbers at or after `from`: first, and one past the last.
    pub(super) fn ranges(&self, from: u64, max: usize) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (chunk, words) in self.chunks.range(from / CHUNK_BITS..) {
            for (i, word) in (0..).zip(words.iter()) {
                let base = chunk * CHUNK_BITS + i * 64;
                let mut rest = *word;
                if base < from {
                    rest &= !low_bits(u32::try_from(from - base).unwrap_or(64));
                }
                while rest != 0 {
                    let start = rest.trailing_zeros();
                    let n = (rest >> start).trailing_ones();
                    rest &= !low_bits(start + n);
                    let range = (base + u64::from(start), base + u64::from(start + n));
                    let is_full = ranges.len() == max;
                    match ranges.last_mut() {
                        Some(last) if last.1 == range.0 => last.1 = range.1,
                        _ if is_full => return ranges,
                        _ => ranges.push(range),
                    }
                }
            }
        }
        ranges
    }

    /// Different numbers in it.
    pub(super) fn n_unique(&self) -> u64 {
        self.n_unique
    }

    /// Insertions of numbers that were in it already.
    pub(super) fn n_again(&self) -> u64 {
        self.n_again
    }
}

/// Cuts a stretch at chunk borders: the chunk, and first and end within it.
fn pieces(first: u64, n: u64) -> impl Iterator<Item = (u64, u32, u32)> {
    let end = first + n;
    let mut at = first;
    std::iter::from_fn(move || {
        let chunk = at / CHUNK_BITS;
        let base = chunk * CHUNK_BITS;
        let stop = end.min(base + CHUNK_BITS);
        let within = |n: u64| u32::try_from(n - base).unwrap_or(u32::MAX);
        let piece = (at < end).then(|| (chunk, within(at), within(stop)));
        at = stop;
        piece
    })
}

/// The words of a piece and the bits of each that lie in it.
fn masks(from: u32, to: u32) -> impl Iterator<Item = (usize, u64)> {
    (from / 64..to.div_ceil(64)).map(move |word| {
        let base = word * 64;
        let mask = low_bits(to - base) & !low_bits(from.saturating_sub(base));
        (word as usize, mask)
    })
}

fn low_bits(n: u32) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_plain_set_holds(
            inserted in prop::collection::vec((0_u64..140_000, 0_u64..4_000), 0..12),
            window in (0_u64..150_000, 0_u64..150_000),
        ) {
            let (mut seen, mut plain, mut n_all) = (Seen::default(), BTreeSet::new(), 0);
            for (first, n) in inserted {
                prop_assert_eq!(seen.insert(first, n, || true), 0);
                plain.extend(first..first + n);
                n_all += n;
            }
            prop_assert_eq!(seen.n_unique(), plain.len() as u64);
            prop_assert_eq!(seen.n_again(), n_all - plain.len() as u64);
            let (first, end) = (window.0.min(window.1), window.0.max(window.1));
            prop_assert_eq!(seen.count(first, end), plain.range(first..end).count() as u64);
            let listed: Vec<u64> = pages(&seen, first).into_iter().flat_map(|(a, b)| a..b).collect();
            prop_assert!(listed.iter().eq(plain.range(first..)));
        }
    }

    /// All ranges, two at a time.
    fn pages(seen: &Seen, from: u64) -> Vec<(u64, u64)> {
        let (mut all, mut from) = (Vec::new(), from);
        loop {
            let page = seen.ranges(from, 2);
            let Some(last) = page.last() else { return all };
            from = last.1;
            all.extend(page);
        }
    }

    #[test]
    fn without_room_for_a_chunk_numbers_are_left_out_and_counted() {
        let mut seen = Seen::default();
        let mut left = 1;
        let may_grow = || {
            left -= 1;
            left >= 0
        };
        assert_eq!(seen.insert(CHUNK_BITS - 10, 30, may_grow), 20);
        assert_eq!(seen.n_unique(), 10);
        assert_eq!(seen.insert(CHUNK_BITS - 5, 5, || false), 0);
        assert_eq!(seen.n_again(), 5);
    }
}
