//! What a restore is asked for, says meanwhile, and answers.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::digest::Digest;
use crate::ecosystem::Shape;
use crate::observer::Progress;
use crate::read::Limits;
use crate::sidecar::RawPath;
use crate::sign::VerifyingKey;

/// What to bring back, and where.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// The archive: a Pellet, or any tar, compressed with zstd or not.
    pub archive: PathBuf,
    /// The sidecar; an archive without one is read from its beginning by one thread, and its
    /// content is not compared with digests.
    pub sidecar: Option<PathBuf>,
    /// Archives that a delta needs, where they are not beside it.
    pub ancestors: Vec<PathBuf>,
    /// Where the tree shall stand.
    pub target: PathBuf,
    /// Only this entry and what is below it, which then stands at this path below the target.
    pub only: Option<RawPath>,
    /// Whether what stands at the target may be replaced; an empty directory always may.
    pub replace: bool,
    /// Whether to wait until the tree is durable before it gets its name.
    pub sync: bool,
    /// Where there are any, one of them must have signed the Pellet; files are then always extracted, never shared.
    pub keys: Vec<VerifyingKey>,
    /// Whether an attribute that the file system does not take ends the restore; else it is counted.
    pub strict: bool,
    /// A folder of unpacked trees on the file system of the target, one per Pellet.
    pub cache: Option<PathBuf>,
    /// Whether files may be hard links into that folder: they are read-only, and who writes to one
    /// through another way changes every tree that shares it.
    pub linked: bool,
    /// Whether scripts that name the path of the tree are rewritten where it stands elsewhere now.
    pub relocate: Relocate,
    /// Threads that decode and create; each needs room for a frame.
    pub threads: NonZeroUsize,
    /// What is refused.
    pub limits: Limits,
}

impl RestoreOptions {
    /// Brings `archive` back to `target` with the sidecar that stands beside it, on all processors.
    #[must_use]
    pub fn new(archive: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        let archive = archive.into();
        Self {
            sidecar: sidecar_beside(&archive),
            archive,
            ancestors: Vec::new(),
            target: target.into(),
            only: None,
            replace: false,
            sync: false,
            keys: Vec::new(),
            strict: false,
            cache: None,
            linked: false,
            relocate: Relocate::default(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            limits: Limits::default(),
        }
    }
}

/// `NAME.meta.json` beside `NAME.pellet`, where it is there.
fn sidecar_beside(archive: &Path) -> Option<PathBuf> {
    // Beside `NAME.tar` or `NAME.tzst` it is the sidecar of another archive.
    let is_pellet = archive.extension().is_some_and(|ending| ending == "pellet");
    let sidecar = archive.with_extension("meta.json");
    (is_pellet && sidecar.is_file()).then_some(sidecar)
}

/// What becomes of scripts and settings in which a tree of dependencies names its own path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Relocate {
    /// Where the tree stands elsewhere than it was packed, they name the new path.
    #[default]
    Auto,
    /// They stay as they were packed.
    Never,
}

impl FromStr for Relocate {
    type Err = UnknownRelocate;

    fn from_str(text: &str) -> Result<Self, UnknownRelocate> {
        match text {
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            other => Err(UnknownRelocate(other.to_owned())),
        }
    }
}

/// A text that names no [`Relocate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {0:?}: use \"auto\" or \"never\"")]
pub struct UnknownRelocate(String);

/// How files came to their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Decoded from the archive.
    Extract,
    /// Cloned from an unpacked tree: blocks are shared until one side is written to.
    Reflink,
    /// Hard links into an unpacked tree.
    Linked,
}

impl Way {
    /// A stable word for spans and results.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Reflink => "reflink",
            Self::Linked => "linked",
        }
    }
}

/// A tree that was brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where it stands.
    pub target: PathBuf,
    /// Of the Pellet, as its sidecar says; none without one.
    pub digest: Option<Digest>,
    /// Entries of every type.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Frames that were decoded; 0 without a seek table.
    pub frames: u64,
    /// How files came to their place.
    pub way: Way,
    /// Whether something stood at the target before.
    pub replaced: bool,
    /// Whether each content was compared with its digest.
    pub verified: bool,
    /// The trees of dependencies in it; none where only a part was brought back, or without a sidecar.
    pub shapes: Vec<Shape>,
    /// Files that were rewritten because they name the path of the tree.
    pub n_relocated: u64,
    /// Entries whose setuid, setgid or sticky bit was left out.
    pub n_stripped: u64,
    /// Attributes that the target did not take, or that are not brought back.
    pub n_xattrs_lost: u64,
    /// How long it took.
    pub duration: Duration,
    /// CPU time of all its threads.
    pub cpu: Duration,
    /// Bytes of the archives that were read for it.
    pub bytes_read: u64,
}

/// A part of restoring that a caller may time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RestorePhase {
    /// Sidecar and seek table are read and checked.
    Check,
    /// The new tree is built.
    Extract,
    /// It gets its name, and the old tree is removed.
    Place,
}

/// Watches one restore; every call comes from the thread that called [`restore`](super::restore).
pub trait RestoreObserver: Send + Sync {
    /// A phase begins.
    fn phase_started(&self, _phase: RestorePhase) {}

    /// A phase ends, by success or by error.
    fn phase_ended(&self, _phase: RestorePhase) {}

    /// Progress was made; called about every 100 ms.
    fn progress(&self, _progress: &Progress) {}

    /// Whether restoring shall stop; asked often, so it must be cheap.
    fn cancelled(&self) -> bool {
        false
    }
}

/// An observer that sees nothing and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl RestoreObserver for Unwatched {}

/// Announces a phase and, when dropped, its end.
pub(super) struct PhaseGuard<'a> {
    observer: &'a dyn RestoreObserver,
    phase: RestorePhase,
}

impl<'a> PhaseGuard<'a> {
    pub(super) fn start(observer: &'a dyn RestoreObserver, phase: RestorePhase) -> Self {
        observer.phase_started(phase);
        Self { observer, phase }
    }
}

impl Drop for PhaseGuard<'_> {
    fn drop(&mut self) {
        self.observer.phase_ended(self.phase);
    }
}
