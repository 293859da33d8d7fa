//! Decodes a frame and brings back what stands in it, portion by portion.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::builder::{Builder, FileSpec, Site};
use super::share::Share;
use super::units::{Units, What};
use crate::read::{
    FrameDecoder, Index, Layers, Limits, ReadError, SafePath, Span, TarEntry, TarReader, Xattr,
    read_header,
};
use crate::sidecar::{EntryKind, SidecarEntry};

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

    pub(super) fn entry(&self, i: usize) -> &'a SidecarEntry {
        &self.index.sidecar.entries[i]
    }

    /// Where the content of the entry at `i` stands in the tar stream of its archive.
    pub(super) fn content(&self, i: usize) -> Range<u64> {
        let start = self.index.start(i).saturating_add(self.entry(i).header);
        start..start.saturating_add(self.entry(i).size.unwrap_or(0))
    }

    pub(super) fn path(&self, i: usize) -> Result<SafePath<'a>, ReadError> {
        Ok(SafePath::judge(self.entry(i).path.as_bytes(), self.limits)?)
    }

    /// Whether all entries are wanted.
    fn is_whole(&self) -> bool {
        self.entries.len() == self.index.sidecar.entries.len()
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

/// A part of a frame, and what stands in it.
#[derive(Debug)]
struct Portion {
    what: What,
    layer: u32,
    frame: usize,
    /// Where it begins in the tar stream.
    at: u64,
}

/// A portion for another thread, with a copy of its decoded bytes.
#[derive(Debug)]
pub(super) struct Given {
    portion: Portion,
    bytes: Box<[u8]>,
}

/// Extracts frames, one after the other, and what others give it.
pub(super) struct Extractor<'a> {
    decoder: FrameDecoder<'a>,
    hands: Hands<'a>,
}

/// What makes entries of decoded bytes.
struct Hands<'a> {
    job: &'a Job<'a>,
    units: &'a Units<'a>,
    builder: Builder<'a>,
}

impl<'a> Extractor<'a> {
    pub(super) fn new(job: &'a Job<'a>, units: &'a Units<'a>) -> Result<Self, ReadError> {
        let decoder = FrameDecoder::without_checksums(job.layers.own())?;
        let builder = Builder::new(job.site);
        Ok(Self { decoder, hands: Hands { job, units, builder } })
    }

    /// Brings back what is wanted of the frame at `n`; behind the last one helps the others until they
    /// are done.
    pub(super) fn unit(&mut self, n: usize, share: &Share<Given>) -> Result<(), ReadError> {
        let Self { decoder, hands } = self;
        let (job, units) = (hands.job, hands.units);
        let Some(unit) = units.list.get(n) else {
            while let Some(given) = share.take(&job.stop) {
                hands.bring(&given.portion, &given.bytes)?;
            }
            return Ok(());
        };
        let _under_way = share.unit();
        decoder.begin(job.layers.get(unit.layer)?, unit.frame)?;
        let mut at = job.index.frame_start(unit.layer, unit.frame);
        for (what, place) in units.portions(job, unit) {
            if job.stopped() {
                return Err(ReadError::cancelled());
            }
            let len = usize::try_from(place.end - place.start).unwrap_or(usize::MAX);
            decoder.skip(place.start.saturating_sub(at))?;
            let bytes = decoder.next_bytes(len)?;
            at = place.end;
            let (layer, frame) = (unit.layer, unit.frame);
            let portion = Portion { what, layer, frame, at: place.start };
            if !share.is_wanted() {
                hands.bring(&portion, bytes)?;
            } else if let Some(back) = share.give(Given { portion, bytes: bytes.into() }) {
                hands.bring(&back.portion, &back.bytes)?;
            }
        }
        // Of a part no more is decoded than it needs; its contents have digests of their own.
        if job.is_whole() { decoder.finish() } else { Ok(()) }
    }
}

impl Hands<'_> {
    fn bring(&mut self, portion: &Portion, bytes: &[u8]) -> Result<(), ReadError> {
        self.make(portion, bytes).map_err(|e| e.in_frame(portion.frame))
    }

    fn make(&mut self, portion: &Portion, bytes: &[u8]) -> Result<(), ReadError> {
        match &portion.what {
            What::Entries(entries) => {
                for i in entries.clone() {
                    let at = |n| usize::try_from(n - portion.at).unwrap_or(usize::MAX);
                    let place = at(self.job.index.start(i))..at(self.job.index.end(i));
                    self.entry(i, bytes.get(place).unwrap_or_default())?;
                }
                Ok(())
            }
            What::Beginning(i) => self.stream(*i, bytes, portion),
            What::Header(i) => {
                let len = self.job.index.end(*i) - self.job.index.start(*i);
                read_header(&mut TarReader::new(bytes), self.job.entry(*i), Some(len)).map(drop)
            }
            What::Piece(i) => self.piece(*i, bytes, portion.at),
        }
    }

    /// Makes the directories above the entry at `i`.
    fn parents(&mut self, i: usize) -> Result<(), ReadError> {
        let parent = self.job.index.parent(i);
        parent.map_or(Ok(()), |parent| self.job.ensure_dir(&mut self.builder, parent))
    }

    fn entry(&mut self, i: usize, bytes: &[u8]) -> Result<(), ReadError> {
        let entry = self.job.entry(i);
        self.parents(i)?;
        let found = read_header(&mut TarReader::new(bytes), entry, Some(bytes.len() as u64))?;
        let stored = bytes.get(at_content(&found)..).unwrap_or_default();
        create(self.job, &mut self.builder, i, &found, Content::AtHand(stored))?;
        self.done(found.size);
        Ok(())
    }

    fn stream(&mut self, i: usize, bytes: &[u8], portion: &Portion) -> Result<(), ReadError> {
        let archive = self.job.layers.get(portion.layer)?;
        let len = self.job.index.end(i) - self.job.index.start(i);
        let mut reader = TarReader::new(Span::new(archive, bytes, portion.frame + 1));
        self.parents(i)?;
        let found = read_header(&mut reader, self.job.entry(i), Some(len))?;
        create(self.job, &mut self.builder, i, &found, Content::Stream(&mut reader))?;
        self.done(found.size);
        Ok(())
    }

    fn piece(&mut self, i: usize, bytes: &[u8], at: u64) -> Result<(), ReadError> {
        let Some(large) = self.units.large(i) else { return Ok(()) };
        self.parents(i)?;
        let offset = at.saturating_sub(large.content.start);
        let last = large.write(&mut self.builder, self.job.path(i)?, bytes, offset)?;
        self.job.bytes_done.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.job.entries_done.fetch_add(u64::from(last), Ordering::Relaxed);
        Ok(())
    }

    fn done(&self, n_bytes: u64) {
        self.job.bytes_done.fetch_add(n_bytes, Ordering::Relaxed);
        self.job.entries_done.fetch_add(1, Ordering::Relaxed);
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
    found: &TarEntry,
    content: Content<'_>,
) -> Result<(), ReadError> {
    let (path, entry) = (job.path(i)?, job.entry(i));
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
