//! Directories below a root, opened without following any link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::{Errno, Result};

const FLAGS: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Directories that stay open on the way to the last one: enough for most trees, few beside what a
/// process may open, whatever the number of threads.
const KEPT: usize = 8;

/// Opens directories beneath a root. Neighbours come together, so the last one stays open, and of those
/// above it the nearest: one system call then opens a child, and none a parent.
#[derive(Debug)]
pub(super) struct Dirs<'a> {
    root: BorrowedFd<'a>,
    /// The path of the last directory.
    path: Vec<u8>,
    /// Open directories on the way there, each with the length of its path; deeper ones come later.
    open: Vec<(usize, OwnedFd)>,
}

impl<'a> Dirs<'a> {
    pub(super) fn below(root: BorrowedFd<'a>) -> Self {
        Self { root, path: Vec::new(), open: Vec::new() }
    }

    /// The directory at `path`; empty means the root.
    pub(super) fn open(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>> {
        while let Some((len, _)) = self.open.last() {
            let way = path.get(..*len).filter(|way| *way == &self.path[..*len]);
            if way.is_some() && matches!(path.get(*len), None | Some(b'/')) {
                break;
            }
            self.open.pop();
        }
        let len = self.open.last().map_or(0, |(len, _)| *len);
        if len < path.len() {
            let from = self.open.last().map_or(self.root, |(_, fd)| fd.as_fd());
            let rest = if len == 0 { path } else { &path[len + 1..] };
            let fd = beneath(from, rest)?;
            if self.open.len() == KEPT {
                self.open.remove(0);
            }
            self.path.clear();
            self.path.extend_from_slice(path);
            self.open.push((path.len(), fd));
        }
        Ok(self.open.last().map_or(self.root, |(_, fd)| fd.as_fd()))
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
    fn a_directory_that_stays_open_is_the_one_of_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["a", "a/b", "a/b/c", "a/bc", "a/bc/c", "ab", "ab/c", "a/1/2/3/4/5/6/7/8/9/10"];
        for path in paths {
            std::fs::create_dir_all(dir.path().join(path)).unwrap();
            std::fs::write(dir.path().join(path).join("name"), path).unwrap();
        }
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        let root = rustix::fs::open(dir.path(), flags, Mode::empty()).unwrap();
        let mut dirs = Dirs::below(root.as_fd());
        for first in paths {
            for second in paths {
                for path in [first, second, "", second] {
                    let at = dirs.open(path.as_bytes()).unwrap();
                    let name = openat(at, "name", OFlags::RDONLY, Mode::empty());
                    let said = name.map(|fd| std::io::read_to_string(std::fs::File::from(fd)));
                    assert_eq!(said.map_or(String::new(), |said| said.unwrap()), path);
                }
                assert!(dirs.open(format!("{second}/missing").as_bytes()).is_err());
                assert!(dirs.open.len() <= KEPT);
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
