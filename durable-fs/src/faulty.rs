//! A file system that fails, shortens or watches chosen operations of another.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{File, Fs};

/// What an operation is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// Zero-based position among all operations of this [`FaultyFs`].
    pub index: u64,
    /// The call.
    pub kind: OpKind,
    /// The file or directory; the new name of a rename.
    pub path: PathBuf,
}

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpKind {
    /// [`Fs::create_new`]
    Create,
    /// [`Fs::open_append`] or [`Fs::open_read`]
    Open,
    /// [`Fs::create_dir_all`]
    CreateDir,
    /// [`Fs::rename`] or [`Fs::rename_new`]
    Rename,
    /// [`Fs::exchange`]
    Exchange,
    /// [`Fs::remove_file`] or [`Fs::remove_dir_all`]
    Remove,
    /// [`Fs::sync_dir`] or [`Fs::sync_file_system`]
    SyncDir,
    /// [`Fs::admit`]
    Admit,
    /// [`Fs::list`]
    List,
    /// [`File::write`]
    Write,
    /// [`File::read_at`]
    Read,
    /// [`File::sync`]
    Sync,
    /// [`File::set_len`]
    SetLen,
}

/// What becomes of an operation.
#[derive(Debug)]
pub enum Verdict {
    /// It is carried out.
    Pass,
    /// It is not carried out and fails with this error.
    Fail(io::Error),
    /// A write carries out only its first bytes, at most this many, then fails with the error; any
    /// other operation just fails.
    Tear(usize, io::Error),
    /// A write carries out only its first bytes, at most this many, and says so, as any write may; any
    /// other operation is carried out.
    Short(usize),
}

/// Decides on each operation; it may also block, as a test that kills the process wants.
type Judge = dyn Fn(&Op) -> Verdict + Send + Sync;

/// An [`Fs`] whose operations pass a judge first.
#[derive(Clone)]
pub struct FaultyFs {
    inner: Arc<dyn Fs>,
    court: Arc<Court>,
}

struct Court {
    judge: Box<Judge>,
    n_ops: AtomicU64,
}

struct FaultyFile {
    inner: Box<dyn File>,
    path: PathBuf,
    court: Arc<Court>,
}

impl FaultyFs {
    /// Wraps `inner`; `judge` sees every operation before it happens.
    pub fn new(inner: Arc<dyn Fs>, judge: impl Fn(&Op) -> Verdict + Send + Sync + 'static) -> Self {
        let court = Court { judge: Box::new(judge), n_ops: AtomicU64::new(0) };
        Self { inner, court: Arc::new(court) }
    }

    /// How many operations were asked for so far.
    #[must_use]
    pub fn n_ops(&self) -> u64 {
        self.court.n_ops.load(Ordering::SeqCst)
    }

    fn file(&self, path: &Path, inner: Box<dyn File>) -> Box<dyn File> {
        Box::new(FaultyFile { inner, path: path.to_owned(), court: Arc::clone(&self.court) })
    }
}

impl Court {
    fn judge(&self, kind: OpKind, path: &Path) -> Verdict {
        let index = self.n_ops.fetch_add(1, Ordering::SeqCst);
        (self.judge)(&Op { index, kind, path: path.to_owned() })
    }

    fn admit(&self, kind: OpKind, path: &Path) -> io::Result<()> {
        match self.judge(kind, path) {
            Verdict::Pass | Verdict::Short(_) => Ok(()),
            Verdict::Fail(e) | Verdict::Tear(_, e) => Err(e),
        }
    }
}

impl Fs for FaultyFs {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.court.admit(OpKind::Create, path)?;
        Ok(self.file(path, self.inner.create_new(path)?))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.court.admit(OpKind::Open, path)?;
        Ok(self.file(path, self.inner.open_append(path)?))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.court.admit(OpKind::Open, path)?;
        Ok(self.file(path, self.inner.open_read(path)?))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.court.admit(OpKind::CreateDir, path)?;
        self.inner.create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.court.admit(OpKind::Rename, to)?;
        self.inner.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.court.admit(OpKind::Rename, to)?;
        self.inner.rename_new(from, to)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        self.court.admit(OpKind::Exchange, b)?;
        self.inner.exchange(a, b)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.court.admit(OpKind::Remove, path)?;
        self.inner.remove_file(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.court.admit(OpKind::Remove, path)?;
        self.inner.remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.court.admit(OpKind::SyncDir, path)?;
        self.inner.sync_dir(path)
    }

    fn sync_file_system(&self, path: &Path) -> io::Result<()> {
        self.court.admit(OpKind::SyncDir, path)?;
        self.inner.sync_file_system(path)
    }

    fn admit(&self, path: &Path) -> io::Result<()> {
        self.court.admit(OpKind::Admit, path)?;
        self.inner.admit(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.court.admit(OpKind::List, path)?;
        self.inner.list(path)
    }
}

impl File for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.court.judge(OpKind::Write, &self.path) {
            Verdict::Pass => self.inner.write(bytes),
            Verdict::Fail(e) => Err(e),
            Verdict::Short(n) => self.inner.write(&bytes[..n.max(1).min(bytes.len())]),
            Verdict::Tear(n, e) => {
                self.inner.write_all(&bytes[..n.min(bytes.len())])?;
                Err(e)
            }
        }
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.court.admit(OpKind::Read, &self.path)?;
        self.inner.read_at(buf, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.court.admit(OpKind::Sync, &self.path)?;
        self.inner.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.court.admit(OpKind::SetLen, &self.path)?;
        self.inner.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

impl fmt::Debug for FaultyFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyFs").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl fmt::Debug for FaultyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyFile").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DiskFs;

    fn no_space() -> io::Error {
        io::ErrorKind::StorageFull.into()
    }

    #[test]
    fn counts_each_operation_once_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let fs = FaultyFs::new(Arc::new(DiskFs), move |op| {
            log.lock().unwrap().push((op.index, op.kind));
            Verdict::Pass
        });
        let path = dir.path().join("a");
        let mut file = fs.create_new(&path).unwrap();
        file.write_all(b"abc").unwrap();
        file.sync().unwrap();
        fs.rename(&path, &dir.path().join("b")).unwrap();
        fs.sync_dir(dir.path()).unwrap();
        let want = [OpKind::Create, OpKind::Write, OpKind::Sync, OpKind::Rename, OpKind::SyncDir];
        let want: Vec<_> = (0u64..).zip(want).collect();
        assert_eq!(*seen.lock().unwrap(), want);
        assert_eq!(fs.n_ops(), 5);
    }

    #[test]
    fn tears_a_write_and_reports_why() {
        let dir = tempfile::tempdir().unwrap();
        let fs = FaultyFs::new(Arc::new(DiskFs), |op| match op.kind {
            OpKind::Write => Verdict::Tear(2, no_space()),
            _ => Verdict::Pass,
        });
        let path = dir.path().join("a");
        let mut file = fs.create_new(&path).unwrap();
        let err = file.write_all(b"abcdef").unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).unwrap(), b"ab");
    }

    #[test]
    fn shortens_a_write_that_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let fs = FaultyFs::new(Arc::new(DiskFs), |_| Verdict::Short(2));
        let path = dir.path().join("a");
        let mut file = fs.create_new(&path).unwrap();
        assert_eq!(file.write(b"abcdef").unwrap(), 2);
        file.write_all(b"ghi").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abghi");
    }

    #[test]
    fn exchanges_and_new_names_are_judged_under_the_name_that_matters() {
        let dir = tempfile::tempdir().unwrap();
        let fs = FaultyFs::new(Arc::new(DiskFs), |op| match op.index {
            0 | 2 | 4 => Verdict::Fail(no_space()),
            _ => Verdict::Pass,
        });
        let (a, b, c) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
        std::fs::write(&a, "a").unwrap();
        std::fs::create_dir(&b).unwrap();
        assert!(fs.exchange(&a, &b).is_err() && a.is_file());
        fs.exchange(&a, &b).unwrap();
        assert!(a.is_dir() && b.is_file());
        assert!(fs.rename_new(&a, &c).is_err() && a.is_dir());
        assert_eq!(fs.rename_new(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(fs.admit(&c).is_err());
        fs.admit(&c).unwrap();
        fs.rename_new(&a, &c).unwrap();
        fs.sync_file_system(dir.path()).unwrap();
        assert_eq!(fs.n_ops(), 8);
    }

    #[test]
    fn a_failed_rename_leaves_the_old_name() {
        let dir = tempfile::tempdir().unwrap();
        let fs = FaultyFs::new(Arc::new(DiskFs), |op| match op.kind {
            OpKind::Rename => Verdict::Fail(no_space()),
            _ => Verdict::Pass,
        });
        let path = dir.path().join("a");
        drop(fs.create_new(&path).unwrap());
        assert!(fs.rename(&path, &dir.path().join("b")).is_err());
        assert_eq!(fs.list(dir.path()).unwrap(), vec![path]);
    }
}
