//! Why a Pellet could not be read or brought back.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::path::PathOdd;
use super::tar::TarError;
use crate::sidecar::{RawPath, SidecarError};

/// The kinds of failure; closed, since callers translate each into an answer of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadErrorKind {
    /// The archive, its sidecar or the asked path is not there.
    NotFound,
    /// The bytes are not those that were packed.
    Damaged,
    /// The archive asks for something that is never done: it is hostile or of a foreign kind.
    Refused,
    /// A cap of [`Limits`](super::Limits) would be exceeded.
    TooLarge,
    /// Something stands where the tree shall go.
    TargetExists,
    /// Something cannot be read or written by this user.
    PermissionDenied,
    /// The file system of the target is full, or a quota is used up.
    NoSpace,
    /// The file system lacks an operation that is needed.
    Unsupported,
    /// The observer asked to stop.
    Cancelled,
    /// Anything else.
    Internal,
}

/// A failed reading or restoring. Where it was a restore, the target is as it was.
#[derive(Debug)]
pub struct ReadError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ReadErrorKind,
    code: &'static str,
    what: String,
    path: Option<PathBuf>,
    entry: Option<RawPath>,
    frame: Option<u64>,
    expected: Option<String>,
    found: Option<String>,
    source: Option<io::Error>,
}

impl ReadError {
    pub(crate) fn new(kind: ReadErrorKind, code: &'static str, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            what: what.into(),
            path: None,
            entry: None,
            frame: None,
            expected: None,
            found: None,
            source: None,
        }))
    }

    pub(crate) fn damaged(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(ReadErrorKind::Damaged, code, what)
    }

    pub(crate) fn refused(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(ReadErrorKind::Refused, code, what)
    }

    /// The same of what we packed: a form that is refused in what others write is damage there.
    pub(crate) fn into_damage(mut self) -> Self {
        if self.0.kind == ReadErrorKind::Refused {
            self.0.kind = ReadErrorKind::Damaged;
        }
        self
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(ReadErrorKind::Cancelled, "cancelled", "it was cancelled before its end")
    }

    /// The archive or another file that is read failed.
    pub(crate) fn in_input(path: &Path, source: io::Error) -> Self {
        let (kind, code, what) = match source.kind() {
            io::ErrorKind::NotFound => {
                (ReadErrorKind::NotFound, "pellet-not-found", "the pellet is not there")
            }
            io::ErrorKind::PermissionDenied => {
                (ReadErrorKind::PermissionDenied, "permission-denied", "cannot read")
            }
            io::ErrorKind::IsADirectory => {
                (ReadErrorKind::Refused, "archive-unknown", "a folder is no archive")
            }
            _ => (ReadErrorKind::Internal, "internal", "reading the pellet failed"),
        };
        Self::new(kind, code, what).at(path).because(source)
    }

    /// Something of the target could not be written.
    pub(crate) fn in_output(path: &Path, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let (kind, code, what) = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (ReadErrorKind::NoSpace, "no-space", "no space left for the tree")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (ReadErrorKind::PermissionDenied, "permission-denied", "cannot write")
            }
            io::ErrorKind::NotFound => {
                (ReadErrorKind::NotFound, "path-not-found", "the folder of the target is missing")
            }
            // Some file systems take less than others.
            io::ErrorKind::InvalidFilename | io::ErrorKind::FileTooLarge => {
                let what = "the file system of the target takes nothing of this length";
                (ReadErrorKind::Unsupported, "length-unsupported", what)
            }
            _ => (ReadErrorKind::Internal, "internal", "writing the tree failed"),
        };
        Self::new(kind, code, what).at(path).because(source)
    }

    pub(crate) fn at(mut self, path: &Path) -> Self {
        self.0.path = Some(path.to_owned());
        self
    }

    /// Names the file unless one is named, or it is not about any.
    pub(crate) fn or_at(mut self, path: &Path) -> Self {
        if self.0.kind != ReadErrorKind::Cancelled {
            self.0.path.get_or_insert_with(|| path.to_owned());
        }
        self
    }

    /// The sidecar at `path` cannot be used.
    #[must_use]
    pub fn in_sidecar(path: &Path, error: SidecarError) -> Self {
        match error {
            SidecarError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                let what = "the sidecar is not there";
                let kind = ReadErrorKind::NotFound;
                Self::new(kind, "sidecar-missing", what).at(path).because(source)
            }
            error => Self::from(error).or_at(path),
        }
    }

    pub(crate) fn on(mut self, entry: &[u8]) -> Self {
        self.0.entry = Some(RawPath::from(entry));
        self
    }

    pub(crate) fn in_frame(mut self, frame: usize) -> Self {
        self.0.frame.get_or_insert(frame as u64);
        self
    }

    /// Says what is there instead of what should be.
    pub(crate) fn instead(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.0.expected = Some(expected.to_string());
        self.0.found = Some(found.to_string());
        self
    }

    pub(crate) fn because(mut self, source: io::Error) -> Self {
        self.0.source = Some(source);
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ReadErrorKind {
        self.0.kind
    }

    /// The stable code, for instance `content-mismatch`; docs/formats/pellet-restore.md lists them.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What happened, without path and cause.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// The file of this system that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The entry of the Pellet that it is about.
    #[must_use]
    pub fn entry(&self) -> Option<&RawPath> {
        self.0.entry.as_ref()
    }

    /// The frame of the archive that it is about.
    #[must_use]
    pub fn frame(&self) -> Option<u64> {
        self.0.frame
    }

    /// What should be there and what is, where the failure is a difference.
    #[must_use]
    pub fn difference(&self) -> (Option<&str>, Option<&str>) {
        (self.0.expected.as_deref(), self.0.found.as_deref())
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.0.code {
            "target-holds-source" => {
                "move that away first, or restore to a folder of its own below this one"
            }
            "target-unnamed" => "give the path of the tree itself",
            "length-unsupported" => "restore to another file system",
            "sidecar-missing" => "put NAME.meta.json beside NAME.pellet",
            "sidecar-damaged" | "sidecar-too-large" => {
                "take NAME.meta.json from a copy of the pellet, or pack the tree again"
            }
            "sidecar-version" => "use a newer nestr, or pack the tree again with this one",
            "archive-unknown" => "give a pellet, a tar, or a tar compressed with zstd",
            _ => self.hint_of_kind(),
        }
    }

    fn hint_of_kind(&self) -> &'static str {
        match self.0.kind {
            ReadErrorKind::NotFound => "check the spelling of the path",
            ReadErrorKind::Damaged => {
                "the pellet cannot be trusted any more: take it from another place or pack again"
            }
            ReadErrorKind::Refused => {
                "do not unpack this archive by other means unless you trust it"
            }
            ReadErrorKind::TooLarge => "raise the limit only if you know where the archive is from",
            ReadErrorKind::TargetExists => "ask for replacement, or give a path that is free",
            ReadErrorKind::PermissionDenied => {
                "make the path accessible to the user that runs nestr, or choose another"
            }
            ReadErrorKind::NoSpace => "free space on the file system of the target, then try again",
            ReadErrorKind::Unsupported => "remove the old tree first, or restore to a free path",
            ReadErrorKind::Cancelled => "start it again when wanted",
            ReadErrorKind::Internal => "look at the cause; if it persists, report it with the log",
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        if let (Some(expected), Some(found)) = self.difference() {
            write!(f, ": {found} instead of {expected}")?;
        }
        if let Some(entry) = &self.0.entry {
            write!(f, ", entry {entry}")?;
        }
        if let Some(frame) = self.0.frame {
            write!(f, ", frame {frame}")?;
        }
        match &self.0.path {
            Some(path) => write!(f, ": {}", path.display()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|e| e as _)
    }
}

impl From<TarError> for ReadError {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Refused { odd, .. } => Self::refused(odd.code(), error.to_string()),
            TarError::Io(source) => from_stream(source),
        }
    }
}

impl From<PathOdd> for ReadError {
    fn from(odd: PathOdd) -> Self {
        match odd {
            PathOdd::TooLong | PathOdd::TooDeep => {
                Self::new(ReadErrorKind::TooLarge, odd.code(), odd.to_string())
            }
            _ => Self::refused(odd.code(), odd.to_string()),
        }
    }
}

impl From<SidecarError> for ReadError {
    fn from(error: SidecarError) -> Self {
        match error {
            SidecarError::Io { path, source } => Self::in_input(&path, source),
            SidecarError::TooLarge(path) => {
                let what = "the sidecar is larger than any that is read";
                Self::new(ReadErrorKind::TooLarge, "sidecar-too-large", what).at(&path)
            }
            SidecarError::Form(source) => {
                Self::damaged("sidecar-damaged", "the sidecar is damaged").because(source.into())
            }
            SidecarError::Version(_) => {
                Self::new(ReadErrorKind::Refused, "sidecar-version", error.to_string())
            }
        }
    }
}

/// An error that came through a stream of ours: one of our own that was wrapped, or the stream's.
pub(crate) fn from_stream(error: io::Error) -> ReadError {
    match error.downcast::<ReadError>() {
        Ok(ours) => ours,
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            ReadError::damaged("archive-truncated", "the archive ends too early").because(e)
        }
        Err(e) => {
            ReadError::damaged("archive-damaged", "the archive cannot be decompressed").because(e)
        }
    }
}

/// Wraps an error of ours for a way through [`io::Read`].
pub(crate) fn into_stream(error: ReadError) -> io::Error {
    io::Error::other(error)
}
