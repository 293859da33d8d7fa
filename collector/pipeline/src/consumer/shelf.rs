//! Checkpoints as files: `<storage.directory>/consumers/<pipeline>@<consumer>.cursor`.
//!
//! A checkpoint is written under another name, synced, renamed over the old one, and the folder is
//! synced. So a crash leaves the old one or the new one; the old one costs duplicates and nothing else.
//!
//! # Failure
//! One that cannot be read is renamed to `….cursor.damaged`, logged and counted; its consumer starts at
//! the oldest record there is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use durable_fs::Fs;

use super::checkpoint::{Checkpoint, Key, MAX_STATE};
use crate::log::{LogError, create_durably, io_error};

/// The folder of all checkpoints.
#[derive(Debug)]
pub struct Shelf {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    n_damaged: AtomicU64,
}

/// What lies there for a key.
#[expect(clippy::large_enum_variant, reason = "a handful at the start, gone right after")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A sound checkpoint.
    Sound(Checkpoint),
    /// None.
    Absent,
    /// One that could not be read; it was put aside.
    Damaged,
}

impl Shelf {
    /// The shelf below a storage folder.
    pub fn open(fs: Arc<dyn Fs>, storage: &Path) -> Result<Self, LogError> {
        let dir = storage.join("consumers");
        create_durably(fs.as_ref(), &dir)?;
        Ok(Self { fs, dir, n_damaged: AtomicU64::new(0) })
    }

    /// The checkpoint of `key`.
    pub fn read(&self, key: &Key) -> Result<Found, LogError> {
        let path = self.path(key);
        let raw = match self.read_file(&path) {
            Ok(raw) => raw,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
            Err(e) => return Err(io_error("read", &path, e)),
        };
        let what = match Checkpoint::decode(&raw, key) {
            Ok(checkpoint) => return Ok(Found::Sound(checkpoint)),
            Err(what) => what,
        };
        let aside = path.with_extension("cursor.damaged");
        let (at, now) = (path.display(), aside.display());
        tracing::error!(path = %at, what, %now, "a checkpoint is damaged, starting at the oldest record");
        self.fs.rename(&path, &aside).map_err(|e| io_error("move aside", &aside, e))?;
        self.n_damaged.fetch_add(1, Relaxed);
        Ok(Found::Damaged)
    }

    /// Writes a checkpoint in the place of an older one; durable after [`Self::sync`].
    pub fn write(&self, key: &Key, checkpoint: &Checkpoint) -> Result<(), LogError> {
        let path = self.path(key);
        let unfinished = path.with_extension("cursor.unfinished");
        // What a failure left behind; without one there is nothing to remove.
        if unfinished.exists() {
            self.fs.remove_file(&unfinished).map_err(|e| io_error("remove", &unfinished, e))?;
        }
        let created = self.fs.create_new(&unfinished);
        let mut file = created.map_err(|e| io_error("create", &unfinished, e))?;
        let written = file.write_all(&checkpoint.encode(key)).and_then(|()| file.sync());
        written.map_err(|e| io_error("write", &unfinished, e))?;
        self.fs.rename(&unfinished, &path).map_err(|e| io_error("rename", &path, e))
    }

    /// Makes the names of all that was written durable.
    pub fn sync(&self) -> Result<(), LogError> {
        self.fs.sync_dir(&self.dir).map_err(|e| io_error("sync", &self.dir, e))
    }

    /// Checkpoints that could not be read so far.
    #[must_use]
    pub fn n_damaged(&self) -> u64 {
        self.n_damaged.load(Relaxed)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.dir.join(key.file_name())
    }

    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = self.fs.open_read(path)?;
        let n = usize::try_from(file.len()?).unwrap_or(usize::MAX);
        // Past the largest that is ever written nothing is read: its checksum will differ.
        let mut raw = vec![0; n.min(2 * MAX_STATE)];
        let n_read = file.read_at(&mut raw, 0)?;
        raw.truncate(n_read);
        Ok(raw)
    }
}
