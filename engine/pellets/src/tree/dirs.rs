//! Directories of a tree, opened step by step from the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Result;

/// How many levels stay open. Two threads on a deep tree stay far from the usual 1 024 descriptors;
/// what lies deeper is reached from the last held level.
const MAX_HELD: usize = 32;

/// Opens directories below a root without following any link; neighbours are cheap, since the way
/// down to the last one stays open.
pub(crate) struct Dirs<'a> {
    root: BorrowedFd<'a>,
    held: Vec<(Box<[u8]>, OwnedFd)>,
    /// The directory asked for last, where it lies deeper than what is held.
    deeper: Option<OwnedFd>,
    /// The path asked for last, unless that failed.
    current: Option<Vec<u8>>,
}

impl<'a> Dirs<'a> {
    pub(crate) fn below(root: BorrowedFd<'a>) -> Self {
        Self { root, held: Vec::new(), deeper: None, current: Some(Vec::new()) }
    }

    /// Opens `dir`, a path relative to the root; empty means the root.
    pub(crate) fn open(&mut self, dir: &[u8]) -> Result<BorrowedFd<'_>> {
        if self.current.as_deref() != Some(dir) {
            self.go(dir)?;
        }
        Ok(self.top())
    }

    fn top(&self) -> BorrowedFd<'_> {
        match (&self.deeper, self.held.last()) {
            (Some(fd), _) | (None, Some((_, fd))) => fd.as_fd(),
            (None, None) => self.root,
        }
    }

    fn go(&mut self, dir: &[u8]) -> Result<()> {
        let mut reuse = self.current.take().unwrap_or_default();
        self.deeper = None;
        let steps = || dir.split(|b| *b == b'/').filter(|step| !step.is_empty());
        let n_shared =
            self.held.iter().zip(steps()).take_while(|((held, _), step)| **held == **step).count();
        self.held.truncate(n_shared);
        for step in steps().skip(n_shared) {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
            let fd = openat(self.top(), step, flags, Mode::empty())?;
            if self.held.len() < MAX_HELD {
                self.held.push((step.into(), fd));
            } else {
                self.deeper = Some(fd);
            }
        }
        reuse.clear();
        reuse.extend_from_slice(dir);
        self.current = Some(reuse);
        Ok(())
    }
}
