//! Gives the two files of a Pellet their final names, or takes all back.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use durable_fs::Fs;

use super::directory::{Store, StoredPellet, find};
use super::staging::{self, Staging};
use crate::digest::Digest;
use crate::error::{ErrorKind, PackError};
use crate::observer::{Milestone, PackObserver};
use crate::tree::Exclude;

/// Where a Pellet ended up.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) pellet: StoredPellet,
    /// Whether the store held this Pellet already and ours was dropped.
    pub(crate) reused: bool,
}

/// Names of a Pellet beside a user's other files.
#[derive(Debug)]
pub(crate) struct FileTarget {
    dir: PathBuf,
    archive: String,
    sidecar: String,
}

/// What has to be done to take back what was done; dropping it does so, last first.
struct Undo<'a> {
    fs: &'a dyn Fs,
    steps: Vec<Step>,
}

enum Step {
    RemoveFile(PathBuf),
    RemoveDir(PathBuf),
    Rename { from: PathBuf, to: PathBuf },
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        // A step that fails leaves remains: in a store for `recover`, elsewhere for the next run.
        for step in self.steps.drain(..).rev() {
            let _ = match step {
                Step::RemoveFile(path) => self.fs.remove_file(&path),
                Step::RemoveDir(path) => self.fs.remove_dir_all(&path),
                Step::Rename { from, to } => self.fs.rename(&from, &to),
            };
        }
    }
}

/// Moves `archive` and `sidecar` out of `staging` into the folder of `digest`.
pub(crate) fn publish_in_store(
    fs: &dyn Fs,
    store: &Store,
    staged: &StoredPellet,
    digest: &Digest,
    observer: &dyn PackObserver,
) -> Result<Published, PackError> {
    let folder = store.folder(digest);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |e| PackError::in_output(&path, e)
    };
    let _lock = store.lock().map_err(failed(store.dir()))?;
    if let Some(pellet) = find(fs, &folder).map_err(failed(&folder))? {
        // One digest, one content: an archive of another length is a damaged one.
        if same_len(&pellet.archive, &staged.archive) {
            return Ok(Published { pellet, reused: true });
        }
    }
    let pellet = StoredPellet {
        archive: folder.join(staged.archive.file_name().unwrap_or_default()),
        sidecar: folder.join(staged.sidecar.file_name().unwrap_or_default()),
    };
    let mut undo = Undo { fs, steps: vec![Step::RemoveDir(folder.clone())] };
    fs.create_dir_all(&folder).map_err(failed(&folder))?;
    fs.sync_dir(store.dir()).map_err(failed(store.dir()))?;
    fs.rename(&staged.archive, &pellet.archive).map_err(failed(&pellet.archive))?;
    observer.milestone(Milestone::ArchiveRenamed);
    fs.rename(&staged.sidecar, &pellet.sidecar).map_err(failed(&pellet.sidecar))?;
    fs.sync_dir(&folder).map_err(failed(&folder))?;
    observer.milestone(Milestone::SidecarRenamed);
    undo.steps.clear();
    Ok(Published { pellet, reused: false })
}

fn same_len(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => a.len() == b.len(),
        _ => false,
    }
}

/// Moves `staged` beside each other, sidecar first; a Pellet of these names is replaced.
pub(crate) fn publish_beside(
    fs: &dyn Fs,
    target: &FileTarget,
    staged: &StoredPellet,
    staging: &Staging<'_>,
    observer: &dyn PackObserver,
) -> Result<Published, PackError> {
    let pellet = target.pellet();
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |e| PackError::in_output(&path, e)
    };
    let _lock = staging::lock_dir(&target.dir).map_err(failed(&target.dir))?;
    let replaces = exists(&pellet.archive);
    let mut undo = Undo { fs, steps: Vec::new() };
    if exists(&pellet.sidecar) {
        let old = staging.path("replaced.meta.json.old");
        fs.rename(&pellet.sidecar, &old).map_err(failed(&pellet.sidecar))?;
        undo.steps.push(Step::Rename { from: old, to: pellet.sidecar.clone() });
    } else {
        undo.steps.push(Step::RemoveFile(pellet.sidecar.clone()));
    }
    fs.rename(&staged.sidecar, &pellet.sidecar).map_err(failed(&pellet.sidecar))?;
    observer.milestone(Milestone::SidecarRenamed);
    fs.rename(&staged.archive, &pellet.archive).map_err(failed(&pellet.archive))?;
    if replaces {
        // The old archive is gone: the new pair is whole, and the old one cannot come back.
        undo.steps.clear();
    } else {
        undo.steps.push(Step::RemoveFile(pellet.archive.clone()));
    }
    fs.sync_dir(&target.dir).map_err(failed(&target.dir))?;
    observer.milestone(Milestone::ArchiveRenamed);
    undo.steps.clear();
    Ok(Published { pellet, reused: false })
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

impl FileTarget {
    /// The names for an archive at `path`.
    pub(crate) fn at(path: &Path) -> Result<Self, PackError> {
        let bad = |what| PackError::new(ErrorKind::PathNotFound, what, Some(path.to_owned()));
        let archive = path.file_name().and_then(OsStr::to_str).map(str::to_owned);
        let archive = archive.ok_or_else(|| bad("the output is no file name of UTF-8"))?;
        let dir = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        if !fs::metadata(&dir).is_ok_and(|m| m.is_dir()) {
            return Err(bad("the folder of the output is missing"));
        }
        if fs::metadata(path).is_ok_and(|m| m.is_dir()) {
            return Err(bad("the output is a folder, not a file"));
        }
        let stem = archive.strip_suffix(".pellet").unwrap_or(&archive);
        let sidecar = format!("{stem}.meta.json");
        Ok(Self { dir, archive, sidecar })
    }

    /// The folder of both files.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn pellet(&self) -> StoredPellet {
        StoredPellet {
            archive: self.dir.join(&self.archive),
            sidecar: self.dir.join(&self.sidecar),
        }
    }

    /// Removes what dead writers of this target left, then makes a folder of our own.
    pub(crate) fn staging<'a>(&self, fs: &'a dyn Fs) -> io::Result<Staging<'a>> {
        let (prefix, suffix) = self.partial();
        // A sweep that fails costs room, not correctness.
        let _ = staging::remove_dead(fs, &self.dir, |name| {
            name.starts_with(&prefix) && name.ends_with(suffix)
        });
        Staging::create(fs, &self.dir, &prefix, suffix)
    }

    fn partial(&self) -> (String, &'static str) {
        (format!(".{}.", self.archive), ".partial")
    }

    /// Leaves these names and their temporary forms out of a tree that holds them.
    pub(crate) fn exclude(&self) -> Exclude {
        let (prefix, suffix) = self.partial();
        Exclude {
            dir: fs::metadata(&self.dir).ok().map(|m| (m.dev(), m.ino())),
            names: [&self.archive, &self.sidecar]
                .map(|n| OsStr::new(n).as_bytes().to_vec())
                .to_vec(),
            between: Some((prefix.into_bytes(), suffix.as_bytes().to_vec())),
        }
    }
}
