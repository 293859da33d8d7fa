//! The digest of each directory: what it holds, wherever in a tree it stands.

use super::digest::{put, put_attributes};
use super::entry::{Entry, Kind};
use crate::digest::Digest;

/// Separates this hash from every other use of BLAKE3, and one version of it from the next.
const DOMAIN: &[u8] = b"nestr.directory.v1\n";

/// Digests of all directories of a tree.
#[derive(Debug)]
pub(crate) struct Merkle {
    /// Of the root.
    pub(crate) root: Digest,
    /// Of each directory, by entry.
    pub(crate) dirs: Vec<Option<Digest>>,
}

/// A directory whose content is being hashed.
struct Open {
    /// None for the root.
    entry: Option<usize>,
    hasher: blake3::Hasher,
}

/// Hashes every directory: of each thing in it, in order, type byte, mode (u32) and length-prefixed
/// name; then of a file its size (u64) and the digest of its content, of a directory its digest, of a
/// symbolic link its length-prefixed target; last the attributes as in a tree digest.
///
/// A further name of a file is hashed like a file of its own: which names share one file may reach
/// out of the directory, and only the digest of the tree tells.
pub(crate) fn merkle(entries: &[Entry], contents: &[Option<Digest>]) -> Option<Merkle> {
    let mut dirs = vec![None; entries.len()];
    let mut open = vec![Open::new(None)];
    for (index, entry) in entries.iter().enumerate() {
        let (parent, _) = entry.split();
        while open.last()?.entry.is_some_and(|dir| &*entries[dir].path != parent) {
            close(&mut open, entries, &mut dirs)?;
        }
        if matches!(entry.kind, Kind::Directory) {
            open.push(Open::new(Some(index)));
        } else {
            let record = record(entries, contents, index)?;
            open.last_mut()?.hasher.update(&record);
        }
    }
    while open.len() > 1 {
        close(&mut open, entries, &mut dirs)?;
    }
    Some(Merkle { root: open.pop()?.hasher.finalize().into(), dirs })
}

/// Ends the innermost directory and tells the one around it.
fn close(open: &mut Vec<Open>, entries: &[Entry], dirs: &mut [Option<Digest>]) -> Option<()> {
    let Open { entry, hasher } = open.pop()?;
    let index = entry?;
    let digest = Digest::from(hasher.finalize());
    dirs[index] = Some(digest);
    let entry = &entries[index];
    let mut record = start(b'd', entry)?;
    record.extend_from_slice(digest.as_bytes());
    put_attributes(&mut record, &entry.attributes)?;
    open.last_mut()?.hasher.update(&record);
    Some(())
}

/// What a directory says of something in it that is no directory; `index` is its position.
fn record(entries: &[Entry], contents: &[Option<Digest>], index: usize) -> Option<Vec<u8>> {
    let entry = &entries[index];
    if let Kind::Symlink { target } = &entry.kind {
        let mut record = start(b's', entry)?;
        put(&mut record, target)?;
        put_attributes(&mut record, &entry.attributes)?;
        return Some(record);
    }
    let first = match entry.kind {
        Kind::HardLink { of } => of,
        _ => index,
    };
    let file = entries.get(first)?;
    let mut record = start(b'f', entry)?;
    record.extend_from_slice(&file.size().to_le_bytes());
    record.extend_from_slice(contents.get(first)?.as_ref()?.as_bytes());
    put_attributes(&mut record, &file.attributes)?;
    Some(record)
}

/// Type, mode and name.
fn start(kind: u8, entry: &Entry) -> Option<Vec<u8>> {
    let mut record = vec![kind];
    record.extend_from_slice(&entry.mode.to_le_bytes());
    put(&mut record, entry.split().1)?;
    Some(record)
}

impl Open {
    fn new(entry: Option<usize>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN);
        Self { entry, hasher }
    }
}
