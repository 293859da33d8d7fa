//! Decodes the frames of a job and brings back what stands in them, portion by portion.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use super::builder::{Builder, FileSpec};
use super::job::{FramesRead, Job};
use super::options::RestoreObserver;
use super::share::Share;
use super::units::{Units, What};
use super::workers;
use crate::read::{FrameDecoder, ReadError, Span, TarEntry, TarReader, read_header};
use crate::sidecar::EntryKind;

/// Creates the files and links of `job` from its archives.
pub(super) fn extract(
    job: &Job<'_>,
    threads: NonZeroUsize,
    observer: &dyn RestoreObserver,
) -> Result<FramesRead, ReadError> {
    let units = Units::of(job);
    let n_units = units.list.len();
    let share = Share::new(n_units);
    let work = |extractor: &mut Extractor<'_>, n: usize| extractor.unit(n, &share);
    let start = || Extractor::new(job, &units);
    // Behind the frames each thread has one more thing to do: to help.
    let n_all = n_units + threads.get();
    job.watched(observer, |watch| {
        workers::run(threads, n_all, &job.site.stop, start, work, watch)
    })?;
    Ok(FramesRead { n_frames: n_units as u64, n_bytes: units.compressed(job) })
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
struct Given {
    portion: Portion,
    bytes: Box<[u8]>,
}

/// Extracts frames, one after the other, and what others give it.
struct Extractor<'a> {
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
    fn new(job: &'a Job<'a>, units: &'a Units<'a>) -> Result<Self, ReadError> {
        let decoder = FrameDecoder::without_checksums(job.layers.own())?;
        let builder = Builder::new(job.site);
        Ok(Self { decoder, hands: Hands { job, units, builder } })
    }

    /// Brings back what is wanted of the frame at `n`; behind the last one helps the others until they
    /// are done.
    fn unit(&mut self, n: usize, share: &Share<Given>) -> Result<(), ReadError> {
        let Self { decoder, hands } = self;
        let (job, units) = (hands.job, hands.units);
        let Some(unit) = units.list.get(n) else {
            while let Some(given) = share.take(&job.site.stop) {
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
            let spec = FileSpec::of(path, entry, found);
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
