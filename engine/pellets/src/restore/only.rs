//! Brings back one entry, or a directory with what is below it, into a tree that stands.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use durable_fs::{File, Fs};
use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
use rustix::io::Errno;

use super::builder::{Builder, Site};
use super::job::Job;
use super::options::{PhaseGuard, RestoreObserver, RestoreOptions, RestorePhase, Restored, Way};
use super::place::{Place, assert_apart};
use super::{extract, finish, one};
use crate::read::{
    Archive, Found, Index, Layers, Limits, ReadError, ReadErrorKind, SafePath, assert_authentic,
    find_entry, seek_entry,
};
use crate::sidecar::{EntryKind, RawPath, Sidecar, SidecarEntry};

/// The largest sidecar that is searched; as large as one that is read.
const MAX_SIDECAR: u64 = 1 << 30;

pub(super) fn restore(
    fs: &dyn Fs,
    options: &RestoreOptions,
    sidecar: &Path,
    path: &RawPath,
    observer: &dyn RestoreObserver,
) -> Result<Restored, ReadError> {
    let phase = PhaseGuard::start(observer, RestorePhase::Check);
    let path = &asked(path, &options.limits)?;
    let text = Text::open(fs, sidecar)?;
    let not_found = |path: &RawPath| {
        let what = "the pellet holds no such entry";
        ReadError::new(ReadErrorKind::NotFound, "entry-not-found", what).on(path.as_bytes())
    };
    let mut found = if options.keys.is_empty() {
        Looked::Text(text)
    } else {
        let sidecar = text.parse()?;
        assert_authentic(&sidecar, &options.keys)?;
        Looked::Whole(Box::new(sidecar))
    };
    let archive = Archive::open(fs, &options.archive, &options.limits)?;
    // Where the entries of a delta stand is told by all of its sidecar.
    if archive.delta().is_some() {
        found = Looked::Whole(found.whole()?);
    }
    let (entry, frames) = found.entry(path)?.ok_or_else(|| not_found(path))?;
    if frames != archive.frames() {
        let what = "the sidecar's frames are not those of the archive's seek table";
        return Err(ReadError::damaged("seek-table-mismatch", what).at(archive.path()));
    }
    let layers = match &found {
        Looked::Text(_) => Layers::single(archive),
        Looked::Whole(sidecar) => {
            Index::check(sidecar, &archive, &options.limits)?;
            Layers::open(fs, archive, sidecar, &options.ancestors, &options.limits)?
        }
    };
    let place = Place::beside(fs, &options.target)?;
    drop(phase);

    let one = match (entry.kind, &entry.target) {
        (EntryKind::Directory, _) => None,
        (EntryKind::Hardlink, Some(first)) => {
            // Alone it is a file like any other: that of the first name.
            let (first, _) = found.entry(first)?.ok_or_else(|| not_found(first))?;
            Some(first)
        }
        _ => Some(entry),
    };
    let phase = PhaseGuard::start(observer, RestorePhase::Extract);
    let root = place.make_root()?;
    let site = Site::new(fs, root.as_fd(), options.strict, observer);
    let (restored, from) = match one {
        Some(entry) => single(&layers, options, &site, &entry, path)?,
        None => {
            let sidecar = found.whole()?;
            let index = Index::check(&sidecar, layers.own(), &options.limits)?;
            let range = index.subtree(path.as_bytes()).ok_or_else(|| not_found(path))?;
            (subtree(&index, &layers, options, &site, range, observer)?, path.as_path())
        }
    };
    let from = place.tree().join(from);
    drop(phase);

    let _phase = PhaseGuard::start(observer, RestorePhase::Place);
    if observer.cancelled() {
        return Err(ReadError::cancelled());
    }
    let (folder, to) = destination(fs, &options.target, path)?;
    if !options.replace && fs::symlink_metadata(&to).is_ok() {
        let what = "something stands where the entry shall go";
        let at = options.target.join(path.as_path());
        return Err(ReadError::new(ReadErrorKind::TargetExists, "target-exists", what).at(&at));
    }
    assert_apart(options, &to)?;
    let replaced = place.give(&from, &to, options.sync)?;
    drop(folder);
    Ok(Restored { replaced, ..restored })
}

/// The path as entries are named: people write `./dir/` too.
fn asked(path: &RawPath, limits: &Limits) -> Result<RawPath, ReadError> {
    let mut plain = path.as_bytes();
    while let Some(rest) = plain.strip_prefix(b"./") {
        plain = rest;
    }
    while let Some(rest) = plain.strip_suffix(b"/") {
        plain = rest;
    }
    match SafePath::judge(plain, limits) {
        Ok(plain) => Ok(RawPath::from(plain.as_bytes())),
        Err(odd) => {
            let what = format!("no entry can have this path, since {odd}");
            let kind = ReadErrorKind::NotFound;
            Err(ReadError::new(kind, "entry-not-found", what).on(path.as_bytes()))
        }
    }
}

/// A sidecar, read as far as it has to be.
enum Looked<'a> {
    /// Only one entry of it is looked for.
    Text(Text<'a>),
    /// All of it had to be judged.
    Whole(Box<Sidecar>),
}

impl Looked<'_> {
    fn entry(&self, path: &RawPath) -> Result<Option<Found>, ReadError> {
        match self {
            Self::Text(text) => match seek_entry(&*text.file, text.path, path)? {
                Some(found) => Ok(Some(found)),
                None => find_entry(&text.bytes()?, path),
            },
            Self::Whole(sidecar) => {
                let entry = sidecar.entries.iter().find(|e| e.path == *path);
                Ok(entry.map(|entry| (entry.clone(), sidecar.frames.clone())))
            }
        }
    }

    fn whole(self) -> Result<Box<Sidecar>, ReadError> {
        match self {
            Self::Text(text) => Ok(Box::new(text.parse()?)),
            Self::Whole(sidecar) => Ok(sidecar),
        }
    }
}

/// The file of a sidecar.
struct Text<'a> {
    file: Box<dyn File>,
    path: &'a Path,
}

impl<'a> Text<'a> {
    fn open(fs: &dyn Fs, path: &'a Path) -> Result<Self, ReadError> {
        let file = fs.open_read(path).map_err(|e| ReadError::in_input(path, e))?;
        Ok(Self { file, path })
    }

    fn bytes(&self) -> Result<Vec<u8>, ReadError> {
        let failed = |e| ReadError::in_input(self.path, e);
        let len = self.file.len().map_err(failed)?;
        let len = usize::try_from(len).ok().filter(|_| len <= MAX_SIDECAR).ok_or_else(|| {
            let what = "the sidecar is larger than any that is read";
            ReadError::new(ReadErrorKind::TooLarge, "sidecar-too-large", what).at(self.path)
        })?;
        let mut bytes = vec![0; len];
        let n = self.file.read_at(&mut bytes, 0).map_err(failed)?;
        bytes.truncate(n);
        Ok(bytes)
    }

    fn parse(&self) -> Result<Sidecar, ReadError> {
        Ok(Sidecar::parse(&self.bytes()?)?)
    }
}

/// Creates one file or symbolic link in the root of the new tree, under the last part of `path`.
fn single<'p>(
    layers: &Layers,
    options: &RestoreOptions,
    site: &Site<'_>,
    entry: &SidecarEntry,
    path: &'p RawPath,
) -> Result<(Restored, &'p Path), ReadError> {
    let (_, name) = SafePath::judge(path.as_bytes(), &options.limits)?.split();
    let name = SafePath::judge(name, &options.limits)?;
    let found = one::bring(layers, &options.limits, &mut Builder::new(site), entry, name)?;
    let archive = layers.get(entry.layer)?;
    let frame = usize::try_from(entry.frame).unwrap_or(usize::MAX);
    let load = |n: &std::sync::atomic::AtomicU64| n.load(std::sync::atomic::Ordering::Relaxed);
    let restored = Restored {
        target: options.target.clone(),
        digest: None,
        entries: 1,
        bytes: found.size,
        frames: 1 + found.size / u64::from(archive.frames()[frame].content.max(1)),
        way: Way::Extract,
        replaced: false,
        verified: true,
        shapes: Vec::new(),
        n_relocated: 0,
        n_stripped: load(&site.n_stripped),
        n_xattrs_lost: load(&site.n_xattrs_lost),
        duration: Duration::ZERO,
        cpu: Duration::ZERO,
        bytes_read: u64::from(archive.frames()[frame].compressed),
    };
    let name = Path::new(path.as_path().file_name().unwrap_or_default());
    Ok((restored, name))
}

fn subtree(
    index: &Index<'_>,
    layers: &Layers,
    options: &RestoreOptions,
    site: &Site<'_>,
    range: Range<usize>,
    observer: &dyn RestoreObserver,
) -> Result<Restored, ReadError> {
    let job = Job::new(index, layers, &options.limits, site, range);
    let read = extract::extract(&job, options.threads, observer)?;
    finish::finish(&job, options.threads, None)?;
    Ok(job.restored(&options.target, Way::Extract, read))
}

/// Opens the directory in which `path` shall lie, making what is missing of the way there, and
/// names the place through that descriptor, so that no link that appears meanwhile leads elsewhere.
fn destination(
    fs: &dyn Fs,
    target: &Path,
    path: &RawPath,
) -> Result<(OwnedFd, PathBuf), ReadError> {
    match fs::create_dir(target) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(ReadError::in_output(target, e));
        }
        _ => {}
    }
    let failed = |e: Errno| match e {
        Errno::LOOP | Errno::NOTDIR => {
            let what = "the way to the entry leads through something that is no directory";
            let at = target.join(path.as_path());
            ReadError::new(ReadErrorKind::TargetExists, "target-exists", what).at(&at)
        }
        e => ReadError::in_output(&target.join(path.as_path()), e),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = open(target, flags, Mode::empty()).map_err(failed)?;
    let mut parts: Vec<&[u8]> = path.as_bytes().split(|b| *b == b'/').collect();
    let name = parts.pop().unwrap_or_default();
    for part in parts {
        fs.admit(path.as_path()).map_err(|e| ReadError::in_output(path.as_path(), e))?;
        match mkdirat(&at, part, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(failed(e)),
        }
        at = openat(&at, part, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(failed)?;
    }
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(name);
    let through = PathBuf::from(format!("/proc/self/fd/{}", at.as_raw_fd()));
    let to = if through.exists() { through.join(name) } else { target.join(path.as_path()) };
    Ok((at, to))
}
