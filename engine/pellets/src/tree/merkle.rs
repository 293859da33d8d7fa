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

/// An entry as its directory sees it.
pub(crate) trait Node {
    /// Relative to the root of the tree.
    fn path(&self) -> &[u8];
    fn mode(&self) -> u32;
    /// Name and value of each, ordered by name.
    fn attributes(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])>;

    /// The path without its last component, and that component.
    fn split(&self) -> (&[u8], &[u8]) {
        let path = self.path();
        match path.iter().rposition(|b| *b == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&[], path),
        }
    }
}

/// What a [`Node`] is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NodeKind<'a> {
    /// A name of the file whose first name is that of the entry at `first`.
    File {
        size: u64,
        content: &'a Digest,
        first: usize,
    },
    Directory,
    Symlink {
        target: &'a [u8],
    },
}

/// A directory whose content is being hashed.
struct Open {
    /// None for the root.
    entry: Option<usize>,
    hasher: blake3::Hasher,
}

/// [`hash_directories`] of a tree that is packed; `contents[i]` is the digest of the file at
/// `entries[i]`.
pub(crate) fn merkle(entries: &[Entry], contents: &[Option<Digest>]) -> Option<Merkle> {
    hash_directories(entries, |index| {
        let first = match &entries[index].kind {
            Kind::Directory => return Some(NodeKind::Directory),
            Kind::Symlink { target } => return Some(NodeKind::Symlink { target }),
            Kind::File { .. } => index,
            Kind::HardLink { of } => *of,
        };
        let size = entries.get(first)?.size();
        Some(NodeKind::File { size, content: contents.get(first)?.as_ref()?, first })
    })
}

/// Hashes every directory: of each thing in it, in order, type byte, mode (u32) and length-prefixed
/// name; then of a file its size (u64) and the digest of its content, of a directory its digest, of a
/// symbolic link its length-prefixed target; last the attributes as in a tree digest.
///
/// A further name of a file is hashed like a file of its own: which names share one file may reach
/// out of the directory, and only the digest of the tree tells.
pub(crate) fn hash_directories<'a, N: Node>(
    entries: &[N],
    kind: impl Fn(usize) -> Option<NodeKind<'a>>,
) -> Option<Merkle> {
    let mut dirs = vec![None; entries.len()];
    let mut open = vec![Open::new(None)];
    for (index, entry) in entries.iter().enumerate() {
        let (parent, _) = entry.split();
        while open.last()?.entry.is_some_and(|dir| entries[dir].path() != parent) {
            close(&mut open, entries, &mut dirs)?;
        }
        let kind = kind(index)?;
        if matches!(kind, NodeKind::Directory) {
            open.push(Open::new(Some(index)));
        } else {
            let record = record(entries, entry, kind)?;
            open.last_mut()?.hasher.update(&record);
        }
    }
    while open.len() > 1 {
        close(&mut open, entries, &mut dirs)?;
    }
    Some(Merkle { root: open.pop()?.hasher.finalize().into(), dirs })
}

/// Ends the innermost directory and tells the one around it.
fn close<N: Node>(open: &mut Vec<Open>, entries: &[N], dirs: &mut [Option<Digest>]) -> Option<()> {
    let Open { entry, hasher } = open.pop()?;
    let index = entry?;
    let digest = Digest::from(hasher.finalize());
    dirs[index] = Some(digest);
    let entry = &entries[index];
    let mut record = start(b'd', entry)?;
    record.extend_from_slice(digest.as_bytes());
    put_attributes(&mut record, entry.attributes())?;
    open.last_mut()?.hasher.update(&record);
    Some(())
}

/// What a directory says of `entry`, which is no directory.
fn record<N: Node>(entries: &[N], entry: &N, kind: NodeKind<'_>) -> Option<Vec<u8>> {
    match kind {
        NodeKind::Directory => None,
        NodeKind::Symlink { target } => {
            let mut record = start(b's', entry)?;
            put(&mut record, target)?;
            put_attributes(&mut record, entry.attributes())?;
            Some(record)
        }
        NodeKind::File { size, content, first } => {
            let mut record = start(b'f', entry)?;
            record.extend_from_slice(&size.to_le_bytes());
            record.extend_from_slice(content.as_bytes());
            put_attributes(&mut record, entries.get(first)?.attributes())?;
            Some(record)
        }
    }
}

/// Type, mode and name.
fn start(kind: u8, entry: &impl Node) -> Option<Vec<u8>> {
    let mut record = vec![kind];
    record.extend_from_slice(&entry.mode().to_le_bytes());
    put(&mut record, entry.split().1)?;
    Some(record)
}

impl Node for Entry {
    fn path(&self) -> &[u8] {
        &self.path
    }

    fn mode(&self) -> u32 {
        self.mode
    }

    fn attributes(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.attribute_pairs()
    }
}

impl Open {
    fn new(entry: Option<usize>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN);
        Self { entry, hasher }
    }
}
