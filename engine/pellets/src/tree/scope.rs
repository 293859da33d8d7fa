//! What of a tree is listed, and what its listers have found meanwhile.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::Stat;

use super::entry::Stamp;
use super::ignore::Ignore;
use crate::base::Known;

/// What belongs to our own output and is no part of the tree, should the output lie inside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclude {
    /// Device and inode of a directory whose content is left out.
    pub(crate) dir: Option<(u64, u64)>,
    /// Names in that directory that are left out; all of it where this is empty.
    pub(crate) names: Vec<Vec<u8>>,
    /// Temporary names in that directory that are left out: prefix and suffix.
    pub(crate) between: Option<(Vec<u8>, Vec<u8>)>,
}

/// Which regular files are asked for attributes while a tree is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survey {
    /// All of them.
    Every,
    /// The first of each directory, and the walk ends at the first that has some: most trees have none, and
    /// asking an open file later costs a tenth of asking for it by name.
    Sample,
}

/// A file whose ctime lies less than this before its packing began may be written to again without a trace: clocks
/// of file systems tick in up to two seconds.
pub(crate) const RACY_NANOS: i128 = 2_000_000_000;

/// How a tree is walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) threads: NonZeroUsize,
    pub(crate) survey: Survey,
    /// What changed last before this moment is settled; nanoseconds since the Unix epoch.
    pub(crate) settled: i128,
}

/// What all who list directories of one walk go by, and what they tell each other.
pub(super) struct Scope<'a> {
    pub(super) exclude: &'a Exclude,
    /// Files of an earlier Pellet, which need not be searched for holes where they are unchanged.
    pub(super) known: Option<&'a Known<'a>>,
    pub(super) ignore: &'a Ignore,
    /// Whether every file is asked for attributes, or only the first of each directory.
    pub(super) survey: Survey,
    pub(super) settled: i128,
    pub(super) n_ignored: AtomicU64,
    pub(super) n_found: AtomicU64,
    /// Whether a regular file has attributes.
    pub(super) has_attributes: AtomicBool,
    stopped: AtomicBool,
}

impl Exclude {
    pub(super) fn covers(&self, name: &[u8]) -> bool {
        self.names.iter().any(|n| n == name)
            || self
                .between
                .as_ref()
                .is_some_and(|(prefix, suffix)| name.starts_with(prefix) && name.ends_with(suffix))
    }
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        exclude: &'a Exclude,
        known: Option<&'a Known<'a>>,
        ignore: &'a Ignore,
        manner: &Manner,
    ) -> Self {
        Self {
            exclude,
            known,
            ignore,
            survey: manner.survey,
            settled: manner.settled,
            n_ignored: AtomicU64::new(0),
            n_found: AtomicU64::new(0),
            has_attributes: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        }
    }

    /// Whether only a sample of the files was asked for attributes, and one has some.
    pub(super) fn is_misled(&self) -> bool {
        self.survey == Survey::Sample && self.has_attributes.load(Ordering::Relaxed)
    }

    /// Whether what has this status changed last so long ago that it would show if it did again.
    pub(super) fn is_settled(&self, stat: &Stat) -> bool {
        Stamp::from(stat).ctime() < self.settled
    }

    /// Ends the listing of all threads.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}
