//! Unpacked trees whose files can be shared: cloned where the file system clones, linked where asked.
//!
//! An unpacked tree stands in `<cache>/<digest>`; its files are read-only. It is made by the first
//! restore that wants to share, and every file in it is looked at (size and time) before it is shared:
//! a tree in which one was touched is thrown away, and the files are extracted.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;

use durable_fs::Fs;
use rustix::fs::{AtFlags, Mode, OFlags, ioctl_ficlone, linkat, open, openat, statat};

use super::builder::{Builder, FileSpec, Site};
use super::dirs::Dirs;
use super::job::{FramesRead, Job};
use super::options::{RestoreObserver, RestoreOptions, Way};
use super::place::Place;
use super::{extract, finish, workers};
use crate::read::{Index, Layers, ReadError, ReadErrorKind};
use crate::sidecar::{EntryKind, SidecarEntry};

/// Entries that a thread takes at once: some milliseconds of work.
const BATCH: usize = 256;

/// An unpacked tree, and how its files are shared.
#[derive(Debug)]
pub(super) struct Cached {
    root: OwnedFd,
    pub(super) way: Way,
}

/// The unpacked tree to share from; none where files are to be extracted.
pub(super) fn find(
    fs: &dyn Fs,
    options: &RestoreOptions,
    index: &Index<'_>,
    layers: &Layers,
    place: &Place<'_>,
    observer: &dyn RestoreObserver,
) -> Result<Option<Cached>, ReadError> {
    // Who unpacked a cached tree is not known: it must not pass for what a key admits.
    let Some(dir) = options.cache.as_ref().filter(|_| options.keys.is_empty()) else {
        return Ok(None);
    };
    fs.create_dir_all(dir).map_err(|e| ReadError::in_output(dir, e))?;
    let way = if options.linked {
        Way::Linked
    } else if clones(dir, &place.tree()) {
        Way::Reflink
    } else {
        return Ok(None);
    };
    let tree = dir.join(index.sidecar.digest.to_string());
    if !tree.is_dir() {
        unpack(fs, options, index, layers, &tree, observer)?;
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = open(&tree, flags, Mode::empty()).map_err(|e| ReadError::in_output(&tree, e))?;
    if untouched(&root, index) {
        return Ok(Some(Cached { root, way }));
    }
    // Whoever still builds from it keeps what is open; nobody finds it again.
    fs.remove_dir_all(&tree).map_err(|e| ReadError::in_output(&tree, e))?;
    Ok(None)
}

/// Whether a file of `from` can be cloned into `to`.
fn clones(from: &Path, to: &Path) -> bool {
    let probe = |dir: &Path| tempfile_in(dir);
    match (probe(from), probe(to)) {
        (Some(a), Some(b)) => ioctl_ficlone(&b, &a).is_ok(),
        _ => false,
    }
}

/// A file without a name.
fn tempfile_in(dir: &Path) -> Option<OwnedFd> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    open(dir, flags, Mode::RUSR | Mode::WUSR).ok()
}

fn unpack(
    fs: &dyn Fs,
    options: &RestoreOptions,
    index: &Index<'_>,
    layers: &Layers,
    tree: &Path,
    observer: &dyn RestoreObserver,
) -> Result<(), ReadError> {
    let place = Place::beside(fs, tree)?;
    let root = place.make_root()?;
    place.assert_room(&root, index.stored(), "the tree")?;
    let site = Site::new(fs, root.as_fd(), false, observer).read_only();
    let all = 0..index.sidecar.entries.len();
    let job = Job::new(index, layers, &options.limits, &site, all);
    extract::extract(&job, options.threads, observer)?;
    finish::finish(&job, options.threads, None)?;
    match place.commit(options.sync) {
        // Another restore of the same Pellet was faster.
        Err(e) if e.kind() == ReadErrorKind::TargetExists => Ok(()),
        done => done.map(|_| ()),
    }
}

/// Whether each file is as it was unpacked, as far as size and time tell.
fn untouched(root: &OwnedFd, index: &Index<'_>) -> bool {
    let mut dirs = Dirs::below(root.as_fd());
    index.sidecar.entries.iter().filter(|e| e.kind == EntryKind::File).all(|entry| {
        let (dir, name) = split(entry);
        let stat = dirs.open(dir).and_then(|d| statat(d, name, AtFlags::SYMLINK_NOFOLLOW));
        stat.is_ok_and(|stat| {
            let nanos = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
            u64::try_from(stat.st_size).ok() == entry.size
                && nanos == i128::from(entry.mtime_ns)
                && stat.st_mode & 0o222 == 0
        })
    })
}

fn split(entry: &SidecarEntry) -> (&[u8], &[u8]) {
    let path = entry.path.as_bytes();
    match path.iter().rposition(|b| *b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

impl Cached {
    /// Creates the entries of `job` from the unpacked tree.
    pub(super) fn share(
        &self,
        job: &Job<'_>,
        threads: NonZeroUsize,
        observer: &dyn RestoreObserver,
    ) -> Result<FramesRead, ReadError> {
        let n_units = job.entries.len().div_ceil(BATCH);
        let start = || {
            Ok((Builder::new(job.site), Dirs::below(self.root.as_fd()), Dirs::below(job.site.root)))
        };
        let work = |state: &mut (Builder<'_>, Dirs<'_>, Dirs<'_>), unit: usize| {
            let first = job.entries.start + unit * BATCH;
            for i in first..(first + BATCH).min(job.entries.end) {
                self.entry(job, state, i)?;
            }
            Ok(())
        };
        job.watched(observer, |watch| {
            workers::run(threads, n_units, &job.site.stop, start, work, watch)
        })?;
        Ok(FramesRead::default())
    }

    fn entry(
        &self,
        job: &Job<'_>,
        (builder, from, to): &mut (Builder<'_>, Dirs<'_>, Dirs<'_>),
        i: usize,
    ) -> Result<(), ReadError> {
        let entry = job.entry(i);
        let path = job.path(i)?;
        if let Some(parent) = job.index.parent(i) {
            job.ensure_dir(builder, parent)?;
        }
        let failed = |e: rustix::io::Errno| ReadError::in_output(entry.path.as_path(), e);
        match entry.kind {
            EntryKind::Directory => job.ensure_dir(builder, i)?,
            EntryKind::Hardlink => {}
            EntryKind::Symlink => {
                let target = entry.target.as_ref().map(|t| t.as_bytes()).unwrap_or_default();
                builder.symlink(path, target, entry.mtime_ns)?;
            }
            EntryKind::File => {
                let (dir, name) = path.split();
                let from = from.open(dir).map_err(failed)?;
                job.site.admit(path.as_bytes())?;
                if self.way == Way::Linked {
                    let to = to.open(dir).map_err(failed)?;
                    linkat(from, name, to, name, AtFlags::empty()).map_err(failed)?;
                } else {
                    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let source = openat(from, name, flags, Mode::empty()).map_err(failed)?;
                    clone(job, builder, i, &source)?;
                }
            }
        }
        job.bytes_done.fetch_add(entry.size.unwrap_or(0), Ordering::Relaxed);
        job.entries_done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn clone(
    job: &Job<'_>,
    builder: &mut Builder<'_>,
    i: usize,
    source: &OwnedFd,
) -> Result<(), ReadError> {
    let entry = job.entry(i);
    let spec = FileSpec {
        path: job.path(i)?,
        mode: entry.mode,
        mtime_ns: entry.mtime_ns,
        size: entry.size.unwrap_or(0),
        extents: None,
        xattrs: &job.xattrs(i),
        expected: None,
    };
    let file: File = builder.create(&spec)?;
    ioctl_ficlone(&file, source).map_err(|e| ReadError::in_output(entry.path.as_path(), e))?;
    builder.describe(&file, &spec)
}
