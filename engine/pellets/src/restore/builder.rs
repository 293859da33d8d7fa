//! Creates the entries of a new tree, each below a directory descriptor.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use durable_fs::Fs;
use rustix::fs::{
    AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, XattrFlags, fchmod, fsetxattr,
    futimens, linkat, mkdirat, openat, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::dirs::Dirs;
use super::options::RestoreObserver;
use crate::digest::Digest;
use crate::read::{
    Extent, ReadError, ReadErrorKind, SafePath, TarEntry, Xattr, from_stream, hash_zeros,
};
use crate::sidecar::SidecarEntry;

/// Bytes that go through a buffer at once.
const CHUNK: usize = 256 << 10;

/// The permission bits that are brought back.
pub(super) const MODE_MASK: u32 = 0o777;

/// What all builders of one tree share.
pub(super) struct Site<'a> {
    pub(super) fs: &'a dyn Fs,
    pub(super) root: BorrowedFd<'a>,
    /// Bits that this process takes from every mode; all where that is not known.
    umask: u32,
    /// Bits that files may have.
    file_mask: u32,
    pub(super) n_stripped: AtomicU64,
    pub(super) n_xattrs_lost: AtomicU64,
    /// Whether an attribute that is not taken ends the restore.
    strict: bool,
    /// Set where a thread failed or the observer said so.
    pub(super) stop: AtomicBool,
    observer: &'a dyn RestoreObserver,
}

/// Creates entries below the root of a [`Site`]; one per thread.
pub(super) struct Builder<'a> {
    site: &'a Site<'a>,
    dirs: Dirs<'a>,
    buffer: Vec<u8>,
}

/// What a file shall be.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileSpec<'a> {
    pub(super) path: SafePath<'a>,
    pub(super) mode: u32,
    pub(super) mtime_ns: i64,
    /// With holes.
    pub(super) size: u64,
    pub(super) extents: Option<&'a [Extent]>,
    pub(super) xattrs: &'a [Xattr],
    /// Of the content, holes included.
    pub(super) expected: Option<Digest>,
}

impl<'a> FileSpec<'a> {
    /// The file of `entry` at `path`; how its content is stored is what its header says.
    pub(super) fn of(path: SafePath<'a>, entry: &SidecarEntry, found: &'a TarEntry) -> Self {
        Self {
            path,
            mode: entry.mode,
            mtime_ns: entry.mtime_ns,
            size: found.size,
            extents: found.extents.as_deref(),
            xattrs: &found.xattrs,
            expected: entry.blake3,
        }
    }
}

impl<'a> Site<'a> {
    pub(super) fn new(
        fs: &'a dyn Fs,
        root: BorrowedFd<'a>,
        strict: bool,
        observer: &'a dyn RestoreObserver,
    ) -> Self {
        let umask = umask().unwrap_or(MODE_MASK);
        Self {
            fs,
            root,
            umask,
            file_mask: MODE_MASK,
            n_stripped: AtomicU64::new(0),
            n_xattrs_lost: AtomicU64::new(0),
            strict,
            stop: AtomicBool::new(false),
            observer,
        }
    }

    /// Whether nobody waits for this tree any more.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.observer.cancelled()
    }

    /// Makes files that nobody may write to, for a tree that others share.
    pub(super) fn read_only(mut self) -> Self {
        self.file_mask = 0o555;
        self
    }

    /// The mode that an entry gets, without what is never brought back.
    pub(super) fn mode(&self, mode: u32) -> u32 {
        if mode & !MODE_MASK != 0 {
            self.n_stripped.fetch_add(1, Ordering::Relaxed);
        }
        mode & MODE_MASK
    }

    /// Whether a mode that was given on creation is not the one that results.
    pub(super) fn masks(&self, mode: u32) -> bool {
        mode & self.umask != 0
    }

    pub(super) fn admit(&self, path: &[u8]) -> Result<(), ReadError> {
        let path = Path::new(OsStr::from_bytes(path));
        self.fs.admit(path).map_err(|e| ReadError::in_output(path, e))
    }
}

impl<'a> Builder<'a> {
    pub(super) fn new(site: &'a Site<'a>) -> Self {
        Self { site, dirs: Dirs::below(site.root), buffer: Vec::new() }
    }

    pub(super) fn site(&self) -> &'a Site<'a> {
        self.site
    }

    /// The directory at `path` of the new tree.
    pub(super) fn dir(&mut self, path: &[u8]) -> rustix::io::Result<BorrowedFd<'_>> {
        self.dirs.open(path)
    }

    /// Makes a directory that this process can fill, whatever its mode will be; one that is there
    /// was made by another thread for the same entry.
    pub(super) fn make_dir(&mut self, path: SafePath<'_>, mode: u32) -> Result<(), ReadError> {
        self.site.admit(path.as_bytes())?;
        let (dir, name) = path.split();
        let mode = Mode::from_raw_mode((mode & MODE_MASK) | 0o700);
        let made = self.dirs.open(dir).and_then(|dir| mkdirat(dir, name, mode));
        match made {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(e) => Err(failed(path, e)),
        }
    }

    /// Creates a file whose stored content is at hand.
    pub(super) fn file(&mut self, spec: &FileSpec<'_>, content: &[u8]) -> Result<(), ReadError> {
        if spec.extents.is_some() {
            return self.file_from(spec, &mut &*content);
        }
        // Known before anything is written.
        check_digest(spec, || Digest::of(content))?;
        self.site.admit(spec.path.as_bytes())?;
        let mut file = self.create(spec)?;
        file.write_all(content).map_err(|e| failed(spec.path, e))?;
        self.describe(&file, spec)
    }

    /// Creates a file whose stored content comes from `content`.
    pub(super) fn file_from(
        &mut self,
        spec: &FileSpec<'_>,
        content: &mut dyn Read,
    ) -> Result<(), ReadError> {
        self.site.admit(spec.path.as_bytes())?;
        let file = self.create(spec)?;
        self.buffer.resize(CHUNK, 0);
        let whole = [Extent { offset: 0, len: spec.size }];
        let site = self.site;
        let stopped = || site.stopped();
        let mut hasher = blake3::Hasher::new();
        let mut end = 0;
        for extent in spec.extents.unwrap_or(&whole) {
            if spec.expected.is_some() {
                hash_zeros(&mut hasher, extent.offset - end, stopped)?;
            }
            end = extent.offset + extent.len;
            let mut at = extent.offset;
            while at < end {
                if stopped() {
                    return Err(ReadError::cancelled());
                }
                let want = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
                let bytes = &mut self.buffer[..want];
                content.read_exact(bytes).map_err(from_stream)?;
                hasher.update(bytes);
                file.write_all_at(bytes, at).map_err(|e| failed(spec.path, e))?;
                at += want as u64;
            }
        }
        if spec.extents.is_some() {
            if spec.expected.is_some() {
                hash_zeros(&mut hasher, spec.size - end, stopped)?;
            }
            // What was not written is a hole, up to the end.
            self.site.admit(spec.path.as_bytes())?;
            file.set_len(spec.size).map_err(|e| failed(spec.path, e))?;
        }
        check_digest(spec, || hasher.finalize().into())?;
        self.describe(&file, spec)
    }

    /// Creates a file that was not there, open for writing whatever its mode.
    pub(super) fn create(&mut self, spec: &FileSpec<'_>) -> Result<File, ReadError> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Attributes can be given only to what its owner may write to.
        let writable = if spec.xattrs.is_empty() { 0 } else { 0o200 };
        let mode = Mode::from_raw_mode((spec.mode & self.site.file_mask) | writable);
        let (dir, name) = spec.path.split();
        let file = self.dirs.open(dir).and_then(|dir| openat(dir, name, flags, mode));
        file.map(File::from).map_err(|e| failed(spec.path, e))
    }

    /// Gives a file its attributes, mode and time.
    pub(super) fn describe(&self, file: &File, spec: &FileSpec<'_>) -> Result<(), ReadError> {
        let failed = |e| failed(spec.path, e);
        self.xattrs(file.as_fd(), spec.path, spec.xattrs)?;
        let mode = self.site.mode(spec.mode) & self.site.file_mask;
        if self.site.masks(mode) || !spec.xattrs.is_empty() {
            fchmod(file, Mode::from_raw_mode(mode)).map_err(failed)?;
        }
        futimens(file, &times(spec.mtime_ns)).map_err(failed)
    }

    /// Sets the attributes that belong to users. Those of the system and of security modules describe
    /// the machine that wrote the archive; and not every file system takes any.
    fn xattrs(
        &self,
        fd: BorrowedFd<'_>,
        path: SafePath<'_>,
        xattrs: &[Xattr],
    ) -> Result<(), ReadError> {
        for xattr in xattrs {
            self.site.admit(path.as_bytes())?;
            let ours = xattr.name.starts_with(b"user.") && !xattr.name.contains(&0);
            let set = match ours {
                true => fsetxattr(fd, &*xattr.name, &xattr.value, XattrFlags::CREATE),
                false => Err(Errno::OPNOTSUPP),
            };
            let Err(errno) = set else { continue };
            if self.site.strict {
                let what = format!("the attribute {} was not taken", xattr.name.escape_ascii());
                let kind = ReadErrorKind::Unsupported;
                return Err(ReadError::new(kind, "attribute-lost", what)
                    .on(path.as_bytes())
                    .because(errno.into()));
            }
            self.site.n_xattrs_lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Gives a directory its attributes; it must not have its mode yet, which may forbid that.
    pub(super) fn dir_xattrs(
        &mut self,
        path: SafePath<'_>,
        xattrs: &[Xattr],
    ) -> Result<(), ReadError> {
        if xattrs.is_empty() {
            return Ok(());
        }
        let fd = self.open_dir(path)?;
        self.xattrs(fd.as_fd(), path, xattrs)
    }

    pub(super) fn symlink(
        &mut self,
        path: SafePath<'_>,
        target: &[u8],
        mtime_ns: i64,
    ) -> Result<(), ReadError> {
        self.site.admit(path.as_bytes())?;
        let (dir, name) = path.split();
        let dir = self.dirs.open(dir).map_err(|e| failed(path, e))?;
        symlinkat(target, dir, name).map_err(|e| failed(path, e))?;
        utimensat(dir, name, &times(mtime_ns), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| failed(path, e))
    }

    /// Gives the file at `first`, found through `firsts`, another name.
    pub(super) fn hard_link(
        &mut self,
        firsts: &mut Dirs<'_>,
        first: SafePath<'_>,
        path: SafePath<'_>,
    ) -> Result<(), ReadError> {
        self.site.admit(path.as_bytes())?;
        let (first_dir, first_name) = first.split();
        let (dir, name) = path.split();
        let from = firsts.open(first_dir).map_err(|e| failed(path, e))?;
        let to = self.dirs.open(dir).map_err(|e| failed(path, e))?;
        linkat(from, first_name, to, name, AtFlags::empty()).map_err(|e| failed(path, e))
    }

    /// Gives a directory its time; its content must be complete.
    pub(super) fn dir_time(&mut self, path: SafePath<'_>, mtime_ns: i64) -> Result<(), ReadError> {
        self.site.admit(path.as_bytes())?;
        let (dir, name) = path.split();
        let dir = self.dirs.open(dir).map_err(|e| failed(path, e))?;
        utimensat(dir, name, &times(mtime_ns), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| failed(path, e))
    }

    fn open_dir(&mut self, path: SafePath<'_>) -> Result<OwnedFd, ReadError> {
        let (dir, name) = path.split();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.dirs.open(dir).and_then(|dir| openat(dir, name, flags, Mode::empty()));
        fd.map_err(|e| failed(path, e))
    }

    /// Gives a directory its mode; what is below it must have its own already.
    pub(super) fn dir_mode(&mut self, path: SafePath<'_>, mode: u32) -> Result<(), ReadError> {
        self.site.admit(path.as_bytes())?;
        let fd = self.open_dir(path)?;
        fchmod(&fd, Mode::from_raw_mode(mode & MODE_MASK)).map_err(|e| failed(path, e))
    }
}

/// Only the modification time; nobody relies on the other one.
pub(super) fn times(mtime_ns: i64) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: mtime_ns.div_euclid(1_000_000_000),
            tv_nsec: mtime_ns.rem_euclid(1_000_000_000),
        },
    }
}

pub(super) fn check_digest(
    spec: &FileSpec<'_>,
    found: impl FnOnce() -> Digest,
) -> Result<(), ReadError> {
    let Some(expected) = spec.expected else { return Ok(()) };
    let found = found();
    if found == expected {
        return Ok(());
    }
    let what = "the content of a file is not what was packed";
    Err(ReadError::damaged("content-mismatch", what)
        .on(spec.path.as_bytes())
        .instead(expected, found))
}

pub(super) fn failed(path: SafePath<'_>, error: impl Into<io::Error>) -> ReadError {
    ReadError::in_output(Path::new(OsStr::from_bytes(path.as_bytes())), error)
}

/// The process's mask, which can otherwise be had only by changing it for a moment.
fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}
