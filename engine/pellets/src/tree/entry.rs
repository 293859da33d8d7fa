//! One entry of a tree, as the walk saw it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::fs::Stat;

/// A path of the tree and what the walk learnt about it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Relative to the root, `/` between components, any bytes but NUL.
    pub(crate) path: Box<[u8]>,
    pub(crate) kind: Kind,
    /// Permission bits, `0o7777` at most; `0o777` for a symbolic link.
    pub(crate) mode: u32,
    /// Of a file that is empty: whether it was opened, has no attributes, and changed last long before.
    pub(crate) settled: bool,
    pub(crate) stamp: Stamp,
    pub(crate) rare: Option<Box<Rare>>,
}

/// What few entries have, kept apart so that the others take little memory.
#[derive(Debug)]
pub(crate) struct Rare {
    /// Extended attributes of the user's name space, ordered by the bytes of their names.
    attributes: Box<[Attribute]>,
    /// Where the data of a file with holes is; none for any other entry.
    sparse: Option<Sparse>,
}

/// An extended attribute; the name includes its name space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: Box<[u8]>,
    pub(crate) value: Box<[u8]>,
}

/// What of a file is stored: everything but its long runs of zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sparse {
    /// Not empty each, in order, with holes between them.
    pub(crate) data: Box<[Segment]>,
    /// Sum of their lengths.
    pub(crate) stored: u64,
}

/// A range of a file in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// The types of entry a Pellet holds.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A regular file of this many bytes.
    File {
        size: u64,
    },
    Directory,
    Symlink {
        target: Box<[u8]>,
    },
    /// Another name of the regular file at this index.
    HardLink {
        of: usize,
    },
}

/// What tells a file from its later self: a difference means that it was replaced or written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) size: i64,
    /// Of mtime and ctime the seconds since the Unix epoch, then the nanoseconds behind them: side by side,
    /// so that nothing is lost to padding.
    seconds: [i64; 2],
    nanos: [u32; 2],
}

impl Stamp {
    /// Nanoseconds since the Unix epoch.
    pub(crate) fn ctime(&self) -> i128 {
        self.time(1)
    }

    /// As sidecars have it: a time of more than 292 years from 1970 becomes the last one that fits.
    pub(crate) fn mtime_ns(&self) -> i64 {
        saturate(self.time(0))
    }

    /// The same of the change time.
    pub(crate) fn ctime_ns(&self) -> i64 {
        saturate(self.time(1))
    }

    fn time(&self, which: usize) -> i128 {
        i128::from(self.seconds[which]) * 1_000_000_000 + i128::from(self.nanos[which])
    }
}

fn saturate(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

impl Rare {
    /// None where there is nothing to keep.
    pub(crate) fn of(attributes: Box<[Attribute]>, sparse: Option<Sparse>) -> Option<Box<Self>> {
        let some = !attributes.is_empty() || sparse.is_some();
        some.then(|| Box::new(Self { attributes, sparse }))
    }
}

impl Entry {
    pub(crate) fn attributes(&self) -> &[Attribute] {
        self.rare.as_ref().map_or(&[], |rare| &rare.attributes)
    }

    pub(crate) fn sparse(&self) -> Option<&Sparse> {
        self.rare.as_ref()?.sparse.as_ref()
    }

    /// Content bytes of this entry, holes included.
    pub(crate) fn size(&self) -> u64 {
        match self.kind {
            Kind::File { size } => size,
            Kind::Directory | Kind::Symlink { .. } | Kind::HardLink { .. } => 0,
        }
    }

    /// Content bytes stored with this entry.
    pub(crate) fn stored(&self) -> u64 {
        self.sparse().map_or_else(|| self.size(), |sparse| sparse.stored)
    }

    /// The parts of the file that `len` stored bytes from `offset` on come from.
    pub(crate) fn segments(&self, offset: u64, len: u64) -> Vec<Segment> {
        let Some(sparse) = self.sparse() else { return vec![Segment { offset, len }] };
        let end = offset + len;
        let mut stored = 0;
        let cut = |segment: &Segment| {
            let (from, to) = (stored.max(offset), (stored + segment.len).min(end));
            let shift = from.saturating_sub(stored);
            stored += segment.len;
            (from < to).then(|| Segment { offset: segment.offset + shift, len: to - from })
        };
        sparse.data.iter().filter_map(cut).collect()
    }

    /// Name and value of each attribute.
    pub(crate) fn attribute_pairs(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.attributes().iter().map(|a| (&*a.name, &*a.value))
    }

    /// The path without its last component, and that component.
    pub(crate) fn split(&self) -> (&[u8], &[u8]) {
        match self.path.iter().rposition(|b| *b == b'/') {
            Some(slash) => (&self.path[..slash], &self.path[slash + 1..]),
            None => (&[], &self.path),
        }
    }

    /// The path for messages.
    pub(crate) fn display_path(&self) -> PathBuf {
        OsStr::from_bytes(&self.path).into()
    }
}

impl Sparse {
    pub(crate) fn of(data: Vec<Segment>) -> Self {
        let stored = data.iter().map(|s| s.len).sum();
        Self { data: data.into(), stored }
    }
}

impl From<&Stat> for Stamp {
    fn from(stat: &Stat) -> Self {
        // A file system that gives more has less than a second to tell of.
        let nanos = |nsec| u32::try_from(nsec).unwrap_or(u32::MAX);
        Self {
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: stat.st_size,
            seconds: [stat.st_mtime, stat.st_ctime],
            nanos: [nanos(stat.st_mtime_nsec), nanos(stat.st_ctime_nsec)],
        }
    }
}
