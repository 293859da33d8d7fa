//! Lists one directory of a tree: what is in it, and what a plan of the archive must know of it.

use std::ffi::{CStr, OsStr};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::attributes::{Attributes, has_attributes};
use super::dirs::Dirs;
use super::entry::{Rare, Stamp};
use super::holes::{Holes, MIN_HOLE};
use super::scope::{Scope, Survey};
use crate::error::PackError;

/// One name in a directory.
#[derive(Debug)]
pub(super) struct Item {
    /// Where its name begins in the names of its catch.
    name: usize,
    name_len: u16,
    /// Whether the file has further names, in the tree or elsewhere.
    pub(super) linked: bool,
    /// As [`Entry`](super::entry::Entry) has it.
    pub(super) settled: bool,
    pub(super) file_type: FileType,
    /// Permission bits.
    pub(super) mode: u32,
    /// Of a directory the number of its listing, of a symbolic link that of its target in the catch.
    pub(super) number: u32,
    pub(super) stamp: Stamp,
    pub(super) rare: Option<Box<Rare>>,
}

/// What one thread found in all its directories, one after the other: two blocks of memory that go back to the
/// system whole, where a million little ones would stay.
#[derive(Debug, Default)]
pub(super) struct Catch {
    pub(super) items: Vec<Item>,
    names: Vec<u8>,
    targets: Vec<Box<[u8]>>,
}

impl Catch {
    /// Takes the target of the symbolic link at `item` out.
    pub(super) fn take_target(&mut self, item: usize) -> Box<[u8]> {
        let number = self.items[item].number as usize;
        self.targets.get_mut(number).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn name(&self, item: &Item) -> &[u8] {
        item.name_in(&self.names)
    }
}

/// What one thread keeps from directory to directory.
pub(super) struct Lister<'a> {
    scope: &'a Scope<'a>,
    dirs: Dirs<'a>,
    attributes: Attributes,
    holes: Holes,
    pub(super) catch: Catch,
}

impl<'a> Lister<'a> {
    pub(super) fn new(root: BorrowedFd<'a>, scope: &'a Scope<'a>) -> Self {
        let (dirs, attributes, holes) = (Dirs::below(root), Attributes::new(), Holes::new());
        Self { scope, dirs, attributes, holes, catch: Catch::default() }
    }

    /// The items of the directory at `dir`, sorted by the bytes of their names: where they are in the catch.
    pub(super) fn list(&mut self, dir: &[u8]) -> Result<Range<usize>, PackError> {
        let start = self.catch.items.len();
        self.find(dir)?;
        let Catch { items, names, .. } = &mut self.catch;
        items[start..].sort_unstable_by(|a, b| a.name_in(names).cmp(b.name_in(names)));
        self.survey(dir, start)?;
        let found = start..self.catch.items.len();
        self.scope.n_found.fetch_add(found.len() as u64, Ordering::Relaxed);
        Ok(found)
    }

    /// Catches what is in the directory.
    fn find(&mut self, dir: &[u8]) -> Result<(), PackError> {
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
            return Ok(());
        }
        let mut below = Below::new(dir);
        // Empty files come in crowds: the next one is opened without asking what it is.
        let mut in_crowd = false;
        for found in Dir::read_from(fd).map_err(|e| failed(e, b""))? {
            let found = found.map_err(|e| failed(e, b""))?;
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." || (here && exclude.covers(name)) {
                continue;
            }
            let is_guessed = in_crowd && found.file_type().is_file();
            let looked = if is_guessed { look_into(fd, name) } else { None };
            let (stat, is_plain) = match looked {
                Some(looked) => looked,
                None => look_at(self.scope, fd, found.file_name()).map_err(|e| failed(e, name))?,
            };
            let settled = is_plain && self.scope.is_settled(&stat);
            in_crowd = settled;
            let is_dir = FileType::from_raw_mode(stat.st_mode).is_dir();
            if self.scope.ignore.covers(below.path(name), is_dir) {
                self.scope.n_ignored.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let name_len =
                u16::try_from(name.len()).map_err(|_| failed(Errno::NAMETOOLONG, b""))?;
            let item = Item::of(self.catch.names.len(), name_len, &stat);
            self.catch.items.push(Item { settled, ..item });
            self.catch.names.extend_from_slice(name);
            if self.catch.items.len().is_multiple_of(1024) && self.scope.stopped() {
                return Err(PackError::cancelled());
            }
        }
        Ok(())
    }

    /// Learns of the items from `start` on what their status does not tell.
    fn survey(&mut self, dir: &[u8], start: usize) -> Result<(), PackError> {
        let failed = |errno: Errno, name: &[u8]| PackError::in_tree(join(dir, name), errno);
        let fd = self.dirs.open(dir).map_err(|e| failed(e, b""))?;
        let mut below = Below::new(dir);
        let mut nearby = self.scope.known.map(|known| (known, known.first_in(dir)));
        let mut asked = false;
        for (n, item) in self.catch.items[start..].iter_mut().enumerate() {
            let name = item.name_in(&self.catch.names);
            let is_file = item.file_type.is_file();
            if item.settled {
                continue;
            }
            if let Some((known, from)) = &mut nearby
                && is_file
                && let Some(same) = known.find(from, below.path(name), &item.stamp)
            {
                item.rare = same;
                continue;
            }
            let ask = !is_file || !asked || self.scope.survey == Survey::Every;
            asked |= is_file;
            let attributes = ask.then_some(&mut self.attributes);
            if item.file_type.is_symlink() {
                let target = readlinkat(fd, name, Vec::new()).map_err(|e| failed(e, name))?;
                let number = u32::try_from(self.catch.targets.len());
                item.number = number.map_err(|_| failed(Errno::NOMEM, name))?;
                self.catch.targets.push(target.into_bytes().into());
            }
            learn(attributes, &mut self.holes, self.scope, fd, name, item)
                .map_err(|e| failed(e, name))?;
            if n % 1024 == 1023 && self.scope.stopped() {
                return Err(PackError::cancelled());
            }
        }
        Ok(())
    }
}

/// What `name` in `dir` is, and whether it is an empty file without attributes that need not be opened again.
fn look_at(scope: &Scope<'_>, dir: BorrowedFd<'_>, name: &CStr) -> Result<(Stat, bool), Errno> {
    let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    // Of what an earlier Pellet knows, it tells the attributes.
    let maybe = is_empty_file(&stat) && scope.known.is_none();
    let looked =
        if maybe && scope.is_settled(&stat) { look_into(dir, name.to_bytes()) } else { None };
    Ok(looked.unwrap_or((stat, false)))
}

/// What the file `name` in `dir` is, and whether it is an empty one without attributes; none where that is to be found
/// out otherwise.
fn look_into(dir: BorrowedFd<'_>, name: &[u8]) -> Option<(Stat, bool)> {
    // Without NONBLOCK a pipe that took its place would block the open for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::empty()).ok()?;
    let asked = has_attributes(file.as_fd());
    // Last, so that it covers whoever gave the file attributes meanwhile.
    let stat = fstat(&file).ok()?;
    Some((stat, is_empty_file(&stat) && asked == Ok(false)))
}

fn is_empty_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_size == 0
}

/// Asks the file system about `item`, which is `name` in `dir`.
fn learn(
    attributes: Option<&mut Attributes>,
    holes: &mut Holes,
    scope: &Scope<'_>,
    dir: BorrowedFd<'_>,
    name: &[u8],
    item: &mut Item,
) -> Result<(), Errno> {
    let is_file = item.file_type.is_file();
    let mut found = Box::default();
    if let Some(attributes) = attributes
        && (is_file || item.file_type.is_dir())
    {
        found = attributes.of(dir, name)?;
        if is_file && !found.is_empty() {
            scope.has_attributes.store(true, Ordering::Relaxed);
        }
    }
    let mut sparse = None;
    if is_file && item.size() >= MIN_HOLE {
        // Without NONBLOCK a pipe that took its place would block the open for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(dir, name, flags, Mode::empty())?;
        sparse = holes.of(file.as_fd(), item.size(), &|| scope.stopped())?;
    }
    item.rare = Rare::of(found, sparse);
    Ok(())
}

impl Item {
    fn of(name: usize, name_len: u16, stat: &Stat) -> Self {
        Self {
            name,
            name_len,
            linked: stat.st_nlink > 1,
            settled: false,
            file_type: FileType::from_raw_mode(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            number: 0,
            stamp: Stamp::from(stat),
            rare: None,
        }
    }

    fn name_in<'n>(&self, names: &'n [u8]) -> &'n [u8] {
        names.get(self.name..self.name + usize::from(self.name_len)).unwrap_or_default()
    }

    pub(super) fn size(&self) -> u64 {
        u64::try_from(self.stamp.size).unwrap_or(0)
    }
}

/// Paths of what is in one directory, in a buffer.
struct Below {
    path: Vec<u8>,
    prefix: usize,
}

impl Below {
    fn new(dir: &[u8]) -> Self {
        let mut path = dir.to_vec();
        if !dir.is_empty() {
            path.push(b'/');
        }
        Self { prefix: path.len(), path }
    }

    fn path(&mut self, name: &[u8]) -> &[u8] {
        self.path.truncate(self.prefix);
        self.path.extend_from_slice(name);
        &self.path
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
