//! Directories below a root, opened without following any link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::{Errno, Result};

const FLAGS: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens directories beneath a root; the last one stays open, since neighbours come together.
#[derive(Debug)]
pub(super) struct Dirs<'a> {
    root: BorrowedFd<'a>,
    last: Option<(Vec<u8>, OwnedFd)>,
}

impl<'a> Dirs<'a> {
    pub(super) fn below(root: BorrowedFd<'a>) -> Self {
        Self { root, last: None }
    }

    /// The directory at `path`; empty means the root.
    pub(super) fn open(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>> {
        if path.is_empty() {
            return Ok(self.root);
        }
        let stale = self.last.as_ref().is_none_or(|(last, _)| last != path);
        if stale {
            self.last = None;
            self.last = Some((path.to_vec(), beneath(self.root, path)?));
        }
        Ok(self.last.as_ref().map_or(self.root, |(_, fd)| fd.as_fd()))
    }
}

/// Opens `path` below `root`. The kernel itself refuses links, ways out and other file systems; one
/// that cannot (before Linux 5.6, or forbidden by a sandbox), and a path longer than a system call
/// takes, is walked part by part.
fn beneath(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    loop {
        match openat2(root, path, FLAGS, Mode::empty(), resolve) {
            // The kernel asks to try again where something was renamed meanwhile.
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG) => return steps(root, path),
            done => return done,
        }
    }
}

fn steps(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
    let mut at: Option<OwnedFd> = None;
    for part in path.split(|b| *b == b'/') {
        if matches!(part, b"" | b"." | b"..") {
            return Err(Errno::INVAL);
        }
        let from = at.as_ref().map_or(root, |fd| fd.as_fd());
        at = Some(openat(from, part, FLAGS, Mode::empty())?);
    }
    at.ok_or(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_is_followed_and_no_way_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("a", root.join("link")).unwrap();
        symlink("/", root.join("out")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        std::fs::write(root.join("file"), b"").unwrap();
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        let root = rustix::fs::open(&root, flags, Mode::empty()).unwrap();
        for open in [beneath, steps] {
            assert!(open(root.as_fd(), b"a/b").is_ok());
            for bad in [
                &b"link"[..],
                b"link/b",
                b"out",
                b"out/tmp",
                b"magic",
                b"magic/tmp",
                b"..",
                b"a/../..",
                b"/",
                b"/tmp",
                b"file",
                b"file/x",
                b"missing",
            ] {
                assert!(open(root.as_fd(), bad).is_err(), "{}", bad.escape_ascii());
            }
        }
    }

    #[test]
    fn a_path_longer_than_a_call_takes_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        let root = rustix::fs::open(dir.path(), flags, Mode::empty()).unwrap();
        let part = [b'x'; 200];
        let mut at = root.try_clone().unwrap();
        for _ in 0..30 {
            rustix::fs::mkdirat(&at, &part[..], Mode::RWXU).unwrap();
            at = openat(&at, &part[..], flags, Mode::empty()).unwrap();
        }
        let path = [&part[..]; 30].join(&b'/');
        let mut dirs = Dirs::below(root.as_fd());
        assert!(dirs.open(&path).is_ok());
        assert!(dirs.open(&[&path[..], b"/y"].concat()).is_err());
        assert!(dirs.open(b"").is_ok());
    }
}
