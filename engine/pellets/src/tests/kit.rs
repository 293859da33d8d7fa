//! What the tests share: a bench of folders, a packer with small frames, system tools.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use durable_fs::{DiskFs, Fs, ManualClock};

use crate::pack::pack_with;
use crate::{Destination, PackError, PackObserver, PackOptions, Packed, Store, Unobserved};

/// 2026-01-02T03:04:05.006Z.
pub(crate) const NOW: Duration = Duration::from_millis(1_767_323_045_006);

/// A temporary folder with a tree to pack, a store and a place to unpack.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
}

/// What a path is, for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thing {
    File { mode: u32, content: Vec<u8>, n_links: u64 },
    Dir { mode: u32 },
    Link { target: PathBuf },
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// A bench in memory where there is such a place, for tests that sync hundreds of times.
    pub(crate) fn in_memory() -> Self {
        Self::at(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn at(dir: tempfile::TempDir) -> Self {
        let bench = Self { dir };
        std::fs::create_dir(bench.source()).unwrap();
        bench
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.path("tree")
    }

    pub(crate) fn store(&self) -> Store {
        self.store_on(Arc::new(DiskFs))
    }

    pub(crate) fn store_on(&self, fs: Arc<dyn Fs>) -> Store {
        Store::open(fs, self.path("store")).unwrap()
    }

    /// Writes a file of the tree and its missing folders.
    pub(crate) fn file(&self, path: impl AsRef<Path>, content: &[u8]) {
        let path = self.source().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn options(&self) -> PackOptions {
        PackOptions { threads: NonZeroUsize::new(2).unwrap(), ..PackOptions::new(self.source()) }
    }

    pub(crate) fn pack(&self) -> Packed {
        self.pack_as(&self.options(), 1 << 20).unwrap()
    }

    /// Packs into the store with frames of `frame_size`.
    pub(crate) fn pack_as(
        &self,
        options: &PackOptions,
        frame_size: u32,
    ) -> Result<Packed, PackError> {
        let store = self.store();
        pack_on(&DiskFs, options, frame_size, &Destination::Store(&store), &Unobserved)
    }

    /// Everything under a folder of the bench but its tree, as relative paths.
    pub(crate) fn files_under(&self, name: &str) -> Vec<PathBuf> {
        let root = self.path(name);
        let mut found: Vec<_> =
            snapshot(&root).into_keys().filter(|p| root.join(p).is_file()).collect();
        found.sort();
        found
    }
}

/// Packs with frames of `frame_size` on a clock that stands still.
pub(crate) fn pack_on(
    fs: &dyn Fs,
    options: &PackOptions,
    frame_size: u32,
    destination: &Destination<'_>,
    observer: &dyn PackObserver,
) -> Result<Packed, PackError> {
    let clock = ManualClock::at(NOW);
    let mut parameters = options.profile.parameters(options.mtime);
    parameters.frame_size = frame_size;
    pack_with(fs, &clock, options, parameters, destination, observer)
}

/// All paths below `root`, with what they are.
pub(crate) fn snapshot(root: &Path) -> BTreeMap<PathBuf, Thing> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for item in std::fs::read_dir(&dir).unwrap() {
            let path = item.unwrap().path();
            let meta = std::fs::symlink_metadata(&path).unwrap();
            let mode = meta.permissions().mode() & 0o777;
            let thing = if meta.is_symlink() {
                Thing::Link { target: std::fs::read_link(&path).unwrap() }
            } else if meta.is_dir() {
                todo.push(path.clone());
                Thing::Dir { mode }
            } else {
                let content = std::fs::read(&path).unwrap();
                Thing::File { mode, content, n_links: meta.nlink() }
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), thing);
        }
    }
    found
}

/// Unpacks with the system's tar and zstd.
pub(crate) fn unpack(archive: &Path, into: &Path) {
    std::fs::create_dir(into).unwrap();
    let tar = Command::new("tar")
        .args(["--zstd", "--same-permissions", "-xf"])
        .args([archive.as_os_str(), OsStr::new("-C"), into.as_os_str()])
        .output()
        .unwrap();
    assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    assert_eq!(String::from_utf8_lossy(&tar.stderr), "");
}

/// The names as the system's tar lists them, unquoted.
pub(crate) fn list(archive: &Path) -> Vec<PathBuf> {
    let tar = Command::new("tar")
        .args(["--zstd", "--quoting-style=literal", "-tf"])
        .arg(archive)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(tar.status.success());
    let lines = tar.stdout.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.map(|l| OsStr::from_bytes(l.strip_suffix(b"/").unwrap_or(l)).into()).collect()
}
