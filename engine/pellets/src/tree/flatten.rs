//! Puts the listings of all directories into the one order of an archive.

use std::collections::HashMap;
use std::ops::Range;

use rustix::fs::FileType;

use super::entry::{Entry, Kind};
use super::list::Catch;
use super::special::Skipped;
use crate::sidecar::RawPath;

/// How many left-out paths are named; the rest is only counted.
const MAX_NAMED: usize = 100;

/// A tree in archive order.
#[derive(Default)]
pub(super) struct Flat {
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: u64,
    pub(super) n_skipped: u64,
    pub(super) skipped: Vec<Skipped>,
    /// Entry of the first name of each file with several, by device and inode.
    first_names: HashMap<(u64, u64), usize>,
}

/// What one directory holds: whose catch it is in, and where.
#[derive(Debug, Default, Clone)]
pub(super) struct Listing {
    pub(super) catch: usize,
    pub(super) items: Range<usize>,
}

struct Level {
    /// Length of the path of this directory.
    path_len: usize,
    /// What is left of it.
    rest: Listing,
}

/// Goes depth first through `listings`, of which the first is the root's.
pub(super) fn flatten(mut catches: Vec<Catch>, mut listings: Vec<Listing>) -> Flat {
    let n = catches.iter().map(|catch| catch.items.len()).sum();
    let mut flat = Flat { entries: Vec::with_capacity(n), ..Flat::default() };
    let mut path = Vec::new();
    let mut level = |path_len, number: usize| {
        let rest = listings.get_mut(number).map(std::mem::take).unwrap_or_default();
        Level { path_len, rest }
    };
    let mut levels = vec![level(0, 0)];
    while let Some(top) = levels.last_mut() {
        path.truncate(top.path_len);
        let next = top.rest.items.next();
        let Some((catch, at)) = next.and_then(|at| Some((catches.get_mut(top.rest.catch)?, at)))
        else {
            levels.pop();
            continue;
        };
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(catch.name(&catch.items[at]));
        flat.take(&path, catch, at);
        let item = &catch.items[at];
        if item.file_type.is_dir() {
            levels.push(level(path.len(), item.number as usize));
        }
    }
    flat
}

impl Flat {
    fn take(&mut self, path: &[u8], catch: &mut Catch, at: usize) {
        let item = &catch.items[at];
        let index = self.entries.len();
        let mut mode = item.mode;
        let size = item.size();
        let stamp = item.stamp;
        let kind = match item.file_type {
            FileType::RegularFile => {
                let first = if item.linked {
                    *self.first_names.entry((stamp.dev, stamp.ino)).or_insert(index)
                } else {
                    index
                };
                if first == index {
                    self.bytes += size;
                    Kind::File { size }
                } else {
                    Kind::HardLink { of: first }
                }
            }
            FileType::Directory => Kind::Directory,
            FileType::Symlink => {
                // Linux reports 0o777 for every link; other systems keep bits that mean nothing.
                mode = 0o777;
                Kind::Symlink { target: catch.take_target(at) }
            }
            special => {
                self.n_skipped += 1;
                if self.skipped.len() < MAX_NAMED {
                    self.skipped.push(Skipped { path: RawPath::from(path), kind: special.into() });
                }
                return;
            }
        };
        // A further name shares content and attributes with the first, which carries them.
        let rare = match kind {
            Kind::HardLink { .. } => None,
            _ => catch.items[at].rare.take(),
        };
        let settled = catch.items[at].settled;
        self.entries.push(Entry { path: path.into(), kind, mode, settled, stamp, rare });
    }
}
