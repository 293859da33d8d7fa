//! The digest of each directory: what it holds, wherever in a tree it stands.

use super::digest::{HASHED, put, put_attributes};
use super::entry::{Entry, Kind};
use crate::digest::Digest;

/// Separates this hash from every other use of BLAKE3, and one version of it from the next.
const DOMAIN: &[u8] = b"nestr.directory.v1\n";

/// Digests of all directories of a tree.
#[derive(Debug)]
pub(crate) struct Merkle {
    /// Of the root.
    pub(crate) root: Digest,
    /// Of each directory, with the position of its entry, in order.
    dirs: Vec<(usize, Option<Digest>)>,
}

impl Merkle {
    /// The digest of the directory whose entry stands at this position.
    pub(crate) fn dir(&self, entry: usize) -> Option<Digest> {
        let at = self.dirs.binary_search_by_key(&entry, |(entry, _)| *entry).ok()?;
        self.dirs[at].1
    }

    /// The digests of all directories, each with the position of its entry.
    pub(crate) fn dirs(&self) -> impl Iterator<Item = (usize, Digest)> {
        self.dirs.iter().filter_map(|(entry, digest)| Some((*entry, (*digest)?)))
    }
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
    /// Its place among the directories.
    number: usize,
    hasher: blake3::Hasher,
    /// What is yet to be hashed: long runs of bytes take a fraction of the time that short ones do.
    pending: Vec<u8>,
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
    let mut dirs = Vec::new();
    let mut open = vec![Open::new(None, 0)];
    for (index, entry) in entries.iter().enumerate() {
        let (parent, _) = entry.split();
        while open.last()?.entry.is_some_and(|dir| entries[dir].path() != parent) {
            close(&mut open, entries, &mut dirs)?;
        }
        let kind = kind(index)?;
        if matches!(kind, NodeKind::Directory) {
            open.push(Open::new(Some(index), dirs.len()));
            dirs.push((index, None));
        } else {
            open.last_mut()?.add(|pending| record(entries, entry, kind, pending))?;
        }
    }
    while open.len() > 1 {
        close(&mut open, entries, &mut dirs)?;
    }
    Some(Merkle { root: open.pop()?.finish(), dirs })
}

/// Ends the innermost directory and tells the one around it.
fn close<N: Node>(
    open: &mut Vec<Open>,
    entries: &[N],
    dirs: &mut [(usize, Option<Digest>)],
) -> Option<()> {
    let done = open.pop()?;
    let (entry, number) = (&entries[done.entry?], done.number);
    let digest = done.finish();
    dirs[number].1 = Some(digest);
    open.last_mut()?.add(|pending| {
        start(b'd', entry, pending)?;
        pending.extend_from_slice(digest.as_bytes());
        put_attributes(pending, entry.attributes())
    })
}

/// Puts what a directory says of `entry`, which is no directory.
fn record<N: Node>(
    entries: &[N],
    entry: &N,
    kind: NodeKind<'_>,
    record: &mut Vec<u8>,
) -> Option<()> {
    match kind {
        NodeKind::Directory => None,
        NodeKind::Symlink { target } => {
            start(b's', entry, record)?;
            put(record, target)?;
            put_attributes(record, entry.attributes())
        }
        NodeKind::File { size, content, first } => {
            start(b'f', entry, record)?;
            record.extend_from_slice(&size.to_le_bytes());
            record.extend_from_slice(content.as_bytes());
            put_attributes(record, entries.get(first)?.attributes())
        }
    }
}

/// Type, mode and name.
fn start(kind: u8, entry: &impl Node, record: &mut Vec<u8>) -> Option<()> {
    record.push(kind);
    record.extend_from_slice(&entry.mode().to_le_bytes());
    put(record, entry.split().1)
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
    fn new(entry: Option<usize>, number: usize) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DOMAIN);
        Self { entry, number, hasher, pending: Vec::new() }
    }

    fn add(&mut self, put: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
        put(&mut self.pending)?;
        if self.pending.len() >= HASHED {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
        Some(())
    }

    fn finish(mut self) -> Digest {
        self.hasher.update(&self.pending);
        self.hasher.finalize().into()
    }
}
