//! Appending, rotation and retention.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durable_fs::{Clock, File, Fs};
use tokio::sync::watch;

use super::error::LogError;
use super::reader::LogReader;
use super::record::{
    Header, Position, RECORD_HEADER_LEN, Record, SEGMENT_HEADER_LEN, SegmentId, segment_header,
    stored,
};
use super::segment::{Body, Found, Segment, Storage, file_name, id_of, inspect};
use crate::Batch;

/// Bounds of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes at which a segment is sealed. Default 64 MiB; never more than a quarter of `max_bytes`,
    /// so that making room loses at most that share.
    pub segment_bytes: u64,
    /// Bytes of all segments together, past which the oldest go.
    pub max_bytes: u64,
    /// Age past which segments go; `None` keeps them until room is needed.
    pub max_age: Option<Duration>,
}

/// A pipeline's log; clones are one.
#[derive(Clone)]
pub struct Log {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) place: Place,
    options: LogOptions,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    head: watch::Sender<Position>,
    pub(super) n_damaged: AtomicU64,
}

#[derive(Debug)]
pub(super) enum Place {
    Disk { fs: Arc<dyn Fs>, dir: PathBuf },
    Memory,
}

pub(super) struct State {
    /// Oldest first; only the last may be open, and it is the one that `writer` writes.
    pub(super) segments: VecDeque<Segment>,
    /// The open segment's file.
    writer: Option<Box<dyn File>>,
    next_id: SegmentId,
    n_bytes: u64,
}

impl LogOptions {
    /// Segments of the default size in `max_bytes` together.
    #[must_use]
    pub fn with_max_bytes(max_bytes: u64) -> Self {
        Self { segment_bytes: 64 << 20, max_bytes, max_age: None }
    }
}

impl Log {
    /// Opens the log in `dir`, which is created if missing. What is there stays readable; appending
    /// starts a new segment.
    pub fn open(
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
        dir: &Path,
        options: LogOptions,
    ) -> Result<Self, LogError> {
        let failed = |action| move |source| LogError::Io { action, path: dir.to_owned(), source };
        fs.create_dir_all(dir).map_err(failed("create"))?;
        let mut segments = VecDeque::new();
        let mut next_id = SegmentId(1);
        let mut n_damaged = 0;
        for path in fs.list(dir).map_err(failed("list"))? {
            let Some(id) = id_of(&path) else { continue };
            next_id = next_id.max(SegmentId(id.0 + 1));
            match inspect(fs.as_ref(), path.clone(), id)? {
                Found::Segment(segment) => segments.push_back(segment),
                Found::Empty => {
                    tracing::info!(path = %path.display(), "removing a log segment without records");
                    fs.remove_file(&path).map_err(|e| io("remove", &path, e))?;
                }
                Found::Foreign => {
                    let aside = path.with_extension("seg.damaged");
                    let (path, now) = (path.display(), aside.display());
                    tracing::error!(%path, %now, "not a log segment, going on without it");
                    fs.rename(&dir.join(file_name(id)), &aside)
                        .map_err(|e| io("move aside", &aside, e))?;
                    n_damaged += 1;
                }
            }
        }
        let place = Place::Disk { fs, dir: dir.to_owned() };
        let log = Self::with(place, clock, options, segments, next_id);
        log.shared.n_damaged.store(n_damaged, Relaxed);
        Ok(log)
    }

    /// A log in memory.
    #[must_use]
    pub fn memory(clock: Arc<dyn Clock>, options: LogOptions) -> Self {
        Self::with(Place::Memory, clock, options, VecDeque::new(), SegmentId(1))
    }

    fn with(
        place: Place,
        clock: Arc<dyn Clock>,
        mut options: LogOptions,
        segments: VecDeque<Segment>,
        next_id: SegmentId,
    ) -> Self {
        options.segment_bytes = options.segment_bytes.min(options.max_bytes / 4).max(1);
        let n_bytes = segments.iter().map(|s| s.n_bytes).sum();
        let (head, _) = watch::channel(Position::start_of(next_id));
        let state = Mutex::new(State { segments, writer: None, next_id, n_bytes });
        let n_damaged = AtomicU64::new(0);
        let shared = Shared { place, options, clock, state, head, n_damaged };
        Self { shared: Arc::new(shared) }
    }

    /// Adds a batch behind all others and says where it stands. On an error it was not taken.
    pub fn append(&self, batch: &Batch) -> Result<Position, LogError> {
        let shared = &self.shared;
        let max_bytes = shared.options.max_bytes;
        let n_stored = stored(batch).len() as u64 + RECORD_HEADER_LEN;
        let too_large = || LogError::TooLarge { n_bytes: n_stored, max_bytes };
        let received_at = shared.clock.unix_nanos();
        let header = Header::of(batch, received_at).ok_or_else(too_large)?;
        if n_stored + SEGMENT_HEADER_LEN > max_bytes {
            return Err(too_large());
        }
        let mut state = shared.lock();
        shared.retain(&mut state, n_stored + SEGMENT_HEADER_LEN, received_at);
        shared.rotate(&mut state, n_stored, received_at)?;
        let position = shared.write(&mut state, &header, batch)?;
        shared.head.send_replace(Position { offset: position.offset + n_stored, ..position });
        Ok(position)
    }

    /// A reader of this log.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        LogReader { shared: Arc::clone(&self.shared) }
    }

    /// Seals the open segment, so that everything appended so far is on disk.
    pub fn seal(&self) -> Result<(), LogError> {
        let mut state = self.shared.lock();
        self.shared.seal(&mut state)
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self) -> Position {
        *self.head.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    pub(super) fn storage(&self) -> Storage {
        match self.place {
            Place::Disk { .. } => Storage::Disk,
            Place::Memory => Storage::Memory,
        }
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.lock().n_bytes
    }

    pub(super) fn n_damaged(&self) -> u64 {
        self.n_damaged.load(Relaxed)
    }

    /// Deletes the oldest segments until `n_wanted` bytes fit and none is too old.
    fn retain(&self, state: &mut State, n_wanted: u64, now: u64) {
        let limit =
            |age: Duration| now.saturating_sub(age.as_nanos().try_into().unwrap_or(u64::MAX));
        let too_old = self.options.max_age.map_or(0, limit);
        loop {
            let full = state.n_bytes + n_wanted > self.options.max_bytes;
            // Nothing in a segment is younger than the start of the one behind it.
            let old = state.segments.get(1).is_some_and(|next| next.created_at < too_old);
            if !(full || old) {
                return;
            }
            if full && state.segments.len() == 1 {
                // A failed sync cannot keep a segment that is about to go.
                let _ = self.seal(state);
            }
            let Some(oldest) = state.segments.pop_front() else { return };
            if let (Body::File(file), Place::Disk { fs, .. }) = (&oldest.body, &self.place)
                && let Err(error) = fs.remove_file(&file.path)
            {
                let path = file.path.display();
                tracing::error!(%path, %error, "cannot remove the oldest log segment");
                state.segments.push_front(oldest);
                return;
            }
            state.n_bytes -= oldest.n_bytes;
        }
    }

    /// Makes sure that the last segment is open and has room for `n_stored` bytes.
    fn rotate(&self, state: &mut State, n_stored: u64, now: u64) -> Result<(), LogError> {
        if let Some(last) = state.segments.back().filter(|s| !s.sealed) {
            if last.n_bytes + n_stored <= self.options.segment_bytes
                || last.n_bytes == SEGMENT_HEADER_LEN
            {
                return Ok(());
            }
            if let Err(error) = self.seal(state) {
                tracing::error!(%error, "a full log segment could not be synced");
            }
        }
        let id = state.next_id;
        let segment = match &self.place {
            Place::Memory => Segment::in_memory(id, now),
            Place::Disk { fs, dir } => {
                let path = dir.join(file_name(id));
                // Whatever happens now, the name is used up: a half-made file is nobody's again.
                state.next_id = SegmentId(id.0 + 1);
                let mut file = fs.create_new(&path).map_err(|e| io("create", &path, e))?;
                file.write_all(&segment_header(id, now)).map_err(|e| io("write", &path, e))?;
                state.writer = Some(file);
                Segment::on_disk(id, path, SEGMENT_HEADER_LEN, now)
            }
        };
        state.next_id = SegmentId(id.0 + 1);
        state.n_bytes += segment.n_bytes;
        state.segments.push_back(segment);
        Ok(())
    }

    fn write(
        &self,
        state: &mut State,
        header: &Header,
        batch: &Batch,
    ) -> Result<Position, LogError> {
        let State { segments, writer, n_bytes, next_id } = state;
        let start = Position::start_of(*next_id);
        // `rotate` left an open segment; were there none, nothing would be at `start`.
        let Some(last) = segments.back_mut() else { return Err(LogError::Absent(start)) };
        let position = last.end();
        let n_stored = RECORD_HEADER_LEN + stored(batch).len() as u64;
        match (&mut last.body, writer) {
            (Body::Memory(records), _) => {
                let (batch, received_at) = (batch.clone(), header.received_at);
                records.push(Record { position, received_at, batch });
            }
            (Body::File(on_disk), Some(file)) => {
                let written =
                    file.write_all(&header.encode()).and_then(|()| file.write_all(stored(batch)));
                if let Err(e) = written {
                    let failed = io("append to", &on_disk.path, e);
                    // The tail is torn; cutting it off is a kindness to readers after a restart.
                    let _ = file.set_len(position.offset);
                    last.sealed = true;
                    state.writer = None;
                    return Err(failed);
                }
            }
            (Body::File(_), None) => return Err(LogError::Absent(start)),
        }
        last.n_bytes += n_stored;
        *n_bytes += n_stored;
        Ok(position)
    }

    fn seal(&self, state: &mut State) -> Result<(), LogError> {
        if let Some(last) = state.segments.back_mut() {
            last.sealed = true;
        }
        let Some(file) = state.writer.take() else { return Ok(()) };
        let Place::Disk { fs, dir } = &self.place else { return Ok(()) };
        file.sync().map_err(|e| io("sync", dir, e))?;
        fs.sync_dir(dir).map_err(|e| io("sync", dir, e))
    }
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> LogError {
    LogError::Io { action, path: path.to_owned(), source }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("place", &self.shared.place).finish_non_exhaustive()
    }
}
