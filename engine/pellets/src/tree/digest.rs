//! The digest of a tree: what it holds, however it is packed.

use super::entry::{Entry, Kind};
use crate::digest::Digest;

/// Separates this hash from every other use of BLAKE3, and one version of it from the next.
const DOMAIN: &[u8] = b"nestr.tree.v1\n";

/// Bytes that are hashed at once: long runs take a fraction of the time that short ones do.
pub(super) const HASHED: usize = 16 << 10;

/// What one entry adds to the digest of its tree.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TreeRecord<'a> {
    File { size: u64, content: &'a Digest },
    Directory,
    Symlink { target: &'a [u8] },
    HardLink { first: &'a [u8] },
}

/// Hashes the entries of a tree, in its order.
///
/// Each entry is: type byte, mode (u32), length-prefixed path, then for a file its size (u64) and
/// the digest of its content, for a symbolic link its length-prefixed target, for a hard link the
/// length-prefixed path of the first name of its group; last the number of attributes (u32) and of
/// each, ordered by name, the length-prefixed name and value. Lengths are u32; all numbers are
/// little-endian.
pub(crate) struct TreeHasher {
    hasher: blake3::Hasher,
    /// Records that are yet to be hashed.
    pending: Vec<u8>,
}

impl TreeHasher {
    pub(crate) fn new() -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN);
        Self { hasher, pending: Vec::new() }
    }

    /// Adds an entry; none where a path or target is longer than its length field can say.
    pub(crate) fn add<'b>(
        &mut self,
        path: &[u8],
        mode: u32,
        what: TreeRecord<'_>,
        attributes: impl ExactSizeIterator<Item = (&'b [u8], &'b [u8])>,
    ) -> Option<()> {
        let record = &mut self.pending;
        record.push(match what {
            TreeRecord::File { .. } => b'f',
            TreeRecord::Directory => b'd',
            TreeRecord::Symlink { .. } => b's',
            TreeRecord::HardLink { .. } => b'h',
        });
        record.extend_from_slice(&mode.to_le_bytes());
        put(record, path)?;
        match what {
            TreeRecord::File { size, content } => {
                record.extend_from_slice(&size.to_le_bytes());
                record.extend_from_slice(content.as_bytes());
            }
            TreeRecord::Directory => {}
            TreeRecord::Symlink { target } => put(record, target)?,
            TreeRecord::HardLink { first } => put(record, first)?,
        }
        put_attributes(record, attributes)?;
        if record.len() >= HASHED {
            self.hasher.update(record);
            record.clear();
        }
        Some(())
    }

    pub(crate) fn finish(mut self) -> Digest {
        self.hasher.update(&self.pending);
        self.hasher.finalize().into()
    }
}

/// Hashes paths, types, modes, contents, link targets and hard-link groups in tree order;
/// `contents[i]` is the digest of the file at `entries[i]`.
pub(crate) fn tree_digest(entries: &[Entry], contents: &[Option<Digest>]) -> Option<Digest> {
    let mut hasher = TreeHasher::new();
    for (entry, content) in entries.iter().zip(contents) {
        let what = match &entry.kind {
            Kind::File { size } => TreeRecord::File { size: *size, content: content.as_ref()? },
            Kind::Directory => TreeRecord::Directory,
            Kind::Symlink { target } => TreeRecord::Symlink { target },
            Kind::HardLink { of } => TreeRecord::HardLink { first: &entries.get(*of)?.path },
        };
        hasher.add(&entry.path, entry.mode, what, entry.attribute_pairs())?;
    }
    Some(hasher.finish())
}

pub(super) fn put_attributes<'b>(
    record: &mut Vec<u8>,
    attributes: impl ExactSizeIterator<Item = (&'b [u8], &'b [u8])>,
) -> Option<()> {
    record.extend_from_slice(&u32::try_from(attributes.len()).ok()?.to_le_bytes());
    for (name, value) in attributes {
        put(record, name)?;
        put(record, value)?;
    }
    Some(())
}

pub(super) fn put(record: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    record.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
    record.extend_from_slice(bytes);
    Some(())
}
