//! What a verification is asked for and what it finds.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::digest::Digest;
use crate::read::{Limits, ReadError};
use crate::restore::RestoreOptions;
use crate::sidecar::RawPath;
use crate::sign::VerifyingKey;

/// The most findings that are told; all are counted.
const MAX_FINDINGS: usize = 100;

/// What to verify.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// `NAME.pellet`.
    pub archive: PathBuf,
    /// `NAME.meta.json`.
    pub sidecar: PathBuf,
    /// Archives that a delta needs, where they are not beside it.
    pub ancestors: Vec<PathBuf>,
    /// The digest that was noted elsewhere.
    pub expected: Option<Digest>,
    /// The key that must have signed it; without one a signature is judged by the key it names.
    pub key: Option<VerifyingKey>,
    /// Threads that decode and hash; each needs room for a frame.
    pub threads: NonZeroUsize,
    /// What is refused.
    pub limits: Limits,
    /// The most findings that are told.
    pub max_findings: usize,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable code, as that of a [`ReadError`].
    pub code: &'static str,
    /// In words.
    pub what: String,
    /// The file it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The entry it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<RawPath>,
    /// The frame it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// What should be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// The answer: the Pellet is whole where `findings` is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// BLAKE3 of the archive as it is.
    pub digest: Digest,
    /// Entries whose header and content are as packed.
    pub entries: u64,
    /// Frames that could be decoded.
    pub frames: u64,
    /// Bytes of the archive.
    pub bytes: u64,
    /// The key of the signature, where there is one; to be trusted only where it was asked for.
    pub signed_by: Option<String>,
    /// Differences, by frame and entry; the first `max_findings`.
    pub findings: Vec<Finding>,
    /// All of them.
    pub n_findings: u64,
    /// How long it took.
    pub duration: Duration,
    /// CPU time of all its threads.
    pub cpu: Duration,
}

impl VerifyOptions {
    /// Verifies `archive` with the sidecar beside it, on all processors.
    #[must_use]
    pub fn new(archive: impl Into<PathBuf>) -> Self {
        let archive = archive.into();
        let RestoreOptions { threads, limits, .. } = RestoreOptions::new(&archive, "");
        let sidecar = archive.with_extension("meta.json");
        let (expected, key, max_findings) = (None, None, MAX_FINDINGS);
        let ancestors = Vec::new();
        Self { archive, sidecar, ancestors, expected, key, threads, limits, max_findings }
    }
}

impl Verified {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.n_findings == 0
    }
}

impl From<ReadError> for Finding {
    fn from(error: ReadError) -> Self {
        let (expected, found) = error.difference();
        Self {
            code: error.code(),
            what: match std::error::Error::source(&error) {
                Some(cause) => format!("{}: {cause}", error.what()),
                None => error.what().to_owned(),
            },
            file: error.path().map(Path::to_owned),
            entry: error.entry().cloned(),
            frame: error.frame(),
            expected: expected.map(str::to_owned),
            found: found.map(str::to_owned),
        }
    }
}
