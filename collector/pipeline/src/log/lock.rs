//! The lock on a storage folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use durable_fs::Fs;

use super::error::{LogError, io};

/// A storage folder that belongs to this process until the value is dropped or the process ends.
///
/// The lock is the operating system's, on the file `lock` in the folder: it goes with the process
/// however that ends, so that no stale one ever keeps a collector from starting.
#[derive(Debug)]
pub struct StorageLock {
    _held: File,
}

impl StorageLock {
    /// Takes `folder`, which is created if missing; [`LogError::InUse`] if another holds it.
    pub fn take(fs: &dyn Fs, folder: &Path) -> Result<Self, LogError> {
        create_durably(fs, folder)?;
        let path = folder.join("lock");
        let open = File::options().create(true).append(true).open(&path);
        let lock = open.map_err(|e| io("open", &path, e))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _held: lock }),
            Err(TryLockError::WouldBlock) => Err(LogError::InUse(folder.to_owned())),
            Err(TryLockError::Error(e)) => Err(io("lock", &path, e)),
        }
    }
}

/// Creates `dir` and its missing parents so that their names survive the machine.
pub(crate) fn create_durably(fs: &dyn Fs, dir: &Path) -> Result<(), LogError> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|d| !d.exists()).collect();
    fs.create_dir_all(dir).map_err(|e| io("create", dir, e))?;
    for made in missing {
        // A relative folder's topmost parent is the empty path, which means the current folder.
        let parent = made.parent().filter(|p| !p.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs.sync_dir(parent).map_err(|e| io("sync", parent, e))?;
    }
    Ok(())
}
