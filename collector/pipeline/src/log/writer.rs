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
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use durable_fs::{Clock, Fs};

use super::claim::Reserved;
use super::count::{Past, count};
use super::error::{LogError, io};
use super::lock::create_durably;
use super::options::LogOptions;
use super::reader::LogReader;
use super::record::{Header, Origin, Position, Record, SEGMENT_HEADER_LEN, SegmentId, stored};
use super::recover::recover;
use super::segment::Body;
use super::shared::{Place, Shared, Writer};
use super::state::State;
use crate::Batch;

/// A pipeline's log; clones are one.
#[derive(Clone)]
pub struct Log {
    pub(super) shared: Arc<Shared>,
}

/// What became of a batch offered for staging.
#[derive(Debug)]
pub(super) enum Staged {
    /// It is written, and visible after the next commit.
    At(Position),
    /// It does not fit behind what is staged; commit, then offer it again.
    CommitFirst,
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
        self.append_from(Origin::default(), batch, |_| ())
    }

    /// The same, from a receiver; `placed` learns where it stands before any reader can see it there.
    pub fn append_from(
        &self,
        origin: Origin,
        batch: &Batch,
        placed: impl FnOnce(Position),
    ) -> Result<Position, LogError> {
        loop {
            let mut writer = self.shared.writer();
            let staged = self.shared.stage(&mut writer, origin, batch);
            if let Ok(Staged::At(position)) = staged {
                placed(position);
                self.shared.publish(&mut writer);
                return Ok(position);
            }
            self.shared.publish(&mut writer);
            staged?;
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
