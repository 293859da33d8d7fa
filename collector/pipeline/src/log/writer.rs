//! Appending: records are staged, then made visible, with an fsync before that where asked for.
//!
//! # Invariants
//! 1. All staged records lie in the open segment; it is not left while any are staged.
//! 2. After a failed fsync nothing that was staged becomes visible, and its segment is written no
//!    more: what the kernel has of it is unknown, and a second fsync may lie.
//!
//! # Failure
//! What was staged and given up is cut off the file. Should that fail too, a restart may find such
//! records; their senders were refused, so they are duplicates and not losses.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use durable_fs::{Clock, File, Fs};
use tokio::sync::watch;

use super::claim::Reserved;
use super::count::{Past, count};
use super::error::{LogError, io};
use super::lock::create_durably;
use super::reader::LogReader;
use super::record::{
    Header, Origin, Position, RECORD_HEADER_LEN, Record, SEGMENT_HEADER_LEN, SegmentId, stored,
};
use super::recover::recover;
use super::segment::Body;
use super::state::State;
use crate::Batch;

/// Bounds of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes at which a segment is sealed. Default 64 MiB; never more than a quarter of `max_bytes`,
    /// so that making room loses at most that share.
    pub segment_bytes: u64,
    /// Bytes of all segments together, past which the oldest go.
    pub max_bytes: u64,
    /// Age past which segments go that no exporter waits for; `None` keeps them until room is needed.
    pub max_age: Option<Duration>,
    /// Bytes of the last records that a log on disk keeps in memory for those who follow it closely.
    /// Default 4 MiB: a second of a busy machine.
    pub tail_bytes: u64,
    /// Bytes of records that may wait for the thread of a log on disk. Default 32 MiB: what a slow disk
    /// writes in a second. A larger batch passes when it is alone.
    pub waiting_bytes: u64,
    /// Bytes of records that each reader of a log on disk may hold at once, read ahead of the tail or
    /// under way; one record it may hold whatever its size. Default 8 MiB.
    pub ahead_bytes: u64,
    /// Bytes of a log in memory that stay although everybody has passed them; one on disk keeps all
    /// it has room for.
    pub history_bytes: u64,
}

/// A pipeline's log; clones are one.
#[derive(Clone)]
pub struct Log {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) place: Place,
    options: RwLock<LogOptions>,
    pub(super) clock: Arc<dyn Clock>,
    /// Held while a record is written or synced; taken before `state` where both are.
    writer: Mutex<Writer>,
    /// Held for a look or a change in memory, never for I/O on a segment's bytes.
    state: Mutex<State>,
    pub(super) head: watch::Sender<Position>,
    pub(super) n_damaged: AtomicU64,
    pub(super) n_torn: u64,
}

#[derive(Debug)]
pub(super) enum Place {
    Disk { fs: Arc<dyn Fs>, dir: PathBuf },
    Memory,
}

/// What only the writing side needs.
pub(super) struct Writer {
    /// The open segment's file.
    pub(super) file: Option<Box<dyn File>>,
    pub(super) next_id: SegmentId,
    /// Records in the open segment that are not visible yet.
    pub(super) staged: Vec<Record>,
    /// Bytes of them.
    pub(super) n_staged: u64,
    /// The open segment's name is not synced yet.
    pub(super) unnamed: bool,
    /// A write failed; the open segment gets no more records.
    pub(super) broken: bool,
}

/// What became of a batch offered for staging.
#[derive(Debug)]
pub(super) enum Staged {
    /// It is written, and visible after the next commit.
    At(Position),
    /// It does not fit behind what is staged; commit, then offer it again.
    CommitFirst,
}

impl LogOptions {
    /// Segments of the default size in `max_bytes` together.
    #[must_use]
    pub fn with_max_bytes(max_bytes: u64) -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_bytes,
            max_age: None,
            tail_bytes: 4 << 20,
            waiting_bytes: 32 << 20,
            ahead_bytes: 8 << 20,
            history_bytes: u64::MAX,
        }
    }

    fn sound(mut self) -> Self {
        self.segment_bytes = self.segment_bytes.min(self.max_bytes / 4).max(1);
        self
    }
}

impl Log {
    /// Opens the log in `dir`, which is created if missing. What is there is mended and stays
    /// readable; appending starts a new segment. Nobody else may write there: see
    /// [`super::StorageLock`].
    pub fn open(
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
        dir: &Path,
        options: LogOptions,
    ) -> Result<Self, LogError> {
        Self::open_after(fs, clock, dir, options, &Past::default())
    }

    /// The same, where `past` is what its checkpoints remember.
    pub fn open_after(
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
        dir: &Path,
        options: LogOptions,
        past: &Past,
    ) -> Result<Self, LogError> {
        create_durably(fs.as_ref(), dir)?;
        let found = recover(fs.as_ref(), dir)?;
        let next_id = found.next_id.max(past.next_id);
        let mut state = State::default();
        state.segments = found.segments;
        count(fs.as_ref(), &mut state, past)?;
        let place = Place::Disk { fs, dir: dir.to_owned() };
        let mut shared = Shared::new(place, clock, options, state, next_id);
        (shared.n_damaged, shared.n_torn) = (AtomicU64::new(found.n_damaged), found.n_torn);
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A log in memory.
    #[must_use]
    pub fn memory(clock: Arc<dyn Clock>, options: LogOptions) -> Self {
        let (state, first) = (State::default(), SegmentId(1));
        Self { shared: Arc::new(Shared::new(Place::Memory, clock, options, state, first)) }
    }

    /// Whether a batch is small enough for the log's bound.
    pub fn fits(&self, batch: &Batch) -> Result<(), LogError> {
        let max_bytes = self.shared.options().max_bytes;
        let n_bytes = self.shared.cost(batch);
        match n_bytes + SEGMENT_HEADER_LEN > max_bytes {
            true => Err(LogError::TooLarge { n_bytes, max_bytes }),
            false => Ok(()),
        }
    }

    /// Adds a batch behind all others and says where it stands, without an fsync. On an error it was
    /// not taken.
    pub fn append(&self, batch: &Batch) -> Result<Position, LogError> {
        self.append_from(Origin::default(), batch)
    }

    /// The same, from a receiver.
    pub fn append_from(&self, origin: Origin, batch: &Batch) -> Result<Position, LogError> {
        loop {
            let mut writer = self.shared.writer();
            let staged = self.shared.stage(&mut writer, origin, batch);
            self.shared.publish(&mut writer);
            if let Staged::At(position) = staged? {
                return Ok(position);
            }
        }
    }

    /// Writes a batch behind all others; it is visible after the next [`Self::commit`] or
    /// [`Self::publish`]. On an error it was not taken.
    pub(super) fn stage(&self, origin: Origin, batch: &Batch) -> Result<Staged, LogError> {
        self.shared.stage(&mut self.shared.writer(), origin, batch)
    }

    /// Syncs what is staged and makes it visible; on an error none of it was taken.
    pub(super) fn commit(&self) -> Result<(), LogError> {
        let mut writer = self.shared.writer();
        if writer.n_staged > 0 {
            if let Err(error) = self.shared.sync(&mut writer) {
                self.shared.abandon(&mut writer);
                return Err(error);
            }
            self.shared.publish(&mut writer);
        }
        Ok(())
    }

    /// Makes what is staged visible without an fsync.
    pub(super) fn publish(&self) {
        self.shared.publish(&mut self.shared.writer());
    }

    /// Lets `batch` in if all primary claims have room for it; until then others may take the room.
    #[must_use]
    pub fn reserve(&self, batch: &Batch) -> Option<Reserved> {
        self.shared.reserve(self.shared.cost(batch))
    }

    /// A reader of this log.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        LogReader { shared: Arc::clone(&self.shared) }
    }

    /// Seals the open segment, so that everything appended so far is on disk.
    pub fn seal(&self) -> Result<(), LogError> {
        self.commit()?;
        self.shared.seal(&mut self.shared.writer())
    }
}

impl Shared {
    fn new(
        place: Place,
        clock: Arc<dyn Clock>,
        options: LogOptions,
        state: State,
        next_id: SegmentId,
    ) -> Self {
        let options = RwLock::new(options.sound());
        let (head, _) = watch::channel(Position::start_of(next_id));
        let (staged, n_staged, unnamed, broken) = Default::default();
        let writer = Writer { file: None, next_id, staged, n_staged, unnamed, broken };
        let (writer, state, n_damaged) = (Mutex::new(writer), Mutex::new(state), AtomicU64::new(0));
        Self { place, options, clock, writer, state, head, n_damaged, n_torn: 0 }
    }

    /// The bounds at the moment.
    pub(super) fn options(&self) -> LogOptions {
        self.options.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn resize(&self, options: LogOptions) {
        *self.options.write().unwrap_or_else(PoisonError::into_inner) = options.sound();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self.place, Place::Disk { .. })
    }

    /// Bytes a batch takes up: what is written, and what a clone of it keeps in memory.
    pub(super) fn cost(&self, batch: &Batch) -> u64 {
        stored(batch).len() as u64 + RECORD_HEADER_LEN
    }

    fn stage(
        &self,
        writer: &mut Writer,
        origin: Origin,
        batch: &Batch,
    ) -> Result<Staged, LogError> {
        let max_bytes = self.options().max_bytes;
        let n_bytes = self.cost(batch);
        let now = self.clock.unix_nanos();
        let header = Header::of(batch, origin, now);
        let header = header.filter(|_| n_bytes + SEGMENT_HEADER_LEN <= max_bytes);
        let header = header.ok_or(LogError::TooLarge { n_bytes, max_bytes })?;
        if writer.n_staged > 0 && !self.goes_behind(writer, n_bytes) {
            return Ok(Staged::CommitFirst);
        }
        self.shed_for(writer.n_staged + n_bytes);
        self.make_room(writer, n_bytes + SEGMENT_HEADER_LEN, now)?;
        self.rotate(writer, n_bytes, now)?;
        self.write(writer, &header, batch, n_bytes).map(Staged::At)
    }

    fn write(
        &self,
        writer: &mut Writer,
        header: &Header,
        batch: &Batch,
        n_bytes: u64,
    ) -> Result<Position, LogError> {
        let state = self.lock();
        let nowhere = LogError::Absent(Position::start_of(writer.next_id));
        // `rotate` left an open segment; were there none, nothing would be at this position.
        let Some(last) = state.segments.back() else { return Err(nowhere) };
        let end = last.end();
        let position = Position { offset: end.offset + writer.n_staged, ..end };
        let path = match &last.body {
            Body::Memory(_) => None,
            Body::File(on_disk) => Some(on_disk.path.clone()),
        };
        drop(state);
        if let Some(path) = path {
            let Some(file) = &mut writer.file else { return Err(nowhere) };
            let stored = stored(batch);
            let header = header.sealed(stored).encode();
            let written = file.write_all(&header).and_then(|()| file.write_all(stored));
            if let Err(error) = written {
                // The tail is torn; what was staged before it is whole and stays.
                let _ = file.set_len(position.offset);
                writer.broken = true;
                return Err(io("append to", &path, error));
            }
        }
        let (received_at, origin, batch) = (header.received_at, header.origin, batch.clone());
        writer.staged.push(Record { position, received_at, origin, batch, n_bytes });
        writer.n_staged += n_bytes;
        Ok(position)
    }

    /// Makes what is staged visible.
    fn publish(&self, writer: &mut Writer) {
        if writer.staged.is_empty() {
            return;
        }
        writer.n_staged = 0;
        let mut state = self.lock();
        state.add(std::mem::take(&mut writer.staged), self.options().tail_bytes);
        if let Some(last) = state.segments.back() {
            // Under the lock, so that heads are told in their order.
            self.head.send_replace(last.end());
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("place", &self.shared.place).finish_non_exhaustive()
    }
}
