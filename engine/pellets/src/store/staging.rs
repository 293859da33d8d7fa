//! Temporary folders that disappear with their writer.

use std::fs::{self, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use durable_fs::Fs;

/// Names tried before giving up; one is enough unless a sweep runs at the same instant.
const MAX_TRIES: usize = 16;

/// A temporary folder, removed with all it holds when dropped.
#[derive(Debug)]
pub(crate) struct Staging<'a> {
    fs: &'a dyn Fs,
    dir: PathBuf,
    /// None where the file system knows no locks.
    _lock: Option<Lock>,
}

/// An advisory lock on a folder, given back when dropped.
#[derive(Debug)]
pub(crate) struct Lock(fs::File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started holds a copy of the
        // descriptor for a moment, and with it the lock.
        let _ = self.0.unlock();
    }
}

impl<'a> Staging<'a> {
    /// Creates `<parent>/<prefix><random><suffix>`.
    pub(crate) fn create(
        fs: &'a dyn Fs,
        parent: &Path,
        prefix: &str,
        suffix: &str,
    ) -> io::Result<Self> {
        for _ in 0..MAX_TRIES {
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(io::Error::other)?;
            let dir = parent.join(format!("{prefix}{}{suffix}", hex::encode(random)));
            fs.create_dir_all(&dir)?;
            match lock_new(&dir) {
                Ok(Locked::Held(lock)) => return Ok(Self { fs, dir, _lock: Some(lock) }),
                Ok(Locked::Unsupported) => return Ok(Self { fs, dir, _lock: None }),
                Ok(Locked::Lost) => {}
                Err(error) => {
                    let _ = fs.remove_dir_all(&dir);
                    return Err(error);
                }
            }
        }
        Err(io::Error::other("every temporary folder was taken away at once"))
    }

    /// The path of `name` in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next sweep.
        let _ = self.fs.remove_dir_all(&self.dir);
    }
}

enum Locked {
    Held(Lock),
    /// A sweep took the folder before we had locked it.
    Lost,
    Unsupported,
}

fn lock_new(dir: &Path) -> io::Result<Locked> {
    let lock = match fs::File::open(dir) {
        Ok(lock) => lock,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Locked::Lost),
        Err(e) => return Err(e),
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Locked::Lost),
        Err(TryLockError::Error(_)) => return Ok(Locked::Unsupported),
    }
    let ours = lock.metadata()?;
    match fs::symlink_metadata(dir) {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
            Ok(Locked::Held(Lock(lock)))
        }
        _ => Ok(Locked::Lost),
    }
}

/// Removes the temporary folders directly in `parent` that `is_ours` knows by name and that no
/// living writer holds; returns what was removed.
pub(crate) fn remove_dead(
    fs: &dyn Fs,
    parent: &Path,
    is_ours: impl Fn(&str) -> bool,
) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for path in fs.list(parent)? {
        let named = path.file_name().and_then(|n| n.to_str()).is_some_and(&is_ours);
        if !named || !fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir()) {
            continue;
        }
        // The lock is kept until the folder is gone.
        let Ok(lock) = fs::File::open(&path) else { continue };
        if lock.try_lock().is_ok() {
            let _lock = Lock(lock);
            fs.remove_dir_all(&path)?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// Waits for the lock on `dir`.
pub(super) fn lock_dir(dir: &Path) -> io::Result<Lock> {
    let lock = fs::File::open(dir)?;
    // Without locks a store still has one writer by contract, and a user's file has its last one.
    let _ = lock.lock();
    Ok(Lock(lock))
}
