//! Our state folder, for one `perch up` at a time.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The folder and its lock, which is held as long as this lives.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Creates the folder with mode 0700 if it is missing and takes its lock.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        create_private(path).with_context(|| format!("could not create {}", path.display()))?;
        create_private(&path.join("logs"))?;
        let lock = File::options().create(true).append(true).open(path.join("up.lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!(
                "another `perch up` uses {}\n  hint: stop it, or choose another folder with --state-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("could not lock {}", path.display()))
            }
        }
    }

    /// A path within the folder.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// An emptied log file for a component; the one before it is lost on purpose: logs of a run are
    /// for that run, what must last is telemetry.
    pub(super) fn fresh_log(&self, component: &str) -> io::Result<PathBuf> {
        let path = self.at(&format!("logs/{component}.log"));
        File::create(&path)?;
        Ok(path)
    }
}

/// Creates a folder and its parents, readable by their owner alone.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_one_in_and_refuses_the_second_until_the_first_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let first = StateDir::open(dir.path()).unwrap();
        let refusal = StateDir::open(dir.path()).unwrap_err().to_string();
        assert!(refusal.contains("--state-dir"), "{refusal}");
        drop(first);
        StateDir::open(dir.path()).unwrap();
    }
}
