//! Makes the scripts of a tree name the place where it will stand.
//!
//! A file that is rewritten is a new file under the old name: one that shares its content with an unpacked
//! tree leaves that as it is.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::builder::{Builder, FileSpec};
use super::job::Job;
use super::options::{Relocate, RestoreOptions};
use crate::ecosystem::{Ecosystem, Move, Shape, assert_movable, interpreter_prefix, names_paths};
use crate::read::{ReadError, ReadErrorKind};
use crate::sidecar::{EntryKind, Origin};

/// The largest file that is looked into: scripts are small, programs are none.
const MAX_SCRIPT: u64 = 1 << 20;

/// Rewrites what `shapes` of the tree name of the path they came from; returns how many files.
pub(super) fn relocate(
    job: &Job<'_>,
    options: &RestoreOptions,
    origin: &Origin,
    shapes: &[Shape],
) -> Result<u64, ReadError> {
    let from = origin.path.as_path();
    let movable = from.is_absolute() && from.file_name().is_some();
    if options.relocate == Relocate::Never || shapes.is_empty() || !movable {
        return Ok(0);
    }
    let to = real(&options.target)?;
    let is_script = |i: &usize| {
        let entry = job.entry(*i);
        let small = entry.size.is_some_and(|size| size <= MAX_SCRIPT);
        let path = entry.path.as_bytes();
        entry.kind == EntryKind::File && small && shapes.iter().any(|s| names_paths(s, path))
    };
    let mut builder = Builder::new(job.site);
    let mut scripts = Vec::new();
    for i in job.entries.clone().filter(is_script) {
        if let Some(content) = content(job, &mut builder, i)? {
            scripts.push((i, content));
        }
    }
    let way = Move { ways: ways(job, shapes, &scripts, from, &to) };
    let mut n_rewritten = 0;
    for (i, content) in scripts {
        let Some(text) = way.rewrite(&content) else { continue };
        if let Err(what) = assert_movable(to.as_os_str().as_bytes()) {
            let what = format!("scripts of the tree cannot name a path with {what}");
            let kind = ReadErrorKind::Unsupported;
            return Err(ReadError::new(kind, "target-unquotable", what).at(&options.target));
        }
        replace(job, &mut builder, i, &text)?;
        n_rewritten += 1;
    }
    Ok(n_rewritten)
}

/// The target by its folder's real path, as the scripts shall name it.
fn real(target: &Path) -> Result<PathBuf, ReadError> {
    let failed = |e| ReadError::in_output(target, e);
    let parent = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = parent.canonicalize().map_err(failed)?;
    Ok(parent.join(target.file_name().unwrap_or_default()))
}

/// From where to where paths lead: from where the tree was packed, and from what an environment's own
/// scripts call it, which differs where a link led to it.
fn ways(
    job: &Job<'_>,
    shapes: &[Shape],
    scripts: &[(usize, Vec<u8>)],
    from: &Path,
    to: &Path,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let mut ways = Vec::new();
    for shape in shapes.iter().filter(|s| s.ecosystem == Ecosystem::Python) {
        let (old, new) = (shape.path(from), shape.path(to));
        let bin = shape.at.as_path().join("bin");
        let named = scripts.iter().find_map(|(i, content)| {
            let here = job.entry(*i).path.as_path().parent() == Some(&bin);
            let (prefix, name) = interpreter_prefix(content).filter(|_| here)?;
            let own = job.index.find(bin.join(OsStr::from_bytes(name)).as_os_str().as_bytes());
            let prefix = Path::new(OsStr::from_bytes(prefix));
            let same_name = prefix.is_absolute() && prefix.file_name() == old.file_name();
            own.filter(|_| same_name && prefix != old).map(|_| bytes(prefix))
        });
        ways.extend(named.map(|named| (named, bytes(&new))));
    }
    ways.push((bytes(from), bytes(to)));
    ways.retain(|(from, to)| from != to);
    ways
}

/// What the file at `i` holds; none where this user may not read it.
fn content(
    job: &Job<'_>,
    builder: &mut Builder<'_>,
    i: usize,
) -> Result<Option<Vec<u8>>, ReadError> {
    let path = job.path(i)?;
    let (dir, name) = path.split();
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let failed = |e| ReadError::in_output(job.entry(i).path.as_path(), e);
    let file = match builder.dir(dir).and_then(|dir| openat(dir, name, flags, Mode::empty())) {
        Ok(fd) => File::from(fd),
        Err(Errno::ACCESS) => return Ok(None),
        Err(e) => return Err(failed(e.into())),
    };
    let mut content = Vec::new();
    file.take(MAX_SCRIPT).read_to_end(&mut content).map_err(failed)?;
    Ok(Some(content))
}

/// Puts another file in the place of the one at `i`.
fn replace(
    job: &Job<'_>,
    builder: &mut Builder<'_>,
    i: usize,
    text: &[u8],
) -> Result<(), ReadError> {
    let (entry, path) = (job.entry(i), job.path(i)?);
    let failed = |e: std::io::Error| ReadError::in_output(entry.path.as_path(), e);
    let (dir, name) = path.split();
    job.site.admit(path.as_bytes())?;
    let removed = builder.dir(dir).and_then(|dir| unlinkat(dir, name, AtFlags::empty()));
    removed.map_err(|e| failed(e.into()))?;
    let spec = FileSpec {
        path,
        mode: entry.mode,
        mtime_ns: entry.mtime_ns,
        size: text.len() as u64,
        extents: None,
        xattrs: &job.xattrs(i),
        expected: None,
    };
    job.site.admit(path.as_bytes())?;
    let mut file = builder.create(&spec)?;
    file.write_all(text).map_err(failed)?;
    builder.describe(&file, &spec)
}
