//! The folder in which the new tree is built, and the one rename that gives it its name.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use durable_fs::Fs;
use rustix::fs::{Mode, OFlags, fstatvfs, open};

use super::options::RestoreOptions;
use crate::read::{ReadError, ReadErrorKind};
use crate::store::{Staging, remove_dead};

const PREFIX: &str = ".nestr-restore.";
const SUFFIX: &str = ".partial";

/// A place for a tree, and the folder beside it in which that is built.
#[derive(Debug)]
pub(super) struct Place<'a> {
    fs: &'a dyn Fs,
    target: PathBuf,
    parent: PathBuf,
    staging: Staging<'a>,
}

/// Removes what dead restores left beside `target`, where a killed process could not; returns what is gone.
///
/// # Errors
/// Whatever listing or removing fails with.
pub fn sweep_beside(fs: &dyn Fs, target: &Path) -> io::Result<Vec<PathBuf>> {
    let ours = |name: &str| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
    target.parent().map_or_else(|| Ok(Vec::new()), |parent| remove_dead(fs, parent, ours))
}

/// What stands at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Nothing,
    EmptyDirectory,
    Something,
}

impl<'a> Place<'a> {
    /// Judges the target and makes the folder beside it.
    pub(super) fn prepare(fs: &'a dyn Fs, options: &RestoreOptions) -> Result<Self, ReadError> {
        let target = &options.target;
        let there = there(target)?;
        if there == There::Something && !options.replace {
            let what = "something stands where the tree shall go";
            return Err(
                ReadError::new(ReadErrorKind::TargetExists, "target-exists", what).at(target)
            );
        }
        assert_apart(options, target)?;
        Self::beside(fs, target)
    }

    /// Makes the folder beside the target without a look at that.
    pub(super) fn beside(fs: &'a dyn Fs, target: &Path) -> Result<Self, ReadError> {
        let parent = match target.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            Some(_) => PathBuf::from("."),
            None => return Err(unnamed(target)),
        };
        if target.file_name().is_none() {
            return Err(unnamed(target));
        }
        let failed = |e| ReadError::in_output(&parent, e);
        if !fs::metadata(&parent).map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        // A sweep that fails costs room, not correctness.
        let ours = |name: &str| name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        let _ = remove_dead(fs, &parent, ours);
        let staging = Staging::create(fs, &parent, PREFIX, SUFFIX).map_err(failed)?;
        Ok(Self { fs, target: target.to_owned(), parent, staging })
    }

    /// Where the new tree is built.
    pub(super) fn tree(&self) -> PathBuf {
        self.staging.path("tree")
    }

    /// Makes the root of the new tree and opens it.
    pub(super) fn make_root(&self) -> Result<OwnedFd, ReadError> {
        let tree = self.tree();
        let failed = |e: io::Error| ReadError::in_output(&tree, e);
        self.fs.create_dir_all(&tree).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        open(&tree, flags, Mode::empty()).map_err(|e| failed(e.into()))
    }

    /// Refuses what cannot fit, before hours of writing find out.
    pub(super) fn assert_room(
        &self,
        root: impl AsFd,
        bytes: u64,
        of: &str,
    ) -> Result<(), ReadError> {
        let Ok(stat) = fstatvfs(root) else { return Ok(()) };
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        // A file system that states nothing cannot tell.
        if stat.f_blocks > 0 && free < bytes {
            let what = format!("{of} needs {bytes} bytes, {free} are free");
            return Err(ReadError::new(ReadErrorKind::NoSpace, "no-space", what).at(&self.parent));
        }
        Ok(())
    }

    /// Gives the new tree its name; true where something stood there. The old tree goes away with
    /// the folder.
    pub(super) fn commit(self, sync: bool) -> Result<bool, ReadError> {
        self.give(&self.tree(), &self.target, sync)
    }

    /// Moves `from`, which stands in the folder, to `to`.
    pub(super) fn give(&self, from: &Path, to: &Path, sync: bool) -> Result<bool, ReadError> {
        let failed = |e| ReadError::in_output(to, e);
        if sync {
            self.fs.sync_file_system(from).map_err(failed)?;
        }
        let replaced = there(to)? != There::Nothing;
        if replaced {
            self.fs.exchange(from, to).map_err(|e| unsupported(e, to))?;
        } else {
            self.fs.rename_new(from, to).map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => {
                    let what = "something appeared where the tree shall go";
                    ReadError::new(ReadErrorKind::TargetExists, "target-exists", what).at(to)
                }
                _ => unsupported(e, to),
            })?;
        }
        let folder = to.parent().unwrap_or(&self.parent);
        if sync && let Err(e) = self.fs.sync_dir(folder) {
            // The name may or may not last; what was there before certainly does.
            let _ = match replaced {
                true => self.fs.exchange(from, to),
                false => self.fs.rename(to, from),
            };
            return Err(failed(e));
        }
        Ok(replaced)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // The folder itself goes with its lock; here only what that would stumble over.
        let tree = self.tree();
        let removed = self.fs.remove_dir_all(&tree);
        if removed.is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied) {
            make_removable(&tree);
        }
    }
}

fn there(target: &Path) -> Result<There, ReadError> {
    let failed = |e| ReadError::in_output(target, e);
    match fs::symlink_metadata(target) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(There::Nothing),
        Err(e) => Err(failed(e)),
        Ok(meta) if meta.is_dir() => {
            let empty = fs::read_dir(target).map_err(failed)?.next().is_none();
            Ok(if empty { There::EmptyDirectory } else { There::Something })
        }
        Ok(_) => Ok(There::Something),
    }
}

/// Refuses to replace a directory that holds what is read: the archive would go away with the old tree,
/// and who names such a folder (`.` of a project, its parent) hardly means all that is in it.
pub(super) fn assert_apart(options: &RestoreOptions, target: &Path) -> Result<(), ReadError> {
    // A link is replaced itself, and what is not there holds nothing.
    if !fs::symlink_metadata(target).is_ok_and(|meta| meta.is_dir()) {
        return Ok(());
    }
    let failed = |e| ReadError::in_output(target, e);
    let real = target.canonicalize().map_err(failed)?;
    let named = [&options.sidecar, &options.cache].into_iter().flatten();
    let read = [&options.archive].into_iter().chain(named).chain(&options.ancestors);
    match read.into_iter().find(|path| path.canonicalize().is_ok_and(|p| p.starts_with(&real))) {
        None => Ok(()),
        Some(path) => {
            let what = format!("what would be replaced holds {}", path.display());
            let kind = ReadErrorKind::TargetExists;
            Err(ReadError::new(kind, "target-holds-source", what).at(target))
        }
    }
}

fn unnamed(target: &Path) -> ReadError {
    let what = "the target has no name of its own; give the path of the tree";
    ReadError::new(ReadErrorKind::Refused, "target-unnamed", what).at(target)
}

/// Without the one call that exchanges two names there would be a moment without any tree.
fn unsupported(error: io::Error, path: &Path) -> ReadError {
    match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => {
            let what = "the file system cannot exchange two names";
            let code = "exchange-unsupported";
            ReadError::new(ReadErrorKind::Unsupported, code, what).at(path).because(error)
        }
        _ => ReadError::in_output(path, error),
    }
}

/// Opens the directories of a tree that is to be removed for removal: one that its owner may not
/// write to keeps what it holds. Links are not followed.
fn make_removable(tree: &Path) {
    let mut todo = vec![tree.to_owned()];
    while let Some(path) = todo.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if !meta.is_dir() {
            continue;
        }
        let mode = meta.permissions().mode();
        if mode & 0o700 != 0o700 {
            // What stays closed stays; the next restore tries again.
            let _ = fs::set_permissions(&path, PermissionsExt::from_mode(mode | 0o700));
        }
        if let Ok(items) = fs::read_dir(&path) {
            let directories = items.flatten().filter(|i| i.file_type().is_ok_and(|t| t.is_dir()));
            todo.extend(directories.map(|item| item.path()));
        }
    }
}
