//! What marks an archive as a delta: a skippable frame between its last frame and its seek table.
//!
//! `magic u32 | length u32 | "nestr.delta.v1\n" | tree 32 | base 32 | n u32 | n × layer 32`, little-endian. With
//! it the archive's digest also covers which tree the archive stands for and which archives it needs: two
//! deltas that hold the same entries but stand for different trees are different Pellets.

use crate::digest::Digest;

/// Magic number of a skippable frame; its low nibble is free, and the seek table's is `E`.
const SKIPPABLE: u32 = 0x184D_2A5D;
const WORD: &[u8] = b"nestr.delta.v1\n";
const DIGEST_LEN: usize = 32;
const FIXED: usize = WORD.len() + 2 * DIGEST_LEN + 4;
/// The most layers that are read; far more than a packing makes.
const MAX_LAYERS: usize = 255;

/// The mark of a delta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaFrame {
    /// Of the whole tree.
    pub tree: Digest,
    /// The Pellet that it was packed against.
    pub base: Digest,
    /// The archives that hold what this one does not; at least one.
    pub layers: Vec<Digest>,
}

/// Why bytes are no mark of a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaFrameError {
    /// No magic number, or not this word behind it.
    #[error("between the last frame and the seek table stands something unknown")]
    Unknown,
    /// The lengths in it contradict each other.
    #[error("the mark of a delta contradicts its own length")]
    Length,
    /// It names none or too many.
    #[error("a delta names {0} layers")]
    Layers(u32),
}

impl DeltaFrame {
    /// The longest form in bytes.
    pub(crate) const MAX_LEN: u64 = (8 + FIXED + MAX_LAYERS * DIGEST_LEN) as u64;

    /// The skippable frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let len = FIXED + self.layers.len() * DIGEST_LEN;
        let mut out = Vec::with_capacity(8 + len);
        out.extend_from_slice(&SKIPPABLE.to_le_bytes());
        out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(WORD);
        out.extend_from_slice(self.tree.as_bytes());
        out.extend_from_slice(self.base.as_bytes());
        let n = u32::try_from(self.layers.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&n.to_le_bytes());
        self.layers.iter().for_each(|layer| out.extend_from_slice(layer.as_bytes()));
        out
    }

    /// Reads the frame from exactly its bytes.
    ///
    /// # Errors
    /// [`DeltaFrameError`] where they are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DeltaFrameError> {
        let (magic, rest) = word(bytes).ok_or(DeltaFrameError::Unknown)?;
        let (len, rest) = word(rest).ok_or(DeltaFrameError::Unknown)?;
        let body = rest.strip_prefix(WORD).ok_or(DeltaFrameError::Unknown)?;
        if magic != SKIPPABLE {
            return Err(DeltaFrameError::Unknown);
        }
        if len as usize != rest.len() {
            return Err(DeltaFrameError::Length);
        }
        let (tree, body) = digest(body).ok_or(DeltaFrameError::Length)?;
        let (base, body) = digest(body).ok_or(DeltaFrameError::Length)?;
        let (n, mut body) = word(body).ok_or(DeltaFrameError::Length)?;
        if n == 0 || n as usize > MAX_LAYERS {
            return Err(DeltaFrameError::Layers(n));
        }
        if body.len() != n as usize * DIGEST_LEN {
            return Err(DeltaFrameError::Length);
        }
        let mut layers = Vec::with_capacity(n as usize);
        while let Some((layer, behind)) = digest(body) {
            layers.push(layer);
            body = behind;
        }
        Ok(Self { tree, base, layers })
    }
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*word), rest))
}

fn digest(bytes: &[u8]) -> Option<(Digest, &[u8])> {
    let (digest, rest) = bytes.split_first_chunk::<DIGEST_LEN>()?;
    Some((Digest::from(*digest), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_frame_is_read_as_it_was_written_and_nothing_else(
            layers in prop::collection::vec(any::<[u8; 32]>(), 1..9),
            tree in any::<[u8; 32]>(),
            at in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let layers = layers.into_iter().map(Digest::from).collect();
            let (tree, base) = (Digest::from(tree), Digest::of(&tree));
            let frame = DeltaFrame { tree, base, layers };
            let bytes = frame.encode();
            prop_assert_eq!(DeltaFrame::decode(&bytes), Ok(frame.clone()));
            prop_assert!(bytes.len() as u64 <= DeltaFrame::MAX_LEN);
            let cut = at.index(bytes.len());
            prop_assert!(DeltaFrame::decode(&bytes[..cut]).is_err());
            let mut changed = bytes;
            changed[cut] ^= 1 << bit;
            // A changed digest is another frame; a changed length or word is none.
            prop_assert!(DeltaFrame::decode(&changed).is_ok_and(|f| f != frame) || cut < 91);
        }
    }

    #[test]
    fn a_delta_of_nothing_is_none() {
        let (tree, base) = (Digest::of(b"t"), Digest::of(b"b"));
        let bytes = DeltaFrame { tree, base, layers: Vec::new() }.encode();
        assert_eq!(DeltaFrame::decode(&bytes), Err(DeltaFrameError::Layers(0)));
    }
}
