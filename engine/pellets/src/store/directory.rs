//! The store: one folder per Pellet, named by its digest.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable_fs::Fs;

use super::staging::{self, Lock, Staging};
use crate::digest::Digest;
use crate::sidecar::{Sidecar, SidecarError};
use crate::tree::Exclude;

const PARTIAL: &str = ".partial";

/// A folder of Pellets with one owner, who records each digest elsewhere.
#[derive(Debug, Clone)]
pub struct Store {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

/// The two files of a Pellet in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPellet {
    /// `NAME.pellet`.
    pub archive: PathBuf,
    /// `NAME.meta.json`.
    pub sidecar: PathBuf,
}

/// Something that [`Store::recover`] removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What is gone.
    pub path: PathBuf,
    /// Why.
    pub why: RemovedWhy,
}

/// Why something was removed from a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemovedWhy {
    /// Its writer ended before the files got their names.
    PartialWrite,
    /// Its writer ended after that, but before the digest was recorded.
    NotRecorded,
}

impl RemovedWhy {
    /// A stable word for logs and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PartialWrite => "partial-write",
            Self::NotRecorded => "not-recorded",
        }
    }
}

impl Store {
    /// Opens the store in `dir`, creating it with mode 0700 where it is missing.
    ///
    /// # Errors
    /// Whatever creating a folder fails with.
    pub fn open(fs: Arc<dyn Fs>, dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        let is_new = !dir.exists();
        fs.create_dir_all(&dir.join(PARTIAL))?;
        if let Some(parent) = dir.parent().filter(|p| is_new && *p != Path::new("")) {
            // Else a power cut could take the store away under Pellets that were recorded.
            fs.sync_dir(parent)?;
        }
        Ok(Self { fs, dir })
    }

    /// The folder of the store.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Removes what ended writers left: temporary folders, and Pellets whose digest is not `known`.
    /// To be called by the owner of the record before it packs anything.
    ///
    /// # Errors
    /// Whatever listing or removing fails with; what was removed until then stays removed.
    pub fn recover(&self, known: &dyn Fn(&Digest) -> bool) -> io::Result<Vec<Removed>> {
        let _lock = self.lock()?;
        let partial = self.dir.join(PARTIAL);
        let mut removed: Vec<Removed> = staging::remove_dead(&*self.fs, &partial, |_| true)?
            .into_iter()
            .map(|path| Removed { path, why: RemovedWhy::PartialWrite })
            .collect();
        for path in self.fs.list(&self.dir)? {
            let digest = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok());
            if digest.is_some_and(|digest| !known(&digest)) {
                self.fs.remove_dir_all(&path)?;
                removed.push(Removed { path, why: RemovedWhy::NotRecorded });
            }
        }
        if !removed.is_empty() {
            self.fs.sync_dir(&self.dir)?;
        }
        Ok(removed)
    }

    /// The files of a Pellet, where both are there.
    ///
    /// # Errors
    /// Whatever listing fails with, a missing folder excepted.
    pub fn pellet(&self, digest: &Digest) -> io::Result<Option<StoredPellet>> {
        find(&*self.fs, &self.folder(digest))
    }

    /// The sidecar of a Pellet; none where the Pellet is not in the store.
    ///
    /// # Errors
    /// Any [`SidecarError`].
    pub fn sidecar(&self, digest: &Digest) -> Result<Option<Sidecar>, SidecarError> {
        let folder = self.folder(digest);
        let found =
            self.pellet(digest).map_err(|source| SidecarError::Io { path: folder, source })?;
        found.map(|pellet| Sidecar::read(&*self.fs, &pellet.sidecar)).transpose()
    }

    /// Where the Pellet of this digest stands or would stand.
    #[must_use]
    pub fn folder(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.to_string())
    }

    pub(crate) fn staging<'a>(&self, fs: &'a dyn Fs) -> io::Result<Staging<'a>> {
        Staging::create(fs, &self.dir.join(PARTIAL), "", "")
    }

    pub(crate) fn lock(&self) -> io::Result<Lock> {
        staging::lock_dir(&self.dir)
    }

    /// Leaves the whole store out of a tree that holds it.
    pub(crate) fn exclude(&self) -> Exclude {
        let dir = fs::metadata(&self.dir).ok().map(|m| (m.dev(), m.ino()));
        Exclude { dir, ..Exclude::default() }
    }
}

/// The first archive in `folder` whose sidecar is there too.
pub(super) fn find(fs: &dyn Fs, folder: &Path) -> io::Result<Option<StoredPellet>> {
    let paths = match fs.list(folder) {
        Ok(paths) => paths,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let pairs = paths.iter().filter(|p| p.extension().is_some_and(|e| e == "pellet"));
    Ok(pairs
        .map(|archive| StoredPellet {
            archive: archive.clone(),
            sidecar: archive.with_extension("meta.json"),
        })
        .find(|pellet| paths.contains(&pellet.sidecar)))
}
