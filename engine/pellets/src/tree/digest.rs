//! The digest of a tree: what it holds, however it is packed.

use super::entry::{Attribute, Entry, Kind};
use crate::digest::Digest;

/// Separates this hash from every other use of BLAKE3, and one version of it from the next.
const DOMAIN: &[u8] = b"nestr.tree.v1\n";

/// Hashes paths, types, modes, contents, link targets and hard-link groups in tree order;
/// `contents[i]` is the digest of the file at `entries[i]`.
///
/// Each entry is: type byte, mode (u32), length-prefixed path, then for a file its size (u64) and
/// the digest of its content, for a symbolic link its length-prefixed target, for a hard link the
/// length-prefixed path of the first name of its group; last the number of attributes (u32) and of
/// each, ordered by name, the length-prefixed name and value. Lengths are u32; all numbers are
/// little-endian.
pub(crate) fn tree_digest(entries: &[Entry], contents: &[Option<Digest>]) -> Option<Digest> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(DOMAIN);
    let mut record = Vec::with_capacity(256);
    for (entry, content) in entries.iter().zip(contents) {
        record.clear();
        record.push(match entry.kind {
            Kind::File { .. } => b'f',
            Kind::Directory => b'd',
            Kind::Symlink { .. } => b's',
            Kind::HardLink { .. } => b'h',
        });
        record.extend_from_slice(&entry.mode.to_le_bytes());
        put(&mut record, &entry.path)?;
        match &entry.kind {
            Kind::File { size } => {
                record.extend_from_slice(&size.to_le_bytes());
                record.extend_from_slice(content.as_ref()?.as_bytes());
            }
            Kind::Directory => {}
            Kind::Symlink { target } => put(&mut record, target)?,
            Kind::HardLink { of } => put(&mut record, &entries.get(*of)?.path)?,
        }
        put_attributes(&mut record, &entry.attributes)?;
        hasher.update(&record);
    }
    Some(hasher.finalize().into())
}

pub(super) fn put_attributes(record: &mut Vec<u8>, attributes: &[Attribute]) -> Option<()> {
    record.extend_from_slice(&u32::try_from(attributes.len()).ok()?.to_le_bytes());
    for attribute in attributes {
        put(record, &attribute.name)?;
        put(record, &attribute.value)?;
    }
    Some(())
}

pub(super) fn put(record: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    record.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
    record.extend_from_slice(bytes);
    Some(())
}
