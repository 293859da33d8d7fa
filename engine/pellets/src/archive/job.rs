//! What is to be packed, and what need not be packed anew.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use super::plan::Plan;
use crate::digest::Digest;
use crate::profile::Parameters;
use crate::read::Archive;
use crate::sidecar::SidecarFrame;
use crate::tree::Tree;

/// What is to be packed, and how.
pub(crate) struct Job<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) plan: &'a Plan,
    pub(crate) parameters: &'a Parameters,
    pub(crate) threads: NonZeroUsize,
    /// Which files need not be hashed, by entry; empty where there are none.
    pub(crate) known: &'a [bool],
    pub(crate) reuse: Option<&'a Reuse<'a>>,
    /// Where the walk did not ask every file for attributes: set when one has some, which ends the packing.
    pub(crate) unasked: Option<&'a AtomicBool>,
    /// Of a delta: the Pellet it is packed against, and the archives that hold what is elsewhere.
    pub(crate) delta: Option<(Digest, &'a [Digest])>,
}

/// What is taken over from an earlier archive.
#[derive(Debug)]
pub(crate) struct Reuse<'a> {
    pub(crate) archive: &'a Archive,
    /// By frame, where the earlier archive holds the very same one.
    pub(crate) frames: Vec<Option<SidecarFrame>>,
}

impl<'a> Job<'a> {
    /// The frame of an earlier archive that is the one at `index`.
    pub(crate) fn reused(&self, index: usize) -> Option<(&'a Archive, SidecarFrame)> {
        let reuse = self.reuse?;
        Some((reuse.archive, (*reuse.frames.get(index)?)?))
    }
}
