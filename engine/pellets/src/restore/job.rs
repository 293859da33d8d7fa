//! One restore: which entries it brings back, and how far it is.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::builder::{Builder, Site};
use super::options::{RestoreObserver, Restored, Way};
use crate::observer::Progress;
use crate::read::{Index, Layers, Limits, ReadError, SafePath, Xattr};
use crate::sidecar::SidecarEntry;

/// What was decoded for a tree; nothing where it was shared.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FramesRead {
    pub(super) n_frames: u64,
    /// Of the archives, compressed.
    pub(super) n_bytes: u64,
}

/// What the threads of one restore share.
pub(super) struct Job<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) layers: &'a Layers,
    pub(super) limits: &'a Limits,
    pub(super) site: &'a Site<'a>,
    /// The entries to bring back.
    pub(super) entries: Range<usize>,
    /// Which directories are there, by the position of their entry.
    pub(super) made: Vec<AtomicBool>,
    pub(super) bytes_done: AtomicU64,
    pub(super) entries_done: AtomicU64,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        index: &'a Index<'a>,
        layers: &'a Layers,
        limits: &'a Limits,
        site: &'a Site<'a>,
        entries: Range<usize>,
    ) -> Self {
        let made = index.sidecar.entries.iter().map(|_| AtomicBool::new(false)).collect();
        let (bytes_done, entries_done) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { index, layers, limits, site, entries, made, bytes_done, entries_done }
    }

    pub(super) fn entry(&self, i: usize) -> &'a SidecarEntry {
        &self.index.sidecar.entries[i]
    }

    /// Where the content of the entry at `i` stands in the tar stream of its archive.
    pub(super) fn content(&self, i: usize) -> Range<u64> {
        let start = self.index.start(i).saturating_add(self.entry(i).header);
        start..start.saturating_add(self.entry(i).size.unwrap_or(0))
    }

    /// The attributes of the entry at `i` as the tar stream has them.
    pub(super) fn xattrs(&self, i: usize) -> Vec<Xattr> {
        let xattr =
            |(name, value): (&[u8], &[u8])| Xattr { name: name.into(), value: value.into() };
        self.entry(i).attribute_pairs().map(xattr).collect()
    }

    pub(super) fn path(&self, i: usize) -> Result<SafePath<'a>, ReadError> {
        Ok(SafePath::judge(self.entry(i).path.as_bytes(), self.limits)?)
    }

    /// Whether all entries are wanted.
    pub(super) fn is_whole(&self) -> bool {
        self.entries.len() == self.index.sidecar.entries.len()
    }

    pub(super) fn stopped(&self) -> bool {
        self.site.stop.load(Ordering::Relaxed)
    }

    /// Makes the directory at `i` and those above it where they are missing.
    pub(super) fn ensure_dir(&self, builder: &mut Builder<'_>, i: usize) -> Result<(), ReadError> {
        let mut missing = vec![];
        let mut at = Some(i);
        while let Some(i) = at.filter(|i| !self.made[*i].load(Ordering::Acquire)) {
            missing.push(i);
            at = self.index.parent(i);
        }
        for i in missing.into_iter().rev() {
            builder.make_dir(self.path(i)?, self.entry(i).mode)?;
            self.made[i].store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Content bytes of the entries to bring back.
    fn bytes(&self) -> u64 {
        self.entries.clone().filter_map(|i| self.entry(i).size).sum()
    }

    /// Has `create` make the files and links. What it is given is to be called now and then: it tells
    /// `observer` how far the job is, and whether to stop.
    pub(super) fn watched<T>(
        &self,
        observer: &dyn RestoreObserver,
        create: impl FnOnce(&dyn Fn() -> bool) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let (bytes_total, entries_total) = (self.bytes(), self.entries.len() as u64);
        let report = |bytes_done, entries_done| {
            let bytes_out = 0;
            observer.progress(&Progress {
                bytes_done,
                bytes_total,
                entries_done,
                entries_total,
                bytes_out,
            });
        };
        let watch = || {
            let done = |n: &AtomicU64| n.load(Ordering::Relaxed);
            report(done(&self.bytes_done), done(&self.entries_done));
            observer.cancelled()
        };
        let created = create(&watch)?;
        report(bytes_total, entries_total);
        Ok(created)
    }

    /// What is known once the tree for `target` is built from `read`.
    pub(super) fn restored(&self, target: &Path, way: Way, read: FramesRead) -> Restored {
        Restored {
            target: target.to_owned(),
            digest: Some(self.index.sidecar.digest),
            entries: self.entries.len() as u64,
            bytes: self.bytes(),
            frames: read.n_frames,
            way,
            replaced: false,
            verified: way == Way::Extract,
            shapes: Vec::new(),
            n_relocated: 0,
            n_stripped: self.site.n_stripped.load(Ordering::Relaxed),
            n_xattrs_lost: self.site.n_xattrs_lost.load(Ordering::Relaxed),
            duration: Duration::ZERO,
            cpu: Duration::ZERO,
            bytes_read: read.n_bytes,
        }
    }
}
