//! One pipeline as the store knows it: its log, an index per segment, and how far it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use collector_otlp::Signal;
use collector_pipeline::log::{
    Claim, ClaimOptions, LogError, LogReader, Position, Record, Role, SegmentId,
};
use durable_fs::Fs;

use crate::index::SegmentIndex;

/// One pipeline's log.
#[derive(Debug, Clone)]
pub struct Source {
    /// The pipeline's name.
    pub pipeline: String,
    /// What flows in it; the store reads traces and logs.
    pub signal: Signal,
    /// Its log.
    pub reader: LogReader,
}

/// One pipeline's indexes.
pub(crate) struct Pipeline {
    pub(crate) source: Source,
    pub(crate) fs: Arc<dyn Fs>,
    indexes: RwLock<BTreeMap<SegmentId, Arc<RwLock<SegmentIndex>>>>,
    cursor: Mutex<Position>,
    /// Tells the log of it.
    claim: Claim,
    n_missed: AtomicU64,
}

impl Pipeline {
    pub(crate) fn new(source: Source, fs: Arc<dyn Fs>) -> Self {
        let from = source.reader.start();
        let cursor = Mutex::new(from);
        // It holds nothing up; what it has not read only stays in memory for it as long as there is room.
        let claim = source.reader.claim(ClaimOptions {
            role: Role::Observer,
            share: u64::MAX,
            from,
            edge: None,
            wake: Arc::default(),
            shed: None,
        });
        let (indexes, n_missed) = (RwLock::default(), AtomicU64::new(0));
        Self { source, fs, indexes, cursor, claim, n_missed }
    }

    /// The record there; nothing, counted, if it is gone or damaged.
    pub(crate) fn record(&self, at: Position) -> Option<Record> {
        match self.source.reader.read_at(at) {
            Ok(record) => Some(record),
            Err(LogError::Gone(_)) => {
                self.n_missed.fetch_add(1, Relaxed);
                None
            }
            Err(error) => {
                self.miss(at.segment, &error);
                None
            }
        }
    }

    /// Counts and tells a stretch that cannot be read.
    pub(crate) fn miss(&self, segment: SegmentId, error: &dyn fmt::Display) {
        self.n_missed.fetch_add(1, Relaxed);
        let pipeline = &self.source.pipeline;
        tracing::warn!(pipeline, %segment, %error, "the local store cannot read a segment");
    }

    pub(crate) fn n_missed(&self) -> u64 {
        self.n_missed.load(Relaxed)
    }

    /// Counts a stretch that went before it was read.
    pub(crate) fn count_missed(&self) {
        self.n_missed.fetch_add(1, Relaxed);
    }

    pub(crate) fn cursor(&self) -> Position {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn move_cursor(&self, to: Position) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = to;
        self.claim.move_to(to);
    }

    pub(crate) fn index(&self, segment: SegmentId) -> Option<Arc<RwLock<SegmentIndex>>> {
        read(&self.indexes).get(&segment).cloned()
    }

    /// All indexes, newest segment first.
    pub(crate) fn indexes(&self) -> Vec<(SegmentId, Arc<RwLock<SegmentIndex>>)> {
        let indexes = read(&self.indexes);
        indexes.iter().rev().map(|(id, index)| (*id, Arc::clone(index))).collect()
    }

    pub(crate) fn put_index(&self, segment: SegmentId, index: SegmentIndex) {
        write(&self.indexes).insert(segment, Arc::new(RwLock::new(index)));
    }

    /// Forgets the indexes of segments that are no longer kept; says which went.
    pub(crate) fn keep_only(&self, kept: &BTreeSet<SegmentId>) -> Vec<SegmentId> {
        let mut indexes = write(&self.indexes);
        let gone: Vec<_> = indexes.keys().filter(|id| !kept.contains(id)).copied().collect();
        for id in &gone {
            indexes.remove(id);
        }
        gone
    }

    pub(crate) fn n_lag_bytes(&self) -> u64 {
        let cursor = self.cursor();
        let behind = |s: &collector_pipeline::log::SegmentInfo| match s.id.cmp(&cursor.segment) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => s.n_bytes.saturating_sub(cursor.offset),
            std::cmp::Ordering::Greater => s.n_bytes,
        };
        self.source.reader.segments().iter().map(behind).sum()
    }
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
