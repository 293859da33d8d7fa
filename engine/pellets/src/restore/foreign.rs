//! Brings back an archive that has no sidecar: entry by entry, in the order of the stream.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

use durable_fs::Fs;
use rustix::fs::{Mode, fchmod, futimens};

use super::builder::{Builder, FileSpec, Site, times};
use super::dirs::Dirs;
use super::options::{PhaseGuard, RestoreObserver, RestoreOptions, RestorePhase, Restored, Way};
use super::place::Place;
use crate::observer::Progress;
use crate::read::{
    Archive, Foreign, Limits, ReadError, ReadErrorKind, SafePath, TarEntry, TarKind, Xattr,
    check_target, in_order,
};

/// Entries between two looks at the observer.
const REPORT_EVERY: u64 = 256;

/// A file of which more is stored is compared with the space that is free.
const LARGE: u64 = 1 << 20;

/// What a path became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    File,
    Symlink,
    /// A directory that has an entry, with its mode and time.
    Directory(u32, i64),
    /// A directory that only the path of another entry asks for.
    Implied,
}

/// A tree as it grows.
struct Growing<'a> {
    place: &'a Place<'a>,
    builder: Builder<'a>,
    firsts: Dirs<'a>,
    limits: &'a Limits,
    made: HashMap<Box<[u8]>, Made>,
    /// Of directories that have any.
    xattrs: HashMap<Box<[u8]>, Vec<Xattr>>,
    root: Option<(u32, i64)>,
    bytes: u64,
}

pub(super) fn restore(
    fs: &dyn Fs,
    options: &RestoreOptions,
    observer: &dyn RestoreObserver,
) -> Result<Restored, ReadError> {
    let phase = PhaseGuard::start(observer, RestorePhase::Check);
    let mut archive = Foreign::open(fs, &options.archive, &options.limits)?;
    if Archive::open(fs, &options.archive, &options.limits).is_ok_and(|a| a.delta().is_some()) {
        let what = "the archive is a delta, which is no tree without its sidecar";
        return Err(ReadError::refused("sidecar-missing", what).at(&options.archive));
    }
    let place = Place::prepare(fs, options)?;
    drop(phase);

    let phase = PhaseGuard::start(observer, RestorePhase::Extract);
    let root = place.make_root()?;
    let site = Site::new(fs, root.as_fd(), options.strict, observer);
    let mut growing = Growing {
        place: &place,
        builder: Builder::new(&site),
        firsts: Dirs::below(site.root),
        limits: &options.limits,
        made: HashMap::new(),
        xattrs: HashMap::new(),
        root: None,
        bytes: 0,
    };
    let mut n_entries = 0;
    while let Some(entry) = archive.next_entry()? {
        growing.take(&entry, archive.reader()).map_err(|e| e.on(&entry.path))?;
        n_entries += 1;
        if n_entries % REPORT_EVERY == 0 {
            observer.progress(&Progress {
                bytes_done: growing.bytes,
                entries_done: n_entries,
                ..Progress::default()
            });
            if observer.cancelled() {
                return Err(ReadError::cancelled());
            }
        }
    }
    let bytes = growing.bytes;
    growing.finish()?;
    drop(phase);

    let _phase = PhaseGuard::start(observer, RestorePhase::Place);
    let restored = Restored {
        target: options.target.clone(),
        digest: None,
        entries: n_entries,
        bytes,
        frames: 0,
        way: Way::Extract,
        replaced: false,
        verified: false,
        shapes: Vec::new(),
        n_relocated: 0,
        n_stripped: site.n_stripped.load(Ordering::Relaxed),
        n_xattrs_lost: site.n_xattrs_lost.load(Ordering::Relaxed),
        duration: Duration::ZERO,
        cpu: Duration::ZERO,
        bytes_read: fs.open_read(&options.archive).and_then(|file| file.len()).unwrap_or(0),
    };
    let replaced = place.commit(options.sync)?;
    Ok(Restored { replaced, ..restored })
}

impl Growing<'_> {
    fn take(&mut self, entry: &TarEntry, content: &mut dyn std::io::Read) -> Result<(), ReadError> {
        let path = plain(&entry.path);
        if path == b"." && entry.kind == TarKind::Directory {
            // The root may have one entry, as tars have it that were told to pack `.`.
            let again = self.root.replace((entry.mode, entry.mtime_ns)).is_some();
            return if again { Err(duplicate()) } else { Ok(()) };
        }
        let path = SafePath::judge(path, self.limits)?;
        self.way_to(path)?;
        let before = self.made.get(path.as_bytes()).copied();
        let made = match &entry.kind {
            TarKind::Directory => match before {
                None => {
                    self.builder.make_dir(path, entry.mode)?;
                    Made::Directory(entry.mode, entry.mtime_ns)
                }
                Some(Made::Implied) => Made::Directory(entry.mode, entry.mtime_ns),
                Some(_) => return Err(duplicate()),
            },
            _ if before.is_some() => return Err(duplicate()),
            TarKind::File => {
                self.file(path, entry, content)?;
                Made::File
            }
            TarKind::Symlink { target } => {
                check_target(target, self.limits)?;
                self.builder.symlink(path, target, entry.mtime_ns)?;
                Made::Symlink
            }
            TarKind::Hardlink { target } => {
                let first = SafePath::judge(plain(target), self.limits)?;
                if self.made.get(first.as_bytes()) != Some(&Made::File) {
                    let what = "a hard link does not lead to an earlier file of the archive";
                    return Err(ReadError::refused("link-target", what));
                }
                self.builder.hard_link(&mut self.firsts, first, path)?;
                Made::File
            }
        };
        if matches!(made, Made::Directory(..)) && !entry.xattrs.is_empty() {
            self.xattrs.insert(path.as_bytes().into(), entry.xattrs.clone());
        }
        self.made.insert(path.as_bytes().into(), made);
        Ok(())
    }

    fn file(
        &mut self,
        path: SafePath<'_>,
        entry: &TarEntry,
        content: &mut dyn std::io::Read,
    ) -> Result<(), ReadError> {
        // How long all files are together nobody knows before the last one.
        if entry.stored >= LARGE {
            self.place.assert_room(self.builder.site().root, entry.stored, "a file")?;
        }
        let spec = FileSpec {
            path,
            mode: entry.mode,
            mtime_ns: entry.mtime_ns,
            size: entry.size,
            extents: entry.extents.as_deref(),
            xattrs: &entry.xattrs,
            expected: None,
        };
        self.bytes = self.bytes.saturating_add(entry.size);
        self.builder.file_from(&spec, content)
    }

    /// Makes the directories above `path` that have no entry of their own, and refuses a way through
    /// anything that is no directory: a link above all.
    fn way_to(&mut self, path: SafePath<'_>) -> Result<(), ReadError> {
        let bytes = path.as_bytes();
        for (at, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b'/') {
            let above = &bytes[..at];
            match self.made.get(above) {
                Some(Made::Directory(..) | Made::Implied) => {}
                Some(Made::File | Made::Symlink) => {
                    let what = "an entry lies in what is no directory of the archive";
                    return Err(ReadError::refused("path-parent", what));
                }
                None => {
                    if self.made.len() as u64 >= self.limits.max_entries {
                        let what = "the archive has too many entries";
                        let kind = ReadErrorKind::TooLarge;
                        return Err(ReadError::new(kind, "too-many-entries", what));
                    }
                    self.builder.make_dir(SafePath::judge(above, self.limits)?, 0o755)?;
                    self.made.insert(above.into(), Made::Implied);
                }
            }
        }
        Ok(())
    }

    /// Directories get their times, then from the leaves to the root their modes.
    fn finish(mut self) -> Result<(), ReadError> {
        let mut directories: Vec<(Box<[u8]>, Made)> = std::mem::take(&mut self.made)
            .into_iter()
            .filter(|(_, made)| matches!(made, Made::Directory(..) | Made::Implied))
            .collect();
        directories.sort_unstable_by(|a, b| in_order(&b.0, &a.0));
        for (path, made) in directories {
            let xattrs = self.xattrs.remove(&path).unwrap_or_default();
            let path = SafePath::judge(&path, self.limits)?;
            self.builder.dir_xattrs(path, &xattrs)?;
            let mut mode = 0o755;
            if let Made::Directory(stated, mtime) = made {
                mode = stated;
                self.builder.dir_time(path, mtime)?;
            }
            let mode = self.builder.site().mode(mode);
            if mode & 0o700 != 0o700 || self.builder.site().masks(mode) {
                self.builder.dir_mode(path, mode)?;
            }
        }
        let site = self.builder.site();
        let (mode, mtime) = self.root.unwrap_or((0o755, 0));
        let failed = |e| ReadError::in_output(std::path::Path::new("."), e);
        if self.root.is_some() {
            futimens(site.root, &times(mtime)).map_err(failed)?;
        }
        fchmod(site.root, Mode::from_raw_mode(site.mode(mode))).map_err(failed)
    }
}

/// A path without the `./` that tars put before what they find in the current folder.
fn plain(mut path: &[u8]) -> &[u8] {
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest;
    }
    path
}

fn duplicate() -> ReadError {
    ReadError::refused("path-duplicate", "a path is there twice")
}
