//! One segment as the log knows it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use durable_fs::{File, Fs};

use super::error::{LogError, io};
use super::mark::{Mark, Tally};
use super::record::{self, Position, Record, SEGMENT_HEADER, SEGMENT_HEADER_LEN, SegmentId};
use crate::ledger::Amount;

/// Where a log keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In files; they outlive the process.
    Disk,
    /// In a bounded ring; it goes with the process.
    Memory,
}

/// A segment as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number.
    pub id: SegmentId,
    /// Whether its last record is in: nothing is ever added to a sealed segment.
    pub sealed: bool,
    /// Bytes, header included.
    pub n_bytes: u64,
    /// When it was created, in nanoseconds since the Unix epoch.
    pub created_at: u64,
    /// Its file; absent in memory.
    pub path: Option<PathBuf>,
}

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) id: SegmentId,
    pub(super) sealed: bool,
    /// Bytes that hold whole records; what a failed write left behind lies past it.
    pub(super) n_bytes: u64,
    pub(super) created_at: u64,
    /// What the log took in before its first record.
    pub(super) before: Tally,
    /// What its records add to accounts.
    pub(super) amount: Amount,
    /// Its damage has been logged and counted.
    pub(super) damaged: bool,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    File(Arc<OnDisk>),
    Memory(Vec<Record>),
}

#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) path: PathBuf,
    reader: OnceLock<Box<dyn File>>,
}

impl Segment {
    pub(super) fn on_disk(id: SegmentId, path: PathBuf, n_bytes: u64, created_at: u64) -> Self {
        let body = Body::File(Arc::new(OnDisk { path, reader: OnceLock::new() }));
        Self::new(id, n_bytes, created_at, body)
    }

    pub(super) fn in_memory(id: SegmentId, created_at: u64) -> Self {
        Self::new(id, SEGMENT_HEADER_LEN, created_at, Body::Memory(Vec::new()))
    }

    fn new(id: SegmentId, n_bytes: u64, created_at: u64, body: Body) -> Self {
        let (before, amount) = Default::default();
        Self { id, sealed: false, n_bytes, created_at, before, amount, damaged: false, body }
    }

    pub(super) fn info(&self) -> SegmentInfo {
        let path = match &self.body {
            Body::File(file) => Some(file.path.clone()),
            Body::Memory(_) => None,
        };
        let Self { id, sealed, n_bytes, created_at, .. } = *self;
        SegmentInfo { id, sealed, n_bytes, created_at, path }
    }

    pub(super) fn end(&self) -> Position {
        Position { segment: self.id, offset: self.n_bytes }
    }

    pub(super) fn start(&self) -> Mark {
        Mark { position: Position::start_of(self.id), taken: self.before.amount }
    }

    /// Bytes of records before `offset` since the log was opened.
    pub(super) fn stored_before(&self, offset: u64) -> u64 {
        self.before.n_stored + offset.clamp(SEGMENT_HEADER_LEN, self.n_bytes) - SEGMENT_HEADER_LEN
    }
}

impl OnDisk {
    /// The file opened for reading; opened once.
    pub(super) fn reader(&self, fs: &dyn Fs) -> io::Result<&dyn File> {
        if self.reader.get().is_none() {
            // Two that open at once are harmless: the second handle is closed again.
            let _ = self.reader.set(fs.open_read(&self.path)?);
        }
        self.reader.get().map(AsRef::as_ref).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// The name of a segment's file.
pub(super) fn file_name(id: SegmentId) -> String {
    format!("{id}.seg")
}

/// The number in a segment's file name; nothing for other files.
pub(super) fn id_of(path: &Path) -> Option<SegmentId> {
    let digits = path.file_name()?.to_str()?.strip_suffix(".seg")?;
    let well_formed = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| digits.parse().ok().map(SegmentId)).flatten()
}

/// What a file of a segment's name turns out to be.
pub(super) enum Found {
    /// A segment with records.
    Segment(Segment),
    /// A segment that was left before its first record.
    Empty,
    /// Something else, or a damaged header.
    Foreign,
}

/// Looks at a file that an earlier process left.
pub(super) fn inspect(fs: &dyn Fs, path: PathBuf, id: SegmentId) -> Result<Found, LogError> {
    let file = fs.open_read(&path).map_err(|e| io("open", &path, e))?;
    let n_bytes = file.len().map_err(|e| io("measure", &path, e))?;
    let mut raw = [0; SEGMENT_HEADER];
    file.read_at(&mut raw, 0).map_err(|e| io("read", &path, e))?;
    let created_at = record::created_at(&raw, id);
    if n_bytes < SEGMENT_HEADER_LEN || (n_bytes == SEGMENT_HEADER_LEN && created_at.is_some()) {
        return Ok(Found::Empty);
    }
    let Some(created_at) = created_at else { return Ok(Found::Foreign) };
    let mut segment = Segment::on_disk(id, path, n_bytes, created_at);
    segment.sealed = true;
    Ok(Found::Segment(segment))
}
