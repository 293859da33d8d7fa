//! Brings back the entries that begin in one frame.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::builder::{Builder, FileSpec, Site};
use crate::read::{
    Index, LayerReader, Layers, Limits, ReadError, SafePath, Span, TarEntry, TarReader, Xattr,
    read_header,
};
use crate::sidecar::{EntryKind, SidecarEntry};

/// Entries between two looks at whether to stop.
const CHECK_EVERY: usize = 64;

/// What the threads of one restore share.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) layers: &'a Layers,
    pub(super) limits: &'a Limits,
    pub(super) site: &'a Site<'a>,
    /// The entries to bring back.
    pub(super) entries: Range<usize>,
    /// Which directories are there, by the position of their entry.
    pub(super) made: Vec<AtomicBool>,
    pub(super) stop: AtomicBool,
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
        let (stop, bytes_done, entries_done) =
            (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        Self { index, layers, limits, site, entries, made, stop, bytes_done, entries_done }
    }

    /// The frames in which the wanted entries begin, each with its entries.
    pub(super) fn units(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        // Where entries of several archives alternate, each frame is still decoded once.
        let mut known: HashMap<(u32, usize), usize> = HashMap::new();
        let mut last = None;
        for i in self.entries.clone() {
            let entry = self.entry(i);
            let place = (entry.layer, usize::try_from(entry.frame).unwrap_or(usize::MAX));
            let at = match last {
                Some((last, at)) if last == place => at,
                _ => *known.entry(place).or_insert_with(|| {
                    units.push(Unit { layer: place.0, frame: place.1, entries: Vec::new() });
                    units.len() - 1
                }),
            };
            last = Some((place, at));
            match units[at].entries.last_mut() {
                Some(range) if range.end == i => range.end = i + 1,
                _ => units[at].entries.push(i..i + 1),
            }
        }
        units
    }

    /// Bytes of the archives that stand in the frames of the wanted entries.
    pub(super) fn compressed(&self) -> u64 {
        let frame = |unit: Unit| {
            let archive = self.layers.get(unit.layer).ok()?;
            archive.frames().get(unit.frame).map(|frame| u64::from(frame.compressed))
        };
        self.units().into_iter().filter_map(frame).sum()
    }

    pub(super) fn entry(&self, i: usize) -> &'a SidecarEntry {
        &self.index.sidecar.entries[i]
    }

    pub(super) fn path(&self, i: usize) -> Result<SafePath<'a>, ReadError> {
        Ok(SafePath::judge(self.entry(i).path.as_bytes(), self.limits)?)
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
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
}

/// A frame and the entries that begin in it.
#[derive(Debug)]
pub(super) struct Unit {
    layer: u32,
    frame: usize,
    entries: Vec<Range<usize>>,
}

/// Extracts frames, one after the other.
pub(super) struct Extractor<'a> {
    job: &'a Job<'a>,
    frames: LayerReader<'a>,
    builder: Builder<'a>,
}

impl<'a> Extractor<'a> {
    pub(super) fn new(job: &'a Job<'a>) -> Result<Self, ReadError> {
        let frames = LayerReader::new(job.layers)?;
        Ok(Self { job, frames, builder: Builder::new(job.site) })
    }

    /// Brings back the entries of a frame.
    pub(super) fn unit(&mut self, unit: &Unit) -> Result<(), ReadError> {
        self.frames.read(unit.layer, unit.frame)?;
        for i in unit.entries.iter().cloned().flatten() {
            if i.is_multiple_of(CHECK_EVERY) && self.job.stopped() {
                return Err(ReadError::cancelled());
            }
            self.entry(i, unit.frame).map_err(|e| e.in_frame(unit.frame))?;
        }
        Ok(())
    }

    fn entry(&mut self, i: usize, frame: usize) -> Result<(), ReadError> {
        let Self { job, frames, builder } = self;
        let (job, entry) = (*job, job.entry(i));
        let path = job.path(i)?;
        let content = frames.content();
        let (start, end) = (job.index.start(i), job.index.end(i));
        let at = usize::try_from(start - job.index.frame_start(entry.layer, frame))
            .unwrap_or(usize::MAX);
        let len = usize::try_from(end - start).unwrap_or(usize::MAX);
        let rest = content.get(at..).unwrap_or_default();
        if let Some(parent) = job.index.parent(i) {
            job.ensure_dir(builder, parent)?;
        }
        let n_bytes = if let Some(bytes) = rest.get(..len) {
            let mut reader = TarReader::new(bytes);
            let found = read_header(&mut reader, entry, Some(len as u64))?;
            let stored = bytes.get(at_content(&found)..).unwrap_or_default();
            create(job, builder, i, path, entry, &found, Content::AtHand(stored))?;
            found.size
        } else {
            let mut reader =
                TarReader::new(Span::new(job.layers.get(entry.layer)?, rest, frame + 1));
            let found = read_header(&mut reader, entry, Some(end - start))?;
            create(job, builder, i, path, entry, &found, Content::Stream(&mut reader))?;
            found.size
        };
        job.bytes_done.fetch_add(n_bytes, Ordering::Relaxed);
        job.entries_done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn at_content(found: &TarEntry) -> usize {
    usize::try_from(found.header_len).unwrap_or(usize::MAX)
}

/// The attributes of an entry as the tar stream has them.
pub(super) fn xattrs_of(entry: &SidecarEntry) -> Vec<Xattr> {
    let xattr = |(name, value): (&[u8], &[u8])| Xattr { name: name.into(), value: value.into() };
    entry.attribute_pairs().map(xattr).collect()
}

/// Where the content of a file comes from.
enum Content<'a> {
    AtHand(&'a [u8]),
    Stream(&'a mut dyn std::io::Read),
}

fn create(
    job: &Job<'_>,
    builder: &mut Builder<'_>,
    i: usize,
    path: SafePath<'_>,
    entry: &SidecarEntry,
    found: &TarEntry,
    content: Content<'_>,
) -> Result<(), ReadError> {
    match entry.kind {
        EntryKind::Directory => job.ensure_dir(builder, i),
        // Their file may be in a frame that another thread has not come to.
        EntryKind::Hardlink => Ok(()),
        EntryKind::Symlink => {
            let target = entry.target.as_ref().map(|t| t.as_bytes()).unwrap_or_default();
            builder.symlink(path, target, entry.mtime_ns)
        }
        EntryKind::File => {
            let spec = FileSpec {
                path,
                mode: entry.mode,
                mtime_ns: entry.mtime_ns,
                size: found.size,
                extents: found.extents.as_deref(),
                xattrs: &found.xattrs,
                expected: entry.blake3,
            };
            match content {
                Content::AtHand(bytes) => {
                    let n = usize::try_from(found.stored).unwrap_or(usize::MAX);
                    let stored = bytes.get(..n).ok_or_else(|| {
                        ReadError::damaged("archive-truncated", "a file is cut short")
                    })?;
                    builder.file(&spec, stored)
                }
                Content::Stream(stream) => builder.file_from(&spec, stream),
            }
        }
    }
}
