//! Lists a tree in its canonical order.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, readlinkat, statat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::dirs::Dirs;
use super::entry::{Entry, Kind, Stamp};
use crate::error::PackError;
use crate::observer::{PackObserver, Progress};
use crate::sidecar::RawPath;

/// How many left-out paths are named; the rest is only counted.
const MAX_NAMED: usize = 100;

/// Entries between two looks at the observer: some milliseconds of work.
const REPORT_EVERY: usize = 1024;

/// A listed tree.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: OwnedFd,
    pub(crate) root_mode: u32,
    pub(crate) root_stamp: Stamp,
    pub(crate) entries: Vec<Entry>,
    /// Content bytes of all regular files, each hard-link group once.
    pub(crate) bytes: u64,
    pub(crate) n_skipped: u64,
    /// The first [`MAX_NAMED`] of them.
    pub(crate) skipped: Vec<Skipped>,
}

/// Something that a Pellet does not hold and that packing left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Relative to the root.
    pub path: RawPath,
    /// What it is.
    pub kind: SpecialKind,
}

/// The types that are left out: they name a running process or a driver, not content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecialKind {
    /// A socket.
    Socket,
    /// A named pipe.
    Fifo,
    /// A block or character device.
    Device,
    /// A type this system does not name.
    Unknown,
}

/// What belongs to our own output and is no part of the tree, should the output lie inside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclude {
    /// Device and inode of a directory whose content is left out.
    pub(crate) dir: Option<(u64, u64)>,
    /// Names in that directory that are left out; all of it where this is empty.
    pub(crate) names: Vec<Vec<u8>>,
    /// Temporary names in that directory that are left out: prefix and suffix.
    pub(crate) between: Option<(Vec<u8>, Vec<u8>)>,
}

struct Item {
    name: Box<[u8]>,
    stat: Stat,
    target: Option<Box<[u8]>>,
}

struct Level {
    /// Length of the path of this directory.
    path_len: usize,
    items: std::vec::IntoIter<Item>,
}

struct Walk<'a> {
    exclude: &'a Exclude,
    observer: &'a dyn PackObserver,
    first_names: HashMap<(u64, u64), usize>,
    entries: Vec<Entry>,
    bytes: u64,
    n_skipped: u64,
    skipped: Vec<Skipped>,
}

/// Lists all entries below `root`, which may itself be reached through links.
pub(crate) fn walk(
    root: &Path,
    exclude: &Exclude,
    observer: &dyn PackObserver,
) -> Result<Tree, PackError> {
    let at_root = |errno| PackError::at_root(root.to_owned(), errno);
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let fd = open(root, flags, Mode::empty()).map_err(at_root)?;
    let stat = fstat(&fd).map_err(at_root)?;
    let mut walk = Walk {
        exclude,
        observer,
        first_names: HashMap::new(),
        entries: Vec::new(),
        bytes: 0,
        n_skipped: 0,
        skipped: Vec::new(),
    };
    walk.run(&mut Dirs::below(fd.as_fd()))?;
    let Walk { entries, bytes, n_skipped, skipped, .. } = walk;
    let root_mode = stat.st_mode & 0o7777;
    let root_stamp = Stamp::from(&stat);
    Ok(Tree { root: fd, root_mode, root_stamp, entries, bytes, n_skipped, skipped })
}

impl Walk<'_> {
    fn run(&mut self, dirs: &mut Dirs<'_>) -> Result<(), PackError> {
        let mut path = Vec::new();
        let mut levels = vec![Level { path_len: 0, items: self.list(dirs, &path)?.into_iter() }];
        while let Some(level) = levels.last_mut() {
            path.truncate(level.path_len);
            let Some(item) = level.items.next() else {
                levels.pop();
                continue;
            };
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&item.name);
            if self.take(&path, item) {
                let items = self.list(dirs, &path)?.into_iter();
                levels.push(Level { path_len: path.len(), items });
            }
            if self.entries.len().is_multiple_of(REPORT_EVERY) {
                self.report()?;
            }
        }
        Ok(())
    }

    /// Records one entry; true where it is a directory to go into.
    fn take(&mut self, path: &[u8], item: Item) -> bool {
        let Item { stat, target, .. } = item;
        let index = self.entries.len();
        let stamp = Stamp::from(&stat);
        let mut mode = stat.st_mode & 0o7777;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let first = match stat.st_nlink {
                    0 | 1 => index,
                    _ => *self.first_names.entry((stamp.dev, stamp.ino)).or_insert(index),
                };
                if first == index {
                    let size = u64::try_from(stat.st_size).unwrap_or(0);
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
                Kind::Symlink { target: target.unwrap_or_default() }
            }
            special => {
                self.skip(path, special);
                return false;
            }
        };
        let go_into = matches!(kind, Kind::Directory);
        self.entries.push(Entry { path: path.into(), kind, mode, stamp });
        go_into
    }

    fn skip(&mut self, path: &[u8], file_type: FileType) {
        self.n_skipped += 1;
        if self.skipped.len() < MAX_NAMED {
            let kind = match file_type {
                FileType::Socket => SpecialKind::Socket,
                FileType::Fifo => SpecialKind::Fifo,
                FileType::BlockDevice | FileType::CharacterDevice => SpecialKind::Device,
                _ => SpecialKind::Unknown,
            };
            self.skipped.push(Skipped { path: RawPath::from(path), kind });
        }
    }

    /// The items of one directory, sorted by the bytes of their names.
    fn list(&self, dirs: &mut Dirs<'_>, dir: &[u8]) -> Result<Vec<Item>, PackError> {
        let failed = |errno: Errno, name: &[u8]| PackError::in_tree(join(dir, name), errno);
        let fd = dirs.open(dir).map_err(|e| failed(e, b""))?;
        let here = match self.exclude.dir {
            Some(id) => {
                let stat = fstat(fd).map_err(|e| failed(e, b""))?;
                (stat.st_dev, stat.st_ino) == id
            }
            None => false,
        };
        if here && self.exclude.names.is_empty() {
            return Ok(Vec::new());
        }
        let mut items = Vec::new();
        for found in Dir::read_from(fd).map_err(|e| failed(e, b""))? {
            let found = found.map_err(|e| failed(e, b""))?;
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." || (here && self.exclude.covers(name)) {
                continue;
            }
            let stat = statat(fd, found.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| failed(e, name))?;
            let target = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink => {
                    let target = readlinkat(fd, found.file_name(), Vec::new())
                        .map_err(|e| failed(e, name))?;
                    Some(target.into_bytes().into())
                }
                _ => None,
            };
            items.push(Item { name: name.into(), stat, target });
        }
        items.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(items)
    }

    fn report(&self) -> Result<(), PackError> {
        if self.observer.cancelled() {
            return Err(PackError::cancelled());
        }
        let entries_total = self.entries.len() as u64;
        self.observer.progress(&Progress { entries_total, ..Progress::default() });
        Ok(())
    }
}

impl Exclude {
    fn covers(&self, name: &[u8]) -> bool {
        self.names.iter().any(|n| n == name)
            || self
                .between
                .as_ref()
                .is_some_and(|(prefix, suffix)| name.starts_with(prefix) && name.ends_with(suffix))
    }
}

/// A path for messages; the root is `.`.
fn join(dir: &[u8], name: &[u8]) -> PathBuf {
    if dir.is_empty() && name.is_empty() {
        return PathBuf::from(".");
    }
    let dir = Path::new(OsStr::from_bytes(dir));
    if name.is_empty() { dir.to_owned() } else { dir.join(OsStr::from_bytes(name)) }
}
