//! Extended attributes of the user's name space.
//!
//! Other name spaces belong to the machine (`security`, `system`) or need privileges (`trusted`):
//! they are no content.

use std::ffi::OsStr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{
    Mode, OFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, llistxattr, openat,
};
use rustix::io::{Errno, Result};

use super::entry::Attribute;

const NAME_SPACE: &[u8] = b"user.";

/// Linux lists and stores at most this many bytes.
const MAX_LEN: usize = 64 << 10;

/// The most bytes of names and values of one path: well below what readers of records take, whatever
/// signs the names hold.
const MAX_SUM: usize = 1 << 20;

/// Reads attributes; keeps its buffers from file to file.
pub(super) struct Attributes {
    list: Vec<u8>,
    path: Vec<u8>,
}

impl Attributes {
    pub(super) fn new() -> Self {
        Self { list: vec![0; MAX_LEN], path: Vec::with_capacity(256) }
    }

    /// The attributes of the regular file or directory `name` in `dir`, ordered by name.
    pub(super) fn of(&mut self, dir: BorrowedFd<'_>, name: &[u8]) -> Result<Box<[Attribute]>> {
        let n = match self.list(dir, name) {
            Ok(n) => n,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => 0,
            Err(errno) => return Err(errno),
        };
        let names = self.list[..n].split(|b| *b == 0).filter(|name| name.starts_with(NAME_SPACE));
        let names: Vec<&[u8]> = names.collect();
        if names.is_empty() {
            return Ok(Box::default());
        }
        let file = open(dir, name)?;
        let mut found = Vec::with_capacity(names.len());
        let mut sum = 0;
        for name in names {
            let key = OsStr::from_bytes(name);
            let mut value = vec![0; fgetxattr_query(&file, key)?];
            // A value that grew since is an error of range: somebody writes to the tree.
            let n = match value.len() {
                0 => 0,
                _ => fgetxattr(&file, key, &mut value[..])?,
            };
            value.truncate(n);
            sum += name.len() + value.len();
            if sum > MAX_SUM {
                return Err(Errno::TOOBIG);
            }
            found.push(Attribute { name: name.into(), value: value.into() });
        }
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(found.into())
    }

    /// Fills `list`; returns its length. There is no call that takes a descriptor and a name, and
    /// opening every file would triple the cost, so the path goes through the descriptor in `/proc`;
    /// where that is not mounted the file is opened after all.
    fn list(&mut self, dir: BorrowedFd<'_>, name: &[u8]) -> Result<usize> {
        if cfg!(target_os = "linux") {
            self.path.clear();
            let prefix = format!("/proc/self/fd/{}/", dir.as_raw_fd());
            self.path.extend_from_slice(prefix.as_bytes());
            self.path.extend_from_slice(name);
            match llistxattr(OsStr::from_bytes(&self.path), &mut self.list[..]) {
                Err(Errno::NOENT | Errno::ACCESS) => {}
                other => return other,
            }
        }
        flistxattr(open(dir, name)?, &mut self.list[..])
    }
}

/// Whether an open file has attributes that are content.
pub(crate) fn has_attributes(file: BorrowedFd<'_>) -> Result<bool> {
    let absent = |errno| match errno {
        Errno::OPNOTSUPP | Errno::NOSYS => Ok(0),
        errno => Err(errno),
    };
    // Of nearly all files there is nothing to list, and asking how much is enough.
    if flistxattr_query(file).or_else(absent)? == 0 {
        return Ok(false);
    }
    let mut list = vec![0; MAX_LEN];
    let n = flistxattr(file, &mut list[..]).or_else(absent)?;
    Ok(list[..n].split(|b| *b == 0).any(|name| name.starts_with(NAME_SPACE)))
}

fn open(dir: BorrowedFd<'_>, name: &[u8]) -> Result<std::os::fd::OwnedFd> {
    // Without NONBLOCK a pipe that took the place of the file would block the open for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    openat(dir, name, flags, Mode::empty())
}
