//! Why a Pellet could not be packed: a stable code, the path, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// The kinds of failure; closed, since callers translate each into an answer of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The source, or the folder that shall hold the output, does not exist.
    PathNotFound,
    /// The source is no directory.
    NotADirectory,
    /// Something in the tree disappeared while it was packed.
    PathVanished,
    /// Something in the tree changed while it was packed.
    PathChanged,
    /// Something cannot be read or written by this user.
    PermissionDenied,
    /// The file system of the output is full, or a quota is used up.
    NoSpace,
    /// The observer asked to stop.
    Cancelled,
    /// Anything else.
    Internal,
}

/// A failed packing; nothing of it is left on disk.
#[derive(Debug, thiserror::Error)]
#[error("{what}{}", at(.path.as_deref()))]
pub struct PackError {
    kind: ErrorKind,
    what: &'static str,
    path: Option<PathBuf>,
    #[source]
    source: Option<io::Error>,
}

fn at(path: Option<&Path>) -> String {
    path.map(|p| format!(": {}", p.display())).unwrap_or_default()
}

impl PackError {
    pub(crate) fn new(kind: ErrorKind, what: &'static str, path: Option<PathBuf>) -> Self {
        Self { kind, what, path, source: None }
    }

    pub(crate) fn internal(what: &'static str) -> Self {
        Self::new(ErrorKind::Internal, what, None)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "packing was cancelled", None)
    }

    /// Something inside the tree could not be read; the walk had seen it, so absence means that it
    /// vanished and another type means that it changed.
    pub(crate) fn in_tree(path: PathBuf, errno: Errno) -> Self {
        let (kind, what) = match errno {
            Errno::NOENT | Errno::STALE => {
                (ErrorKind::PathVanished, "a path vanished while it was packed")
            }
            // The last two come from reading what is now a pipe or a directory.
            Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::SPIPE | Errno::ISDIR => {
                (ErrorKind::PathChanged, "a path changed its type while it was packed")
            }
            Errno::ACCESS | Errno::PERM => (ErrorKind::PermissionDenied, "cannot read"),
            Errno::TOOBIG => (ErrorKind::Internal, "the attributes of a path exceed 1 MiB"),
            _ => (ErrorKind::Internal, "reading failed"),
        };
        Self { kind, what, path: Some(path), source: Some(errno.into()) }
    }

    /// The root of the tree could not be opened.
    pub(crate) fn at_root(path: PathBuf, errno: Errno) -> Self {
        let (kind, what) = match errno {
            Errno::NOENT => (ErrorKind::PathNotFound, "the path to pack does not exist"),
            Errno::NOTDIR => (ErrorKind::NotADirectory, "the path to pack is no directory"),
            Errno::ACCESS | Errno::PERM => (ErrorKind::PermissionDenied, "cannot read"),
            _ => (ErrorKind::Internal, "opening the path to pack failed"),
        };
        Self { kind, what, path: Some(path), source: Some(errno.into()) }
    }

    /// Writing the output failed.
    pub(crate) fn in_output(path: &Path, source: io::Error) -> Self {
        let (kind, what) = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (ErrorKind::NoSpace, "no space left for the pellet")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (ErrorKind::PermissionDenied, "cannot write")
            }
            io::ErrorKind::NotFound => (ErrorKind::PathNotFound, "the output folder is missing"),
            _ => (ErrorKind::Internal, "writing the pellet failed"),
        };
        Self { kind, what, path: Some(path.to_owned()), source: Some(source) }
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable code: `path-not-found`, `not-a-directory`, `path-vanished`, `path-changed`,
    /// `permission-denied`, `no-space`, `cancelled` or `internal`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::PathNotFound => "path-not-found",
            ErrorKind::NotADirectory => "not-a-directory",
            ErrorKind::PathVanished => "path-vanished",
            ErrorKind::PathChanged => "path-changed",
            ErrorKind::PermissionDenied => "permission-denied",
            ErrorKind::NoSpace => "no-space",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Internal => "internal",
        }
    }

    /// The path the failure is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.kind {
            ErrorKind::PathNotFound => "check the spelling of the path",
            ErrorKind::NotADirectory => "give the directory that shall become a pellet",
            ErrorKind::PathVanished | ErrorKind::PathChanged => {
                "wait until nothing writes to the tree (an install or a build), then try again"
            }
            ErrorKind::PermissionDenied => {
                "make the path accessible to the user that runs nestr, or pack another folder"
            }
            ErrorKind::NoSpace => "free space on the file system of the output, then try again",
            ErrorKind::Cancelled => "start it again when wanted",
            ErrorKind::Internal => "look at the cause; if it persists, report it with the log",
        }
    }
}
