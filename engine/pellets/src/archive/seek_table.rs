//! The seek table of the zstd seekable format, version 0.1.0: a skippable frame at the end.
//!
//! `magic u32 | length u32 | n × (compressed u32, content u32) | n u32 | descriptor u8 | magic u32`,
//! little-endian. The descriptor is 0: each zstd frame carries a checksum of its own.

/// Magic number of a skippable frame; its low nibble is free, and `E` is what the format uses.
const SKIPPABLE: u32 = 0x184D_2A5E;

/// The last four bytes of a seekable archive.
const SEEKABLE: u32 = 0x8F92_EAB1;

const HEADER_LEN: usize = 8;
const FOOTER_LEN: usize = 9;
const FRAME_LEN: usize = 8;

/// The sizes of all frames of an archive, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeekTable {
    /// One per frame.
    pub frames: Vec<SeekTableFrame>,
}

/// The sizes of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeekTableFrame {
    /// Bytes in the archive.
    pub compressed: u32,
    /// Bytes of the tar stream.
    pub content: u32,
}

/// Why the end of a file is no seek table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SeekTableError {
    /// Too few bytes for the table that the footer announces.
    #[error("the archive ends before its seek table is complete")]
    Truncated,
    /// No magic number where one must be.
    #[error("the archive does not end in a seek table")]
    NotSeekable,
    /// A bit of the descriptor that we do not know.
    #[error("the seek table has an unknown descriptor {0:#04x}")]
    Descriptor(u8),
    /// The two lengths in the table differ.
    #[error("the seek table contradicts its own length")]
    Length,
}

impl SeekTable {
    /// The skippable frame to append to the archive.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let len = self.frames.len() * FRAME_LEN + FOOTER_LEN;
        let mut out = Vec::with_capacity(HEADER_LEN + len);
        let mut put = |n: u32| out.extend_from_slice(&n.to_le_bytes());
        put(SKIPPABLE);
        // 2^29 frames of 512 bytes at least would be 256 GiB of directories alone; saturate.
        put(u32::try_from(len).unwrap_or(u32::MAX));
        for frame in &self.frames {
            put(frame.compressed);
            put(frame.content);
        }
        put(u32::try_from(self.frames.len()).unwrap_or(u32::MAX));
        out.push(0);
        out.extend_from_slice(&SEEKABLE.to_le_bytes());
        out
    }

    /// Reads the table from bytes that reach to the end of an archive.
    ///
    /// # Errors
    /// [`SeekTableError`] where they do not end in a whole table.
    pub fn decode(tail: &[u8]) -> Result<Self, SeekTableError> {
        let (_, footer) = tail.split_last_chunk::<FOOTER_LEN>().ok_or(SeekTableError::Truncated)?;
        let [n0, n1, n2, n3, descriptor, m0, m1, m2, m3] = *footer;
        if u32::from_le_bytes([m0, m1, m2, m3]) != SEEKABLE {
            return Err(SeekTableError::NotSeekable);
        }
        // Bit 7 announces checksums; 6 to 2 are reserved, 1 and 0 unused.
        let frame_len = match descriptor & 0b1111_1100 {
            0 => FRAME_LEN,
            0b1000_0000 => FRAME_LEN + 4,
            other => return Err(SeekTableError::Descriptor(other)),
        };
        let n_frames = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
        let len = n_frames.checked_mul(frame_len).and_then(|n| n.checked_add(FOOTER_LEN));
        let len = len.ok_or(SeekTableError::Truncated)?;
        let start = tail.len().checked_sub(len + HEADER_LEN).ok_or(SeekTableError::Truncated)?;
        let table = &tail[start..];
        if word(table, 0) != SKIPPABLE {
            return Err(SeekTableError::NotSeekable);
        }
        if word(table, 4) as usize != len {
            return Err(SeekTableError::Length);
        }
        let frames = table[HEADER_LEN..HEADER_LEN + n_frames * frame_len]
            .chunks_exact(frame_len)
            .map(|f| SeekTableFrame { compressed: word(f, 0), content: word(f, 4) })
            .collect();
        Ok(Self { frames })
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decodes_what_it_encodes_and_refuses_every_cut(
            sizes in prop::collection::vec(any::<(u32, u32)>(), 0..40),
            before in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let frames = sizes
                .into_iter()
                .map(|(compressed, content)| SeekTableFrame { compressed, content })
                .collect();
            let table = SeekTable { frames };
            let mut bytes = before;
            let start = bytes.len();
            bytes.extend(table.encode());
            prop_assert_eq!(SeekTable::decode(&bytes), Ok(table));
            for end in start..bytes.len() {
                prop_assert!(SeekTable::decode(&bytes[..end]).is_err());
                prop_assert!(SeekTable::decode(&bytes[end.max(start + 1)..]).is_err());
            }
        }
    }
}
