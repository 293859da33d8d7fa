//! Puts the listings of all directories into the one order of an archive.

use std::collections::HashMap;

use rustix::fs::FileType;

use super::entry::{Entry, Kind};
use super::list::Item;
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

struct Level {
    /// Length of the path of this directory.
    path_len: usize,
    items: std::vec::IntoIter<Item>,
}

/// Goes depth first through `listings`, of which the first is the root's.
pub(super) fn flatten(mut listings: Vec<Vec<Item>>) -> Flat {
    let mut flat = Flat::default();
    let mut path = Vec::new();
    let mut level = |path_len, number: usize| {
        let items = listings.get_mut(number).map(std::mem::take).unwrap_or_default();
        Level { path_len, items: items.into_iter() }
    };
    let mut levels = vec![level(0, 0)];
    while let Some(top) = levels.last_mut() {
        path.truncate(top.path_len);
        let Some(item) = top.items.next() else {
            levels.pop();
            continue;
        };
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&item.name);
        let listing = item.listing;
        flat.take(&path, item);
        if let Some(number) = listing {
            levels.push(level(path.len(), number));
        }
    }
    flat
}

impl Flat {
    fn take(&mut self, path: &[u8], item: Item) {
        let index = self.entries.len();
        let mut mode = item.mode;
        let size = item.size();
        let Item { attributes, sparse, stamp, .. } = item;
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
                Kind::Symlink { target: item.target.unwrap_or_default() }
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
        let (attributes, sparse) = match kind {
            Kind::HardLink { .. } => (Box::default(), None),
            _ => (attributes, sparse),
        };
        self.entries.push(Entry { path: path.into(), kind, mode, stamp, attributes, sparse });
    }
}
