//! Reading by position, by segment and by cursor.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use tokio::sync::watch;

use super::count::amount_from;
use super::error::LogError;
use super::mark::Mark;
use super::record::{Header, Position, RECORD_HEADER, RECORD_HEADER_LEN, Record, SegmentId};
use super::segment::{Body, OnDisk, SegmentInfo, Storage};
use super::shared::{Place, Shared};
use super::state::Look;
use crate::ledger::Amount;

/// Reads a log that another part writes; cheap to clone, never blocks the writer for long.
#[derive(Clone)]
pub struct LogReader {
    pub(super) shared: Arc<Shared>,
}

/// What a cursor finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The next record; move the cursor to its [`Record::end`].
    Record(Record),
    /// All records are read; wait for [`LogReader::watch`].
    AtHead,
    /// What the cursor wanted was deleted or cannot be read; move the cursor to `resume`.
    Skipped {
        /// The next position that may be read.
        resume: Position,
        /// Damage, as opposed to retention.
        damaged: bool,
    },
}

/// Records read in one go.
#[derive(Debug)]
pub struct Run {
    /// The records, in order.
    pub records: Vec<Record>,
    /// What comes next cannot be read; this is the next place that may be.
    pub damaged_until: Option<Mark>,
}

/// The records of one segment from a position on; ends behind the last sound one.
#[derive(Debug)]
pub struct Scan {
    reader: LogReader,
    at: Option<Position>,
}

/// Where a record's bytes are.
enum Source {
    File(Arc<OnDisk>, u64),
    Memory(Record),
}

impl LogReader {
    /// Whether records outlive the process.
    #[must_use]
    pub fn storage(&self) -> Storage {
        match self.shared.place {
            Place::Disk { .. } => Storage::Disk,
            Place::Memory => Storage::Memory,
        }
    }

    /// Whether both read the same log.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// All segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.shared.lock().segments.iter().map(|s| s.info()).collect()
    }

    /// Bytes of records that one reader may hold at once, as [`super::LogOptions::ahead_bytes`] has it;
    /// what a log in memory holds costs no more for being held twice.
    #[must_use]
    pub fn ahead_bytes(&self) -> u64 {
        match self.shared.place {
            Place::Disk { .. } => self.shared.options().ahead_bytes,
            Place::Memory => u64::MAX,
        }
    }

    /// The position that the next appended record will have at least.
    #[must_use]
    pub fn head(&self) -> Position {
        *self.shared.head.borrow()
    }

    /// Where a cursor that wants everything starts.
    #[must_use]
    pub fn start(&self) -> Position {
        let first = self.shared.lock().segments.front().map(|s| Position::start_of(s.id));
        first.unwrap_or_else(|| self.head())
    }

    /// Wakes whenever [`Self::head`] moves.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.shared.head.subscribe()
    }

    /// Bytes that the log holds.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.shared.lock().n_bytes
    }

    /// Segments found damaged so far.
    #[must_use]
    pub fn n_damaged(&self) -> u64 {
        self.shared.n_damaged.load(Relaxed)
    }

    /// Segments whose last record was cut short by a crash, found when the log was opened.
    #[must_use]
    pub fn n_torn(&self) -> u64 {
        self.shared.n_torn
    }

    /// What stands at `cursor`, as far as memory knows.
    #[must_use]
    pub fn look(&self, cursor: Position) -> Look {
        self.shared.lock().look(cursor)
    }

    /// What the records at and behind `position` add to accounts; reads the headers of one segment.
    pub fn amount_behind(&self, position: Position) -> Result<Amount, LogError> {
        let state = self.shared.lock();
        let behind = SegmentId(position.segment.0 + 1);
        let mut amount = state.taken.amount - state.taken_before(behind);
        let Some(segment) = state.segment(position.segment) else { return Ok(amount) };
        match (&segment.body, &self.shared.place) {
            (Body::Memory(records), _) => {
                let behind = records.iter().filter(|r| r.position >= position);
                behind.for_each(|record| amount += record.amount());
            }
            (Body::File(_), Place::Disk { fs, .. }) => {
                amount += amount_from(fs.as_ref(), segment, position)?;
            }
            (Body::File(_), Place::Memory) => {}
        }
        Ok(amount)
    }

    /// The record at `position`, which a writer or reader gave out earlier.
    pub fn read_at(&self, position: Position) -> Result<Record, LogError> {
        match self.source(position)? {
            Source::Memory(record) => Ok(record),
            Source::File(file, end) => {
                let read = self.read_file(&file, position, end);
                if let Err(LogError::Damaged { what, .. }) = &read {
                    self.note_damage(position, what);
                }
                read
            }
        }
    }

    /// The records of `segment` in order.
    #[must_use]
    pub fn scan(&self, segment: SegmentId) -> Scan {
        self.scan_from(Position::start_of(segment))
    }

    /// The records of a segment in order, from `position` on.
    #[must_use]
    pub fn scan_from(&self, position: Position) -> Scan {
        Scan { reader: self.clone(), at: Some(position) }
    }

    /// What stands at `cursor`, stepping over the ends of segments and over numbers that no segment
    /// bears because its creation failed.
    pub fn next(&self, mut cursor: Position) -> Result<Next, LogError> {
        loop {
            match self.read_at(cursor) {
                Ok(record) => return Ok(Next::Record(record)),
                Err(LogError::Absent(_)) => match self.segment_behind(cursor.segment) {
                    Some(behind) => cursor = behind,
                    None => return Ok(Next::AtHead),
                },
                Err(LogError::Gone(_)) => {
                    return Ok(Next::Skipped { resume: self.start(), damaged: false });
                }
                Err(LogError::Damaged { .. }) => {
                    let behind = self.segment_behind(cursor.segment);
                    let resume = behind.unwrap_or_else(|| self.head());
                    return Ok(Next::Skipped { resume, damaged: true });
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// The records from `cursor` on until they hold `max_bytes`, across segments.
    pub fn run(&self, mut cursor: Position, max_bytes: u64) -> Result<Run, LogError> {
        let (mut records, mut n_bytes) = (Vec::new(), 0);
        while n_bytes < max_bytes {
            match self.next(cursor)? {
                Next::Record(record) => {
                    cursor = record.end();
                    n_bytes += record.n_bytes;
                    records.push(record);
                }
                Next::Skipped { damaged: true, .. } if records.is_empty() => {
                    let damaged_until = Some(self.behind(cursor.segment));
                    return Ok(Run { records, damaged_until });
                }
                Next::Skipped { .. } | Next::AtHead => break,
            }
        }
        Ok(Run { records, damaged_until: None })
    }

    fn segment_behind(&self, id: SegmentId) -> Option<Position> {
        let state = self.shared.lock();
        state.segments.iter().find(|s| s.id > id).map(|s| Position::start_of(s.id))
    }

    fn source(&self, position: Position) -> Result<Source, LogError> {
        let state = self.shared.lock();
        if let Some(record) = state.in_memory(position) {
            return Ok(Source::Memory(record));
        }
        let Some(segment) = state.segment(position.segment) else {
            // Segments go oldest first: below the oldest all were deleted. A number above it that is
            // in no list was used up by a segment whose creation failed.
            let oldest = state.segments.front().map_or(self.head().segment, |first| first.id);
            return Err(match position.segment < oldest {
                true => LogError::Gone(position),
                false => LogError::Absent(position),
            });
        };
        if position.offset >= segment.n_bytes {
            return Err(LogError::Absent(position));
        }
        match &segment.body {
            Body::File(file) => Ok(Source::File(Arc::clone(file), segment.n_bytes)),
            Body::Memory(_) => Err(LogError::Absent(position)),
        }
    }

    fn read_file(&self, file: &OnDisk, at: Position, end: u64) -> Result<Record, LogError> {
        let Place::Disk { fs, .. } = &self.shared.place else { return Err(LogError::Absent(at)) };
        let damaged = |what| LogError::Damaged { at, what };
        let failed = |source| LogError::Io { action: "read", path: file.path.clone(), source };
        let reader = file.reader(fs.as_ref()).map_err(failed)?;
        let mut raw = [0; RECORD_HEADER];
        if reader.read_at(&mut raw, at.offset).map_err(failed)? < raw.len() {
            return Err(damaged("torn header"));
        }
        let header = Header::decode(&raw).map_err(damaged)?;
        let payload_at = at.offset + RECORD_HEADER_LEN;
        if payload_at + u64::from(header.stored_len) > end {
            return Err(damaged("torn payload"));
        }
        let mut stored = vec![0; header.stored_len as usize];
        if reader.read_at(&mut stored, payload_at).map_err(failed)? < stored.len() {
            return Err(damaged("torn payload"));
        }
        let batch = header.batch(Bytes::from(stored)).map_err(damaged)?;
        let n_bytes = RECORD_HEADER_LEN + u64::from(header.stored_len);
        let (received_at, origin) = (header.received_at, header.origin);
        Ok(Record { position: at, received_at, origin, batch, n_bytes })
    }

    /// Logs and counts a segment's damage the first time it is met.
    fn note_damage(&self, at: Position, what: &str) {
        let mut state = self.shared.lock();
        let Some(segment) = state.segments.iter_mut().find(|s| s.id == at.segment) else { return };
        if !std::mem::replace(&mut segment.damaged, true) {
            self.shared.n_damaged.fetch_add(1, Relaxed);
            tracing::error!(position = %at, what, "damaged log record, its segment ends here");
        }
    }
}

impl Iterator for Scan {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        match self.reader.read_at(at) {
            Ok(record) => {
                self.at = Some(record.end());
                Some(Ok(record))
            }
            Err(LogError::Absent(_)) => None,
            Err(e) => Some(Err(e)),
        }
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").field("head", &self.head()).finish_non_exhaustive()
    }
}
