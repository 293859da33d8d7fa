//! One process at a time: an advisory lock beside the log that the kernel lets go with its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{EventError, Result};

/// Held as long as the writer lives.
#[derive(Debug)]
pub(crate) struct LogLock {
    _file: File,
}

impl LogLock {
    /// Takes the lock of the log at `path` or names who has it.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let lock_path = lock_path(path);
        let open = |cause: std::io::Error| EventError::Open {
            path: lock_path.clone(),
            cause: Arc::new(cause),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(open)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(EventError::InUse { path: path.into(), owner: owner(&mut file) });
            }
            Err(TryLockError::Error(cause)) => return Err(open(cause)),
        }
        // The pid only helps whoever is refused; the lock holds without it.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = writeln!(file, "{}", std::process::id());
        Ok(Self { _file: file })
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
