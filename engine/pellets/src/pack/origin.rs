//! Where a tree came from: its place, the machine, and the lock files it was installed by.
//!
//! # Failure
//! What cannot be found out is left out; packing does not fail for it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::digest::Digest;
use crate::sidecar::{LockFile, Origin, RawPath};
use crate::tree::Tree;

/// Lock files beside a directory of dependencies: its names, and theirs.
const ECOSYSTEMS: [(&[&str], &[&str]); 4] = [
    (
        &["node_modules"],
        &["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"],
    ),
    (&["target"], &["Cargo.lock"]),
    (
        &[".venv", "venv", "env"],
        &["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements.txt"],
    ),
    (&["vendor"], &["go.sum", "composer.lock", "Gemfile.lock", "Cargo.lock"]),
];

/// The largest lock file that is hashed.
const MAX_LOCK_FILE: u64 = 64 << 20;

/// Where glibc may be, `{arch}` being the processor.
const GLIBC: [&str; 5] = [
    "/lib/{arch}-linux-gnu/libc.so.6",
    "/usr/lib/{arch}-linux-gnu/libc.so.6",
    "/lib64/libc.so.6",
    "/usr/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
];

/// What stands before the version in the text that glibc prints of itself.
const GLIBC_VERSION: &[u8] = b" release version ";

/// The largest C library that is searched for its version.
const MAX_LIBC: u64 = 16 << 20;

/// The origin of the tree at the absolute path `source`.
pub(crate) fn origin(source: &Path, tree: &Tree) -> Origin {
    Origin {
        path: source.into(),
        mode: tree.root_mode,
        mtime_ns: tree.root_stamp.mtime_ns(),
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        libc: libc(),
        lock_files: lock_files(source),
    }
}

/// Lock files in the tree and, where its name tells that it was installed, beside it.
fn lock_files(source: &Path) -> Vec<LockFile> {
    let name = source.file_name().and_then(OsStr::to_str);
    let known = ECOSYSTEMS.iter().filter(|(dirs, _)| name.is_some_and(|n| dirs.contains(&n)));
    let beside = known.flat_map(|(_, files)| *files).map(|file| PathBuf::from("..").join(file));
    let mut inside: Vec<&str> = ECOSYSTEMS.iter().flat_map(|(_, files)| *files).copied().collect();
    inside.sort_unstable();
    inside.dedup();
    let paths = beside.chain(inside.into_iter().map(PathBuf::from));
    let digest = |path: PathBuf| {
        let file = source.join(&path);
        let blake3 = hash(&file)?;
        Some(LockFile { path: RawPath::from(&*path), blake3 })
    };
    paths.filter_map(digest).collect()
}

fn hash(path: &Path) -> Option<Digest> {
    let mut hasher = blake3::Hasher::new();
    let file = open(path)?;
    let n = io::copy(&mut file.take(MAX_LOCK_FILE + 1), &mut hasher).ok()?;
    (n <= MAX_LOCK_FILE).then(|| hasher.finalize().into())
}

/// Opens a regular file, and neither a link nor a pipe that would keep us waiting.
fn open(path: &Path) -> Option<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).ok()?;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().is_ok_and(|meta| meta.is_file()).then_some(file)
}

/// The C library programs of this machine are linked to: `glibc 2.36` or `musl`.
fn libc() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let arch = std::env::consts::ARCH;
    let mut glibc = GLIBC.iter().map(|path| PathBuf::from(path.replace("{arch}", arch)));
    if let Some(version) = glibc.find_map(|path| glibc_version(&path)) {
        return Some(format!("glibc {version}"));
    }
    Path::new(&format!("/lib/ld-musl-{arch}.so.1")).exists().then(|| "musl".to_owned())
}

/// A C library cannot be asked for its version without calling C; it holds the text it would print.
fn glibc_version(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    // A link on some systems, and the machine's own file: followed.
    File::open(path).ok()?.take(MAX_LIBC).read_to_end(&mut bytes).ok()?;
    let at = bytes.windows(GLIBC_VERSION.len()).position(|w| w == GLIBC_VERSION)?;
    let behind = &bytes[at + GLIBC_VERSION.len()..];
    let is_part = |b: &u8| b.is_ascii_digit() || *b == b'.';
    let len = behind.iter().take(16).take_while(|b| is_part(b)).count();
    let version = std::str::from_utf8(&behind[..len]).ok()?.trim_end_matches('.');
    (!version.is_empty()).then(|| version.to_owned())
}
