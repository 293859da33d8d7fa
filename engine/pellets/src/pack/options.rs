//! What is asked of a packing, and what comes of it.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Base;
use crate::digest::Digest;
use crate::name::PelletName;
use crate::profile::Profile;
use crate::sign::SigningKey;
use crate::store::Store;
use crate::tree::Skipped;

/// What to pack, and how.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// The directory whose content becomes the Pellet.
    pub source: PathBuf,
    /// The name of the Pellet.
    pub name: PelletName,
    /// Frame size and level.
    pub profile: Profile,
    /// Threads that read and compress; each needs room for two frames.
    pub threads: NonZeroUsize,
    /// The mtime of every archive entry, seconds since the Unix epoch: `SOURCE_DATE_EPOCH` or 0.
    pub mtime: u64,
    /// An earlier Pellet: what did not change since is neither hashed nor compressed again.
    pub base: Option<Arc<Base>>,
    /// Packs a delta against `base` that needs at most so many earlier archives; the whole tree where it
    /// would need more, or shares nothing.
    pub delta: Option<NonZeroU32>,
    /// Signs the Pellet.
    pub sign: Option<Arc<SigningKey>>,
}

/// Where the Pellet goes.
#[derive(Debug)]
pub enum Destination<'a> {
    /// `<store>/<digest>/NAME.pellet` and `NAME.meta.json`.
    Store(&'a Store),
    /// This file, and `FILE.meta.json` beside it; both are replaced where they exist.
    File(PathBuf),
}

/// A sealed Pellet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// BLAKE3 of the archive bytes.
    pub digest: Digest,
    /// BLAKE3 of the tree.
    pub tree: Digest,
    /// Entries of every type.
    pub entries: u64,
    /// Content bytes of the regular files.
    pub bytes_in: u64,
    /// Bytes of the archive.
    pub bytes_out: u64,
    /// Frames of the archive.
    pub frames: u64,
    /// How many of them were copied from the base.
    pub n_frames_reused: u64,
    /// Of a delta: the archives that it needs.
    pub layers: Vec<Digest>,
    /// The archive; an older one of another name where `reused`.
    pub archive: PathBuf,
    /// The sidecar beside it.
    pub sidecar: PathBuf,
    /// Whether the store held this Pellet already.
    pub reused: bool,
    /// Paths that the rules of the tree's `.nestrignore` left out.
    pub n_ignored: u64,
    /// How many sockets, pipes and devices were left out.
    pub n_skipped: u64,
    /// The first hundred of them.
    pub skipped: Vec<Skipped>,
    /// When packing began, nanoseconds since the Unix epoch.
    pub created_unix_nanos: u64,
    /// How long it took.
    pub duration: Duration,
    /// CPU time of all its threads.
    pub cpu: Duration,
}

impl PackOptions {
    /// Packs `source` under the name of its last component, with the default profile, on all
    /// processors.
    #[must_use]
    pub fn new(source: impl Into<PathBuf>) -> Self {
        let source = source.into();
        Self {
            name: PelletName::from_path(&source),
            source,
            profile: Profile::default(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            mtime: 0,
            base: None,
            delta: None,
            sign: None,
        }
    }
}
