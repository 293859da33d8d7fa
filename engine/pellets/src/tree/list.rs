//! Lists one directory of a tree: what is in it, and what a plan of the archive must know of it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::attributes::Attributes;
use super::dirs::Dirs;
use super::entry::{Attribute, Sparse, Stamp};
use super::holes::{Holes, MIN_HOLE};
use super::scope::{Scope, Survey};
use crate::error::PackError;

/// One name in a directory.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: Box<[u8]>,
    pub(super) file_type: FileType,
    /// Permission bits.
    pub(super) mode: u32,
    /// Whether the file has further names, in the tree or elsewhere.
    pub(super) linked: bool,
    pub(super) stamp: Stamp,
    /// Of a symbolic link.
    pub(super) target: Option<Box<[u8]>>,
    pub(super) attributes: Box<[Attribute]>,
    pub(super) sparse: Option<Sparse>,
    /// Of a directory the number of its own listing.
    pub(super) listing: Option<usize>,
}

/// What one thread keeps from directory to directory.
pub(super) struct Lister<'a> {
    scope: &'a Scope<'a>,
    dirs: Dirs<'a>,
    attributes: Attributes,
    holes: Holes,
}

impl<'a> Lister<'a> {
    pub(super) fn new(root: BorrowedFd<'a>, scope: &'a Scope<'a>) -> Self {
        let dirs = Dirs::below(root);
        Self { scope, dirs, attributes: Attributes::new(), holes: Holes::new() }
    }

    /// The items of the directory at `dir`, sorted by the bytes of their names.
    pub(super) fn list(&mut self, dir: &[u8]) -> Result<Vec<Item>, PackError> {
        let failed = |errno: Errno, name: &[u8]| PackError::in_tree(join(dir, name), errno);
        let fd = self.dirs.open(dir).map_err(|e| failed(e, b""))?;
        let exclude = self.scope.exclude;
        let here = match exclude.dir {
            Some(id) => {
                let stat = fstat(fd).map_err(|e| failed(e, b""))?;
                (stat.st_dev, stat.st_ino) == id
            }
            None => false,
        };
        if here && exclude.names.is_empty() {
            return Ok(Vec::new());
        }
        let mut below = dir.to_vec();
        if !dir.is_empty() {
            below.push(b'/');
        }
        let prefix = below.len();
        let mut items = Vec::new();
        let mut asked = false;
        for found in Dir::read_from(fd).map_err(|e| failed(e, b""))? {
            let found = found.map_err(|e| failed(e, b""))?;
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." || (here && exclude.covers(name)) {
                continue;
            }
            let stat = statat(fd, found.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|e| failed(e, name))?;
            below.truncate(prefix);
            below.extend_from_slice(name);
            let is_dir = FileType::from_raw_mode(stat.st_mode).is_dir();
            if self.scope.ignore.covers(&below, is_dir) {
                self.scope.n_ignored.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let mut item = Item::of(name, &stat);
            let is_file = item.file_type.is_file();
            let ask = !is_file || !asked || self.scope.survey == Survey::Every;
            asked |= is_file;
            let attributes = ask.then_some(&mut self.attributes);
            survey(attributes, &mut self.holes, self.scope, fd, &below, &mut item)
                .map_err(|e| failed(e, name))?;
            if is_file && !item.attributes.is_empty() {
                self.scope.has_attributes.store(true, Ordering::Relaxed);
            }
            items.push(item);
            if items.len().is_multiple_of(1024) && self.scope.stopped() {
                return Err(PackError::cancelled());
            }
        }
        items.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self.scope.n_found.fetch_add(items.len() as u64, Ordering::Relaxed);
        Ok(items)
    }
}

/// Learns of `item` what its status does not tell.
fn survey(
    attributes: Option<&mut Attributes>,
    holes: &mut Holes,
    scope: &Scope<'_>,
    dir: BorrowedFd<'_>,
    path: &[u8],
    item: &mut Item,
) -> Result<(), Errno> {
    match item.file_type {
        FileType::Symlink => {
            item.target = Some(readlinkat(dir, &*item.name, Vec::new())?.into_bytes().into());
        }
        FileType::Directory | FileType::RegularFile => {
            if let Some(attributes) = attributes {
                item.attributes = attributes.of(dir, &item.name)?;
            }
        }
        _ => {}
    }
    if item.file_type.is_file() {
        let size = item.size();
        let known = self::known(scope, path, item);
        if let Some(sparse) = known.filter(|_| size >= MIN_HOLE) {
            item.sparse = sparse;
        } else if size >= MIN_HOLE {
            // Without NONBLOCK a pipe that took its place would block the open for ever.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = openat(dir, &*item.name, flags, Mode::empty())?;
            item.sparse = holes.of(file.as_fd(), size, &|| scope.stopped())?;
        }
    }
    Ok(())
}

/// The holes of a file that an earlier Pellet knows.
fn known(scope: &Scope<'_>, path: &[u8], item: &Item) -> Option<Option<Sparse>> {
    scope.known?.holes(path, &item.stamp)
}

impl Item {
    fn of(name: &[u8], stat: &Stat) -> Self {
        Self {
            name: name.into(),
            file_type: FileType::from_raw_mode(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            linked: stat.st_nlink > 1,
            stamp: Stamp::from(stat),
            target: None,
            attributes: Box::default(),
            sparse: None,
            listing: None,
        }
    }

    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.stamp.size).unwrap_or(0)
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
