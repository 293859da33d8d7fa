//! Files, fsync, rename and the clock behind small traits, so that tests can break and steer them.
//!
//! # Invariants
//! 1. Every durable write of the house goes through [`Fs`]; `clippy.toml` bans the calls it wraps.
//! 2. [`FaultyFs`] counts each operation of the wrapped [`Fs`] exactly once, in call order.
//!
//! # Not here
//! Reading whole trees, permissions and metadata of foreign files: those need no fault but the
//! operating system's own and use `std::fs`.

mod clock;
mod disk;
mod faulty;

pub use clock::{Clock, ManualClock, SystemClock};
pub use disk::DiskFs;
pub use faulty::{FaultyFs, Op, OpKind, Verdict};

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

/// An open file that is written to be kept.
pub trait File: Debug + Send + Sync {
    /// Writes at the current end or position; may write less than all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Fills `buf` from `offset` without moving the position; fewer bytes only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Makes all written bytes and the length durable.
    fn sync(&self) -> io::Result<()>;

    /// Cuts or extends the file to `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// The present length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file holds no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Writes all of `bytes`, calling [`File::write`] as often as it takes.
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// The few operations on a file system that durability depends on.
pub trait Fs: Debug + Send + Sync {
    /// Creates a new file with mode 0600 for writing and reading; fails if the name exists.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens an existing file for appending and reading.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens an existing file for reading only.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Creates a directory with mode 0700 and its missing parents; an existing one is fine.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Atomically renames, replacing what bears the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Atomically renames to a name that nothing bears; fails where something does.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Atomically exchanges what two names stand for; files and directories alike.
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all beneath it, without following links.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Makes names created, renamed or removed in `path` durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes everything written to the file system of `path` durable; for trees of so many files
    /// that one wait each would take minutes.
    fn sync_file_system(&self, path: &Path) -> io::Result<()>;

    /// Asks leave for an operation that the caller carries out itself, through a descriptor: to
    /// create, fill, link or describe `path` inside a tree that is being built. The disk always
    /// agrees; an [`Fs`] that fails on purpose does so here.
    fn admit(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Ok(())
    }

    /// The paths directly in a directory, sorted by name.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
}
