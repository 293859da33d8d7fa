//! BLAKE3 of a content whose pieces are hashed in any order, by any thread.
//!
//! BLAKE3 is a tree over chunks of 1 KiB. A piece is hashed as the largest subtrees that lie in it whole;
//! a chunk across the border of two pieces is kept until the rest of it comes. Merging what all pieces gave
//! is then the digest, equal to that of the content hashed from its beginning.

use std::collections::HashMap;

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};

use crate::digest::Digest;

const CHUNK: u64 = blake3::CHUNK_LEN as u64;

/// A subtree: where its bytes begin, and how many there are.
type Node = (u64, u64);

/// What is known of the tree over a content.
#[derive(Debug, Default)]
pub(crate) struct Subtrees {
    nodes: HashMap<Node, ChainingValue>,
    /// Parts of chunks, with the place of each.
    parts: Vec<(u64, Box<[u8]>)>,
}

/// What one piece tells of the tree.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    offset: u64,
    bytes: &'a [u8],
    nodes: Vec<(Node, ChainingValue)>,
    parts: Vec<(u64, Box<[u8]>)>,
}

impl<'a> Piece<'a> {
    /// Hashes `bytes`, which stand at `offset` of a content of `len` bytes.
    pub(crate) fn of(bytes: &'a [u8], offset: u64, len: u64) -> Self {
        let mut piece = Self { offset, bytes, nodes: Vec::new(), parts: Vec::new() };
        match len {
            // The chunk is the root, which is hashed in another way than what is below one.
            0..=CHUNK => piece.parts.push((offset, bytes.into())),
            _ => piece.split((0, len)),
        }
        piece
    }

    fn split(&mut self, (start, len): Node) {
        let left = left_subtree_len(len);
        self.node((start, left));
        self.node((start + left, len - left));
    }

    fn node(&mut self, (start, len): Node) {
        let from = start.max(self.offset);
        let to = (start + len).min(self.offset + self.bytes.len() as u64);
        if from >= to {
            return;
        }
        let at = |n: u64| usize::try_from(n - self.offset).unwrap_or(usize::MAX);
        let bytes = self.bytes.get(at(from)..at(to)).unwrap_or_default();
        if bytes.len() as u64 == len {
            let mut hasher = blake3::Hasher::new();
            let value = hasher.set_input_offset(start).update(bytes).finalize_non_root();
            self.nodes.push(((start, len), value));
        } else if len <= CHUNK {
            self.parts.push((from, bytes.into()));
        } else {
            self.split((start, len));
        }
    }
}

impl Subtrees {
    pub(crate) fn add(&mut self, piece: Piece<'_>) {
        self.nodes.extend(piece.nodes);
        self.parts.extend(piece.parts);
    }

    /// The digest of the content of `len` bytes; none where a piece of it is missing.
    pub(crate) fn digest(&mut self, len: u64) -> Option<Digest> {
        self.parts.sort_unstable_by_key(|(at, _)| *at);
        if len <= CHUNK {
            return Some(Digest::of(&self.chunk((0, len))?));
        }
        let left = left_subtree_len(len);
        let (left, right) = (self.value((0, left))?, self.value((left, len - left))?);
        Some(merge_subtrees_root(&left, &right, Mode::Hash).into())
    }

    fn value(&self, (start, len): Node) -> Option<ChainingValue> {
        if let Some(value) = self.nodes.get(&(start, len)) {
            return Some(*value);
        }
        if len <= CHUNK {
            let chunk = self.chunk((start, len))?;
            let mut hasher = blake3::Hasher::new();
            return Some(hasher.set_input_offset(start).update(&chunk).finalize_non_root());
        }
        let left = left_subtree_len(len);
        let (left, right) = (self.value((start, left))?, self.value((start + left, len - left))?);
        Some(merge_subtrees_non_root(&left, &right, Mode::Hash))
    }

    /// A chunk put together from its parts.
    fn chunk(&self, (start, len): Node) -> Option<Vec<u8>> {
        let first = self.parts.partition_point(|(at, _)| *at < start);
        let mut chunk = Vec::new();
        for (at, part) in &self.parts[first..] {
            if *at != start + chunk.len() as u64 || chunk.len() as u64 == len {
                break;
            }
            chunk.extend_from_slice(part);
        }
        (chunk.len() as u64 == len).then_some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_in_any_order_give_the_digest_of_the_whole(
            len in prop_oneof![0usize..5000, 0usize..400_000],
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            seed in any::<u64>(),
            missing in any::<prop::sample::Index>(),
        ) {
            let content: Vec<u8> =
                (0..len as u64).map(|n| (n.wrapping_mul(seed | 1) >> 13).to_le_bytes()[0]).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(len + 1)).collect();
            cuts.extend([0, len]);
            cuts.sort_unstable();
            let mut pieces: Vec<(usize, usize)> =
                cuts.windows(2).map(|w| (w[0], w[1])).filter(|(a, b)| a < b).collect();
            // Any order: by a number that the seed gives each of them.
            pieces.sort_by_key(|(a, _)| (*a as u64).wrapping_mul(seed | 1));
            let digest = |pieces: &[(usize, usize)]| {
                let mut subtrees = Subtrees::default();
                for (from, to) in pieces {
                    subtrees.add(Piece::of(&content[*from..*to], *from as u64, len as u64));
                }
                subtrees.digest(len as u64)
            };
            prop_assert_eq!(digest(&pieces), Some(Digest::of(&content)));
            if !pieces.is_empty() {
                pieces.remove(missing.index(pieces.len()));
                prop_assert_eq!(digest(&pieces), None);
            }
        }
    }
}
