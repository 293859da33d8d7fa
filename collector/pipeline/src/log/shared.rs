//! What those who write a log and those who read it share.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use durable_fs::{Clock, File, Fs};
use tokio::sync::watch;

use super::options::LogOptions;
use super::record::{Position, RECORD_HEADER_LEN, Record, SegmentId, stored};
use super::state::State;
use crate::Batch;

/// What all parts of a log hold on to.
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

/// Where the records are.
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

impl Shared {
    pub(super) fn new(
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

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self.place, Place::Disk { .. })
    }

    /// Bytes a batch takes up: what is written, and what a clone of it keeps in memory.
    pub(super) fn cost(&self, batch: &Batch) -> u64 {
        stored(batch).len() as u64 + RECORD_HEADER_LEN
    }
}
