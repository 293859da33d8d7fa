//! Writes what has changed, for all consumers of a graph.
//!
//! # Failure
//! A checkpoint that cannot be written stays the old one, is logged and counted, and is written with
//! the next round: a crash meanwhile costs duplicates.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use collector_telemetry::Counter;

use super::checkpoint::{Checkpoint, Key};
use super::shelf::{Found, Shelf};
use crate::log::LogError;

/// Something whose state outlives the process.
pub trait Checkpointed: Send + Sync {
    /// Whose it is.
    fn key(&self) -> &Key;

    /// The state to keep; nothing while the one kept last is still right.
    fn changed(&self) -> Option<Checkpoint>;

    /// `checkpoint` is kept: a crash goes back no further.
    fn kept(&self, checkpoint: &Checkpoint);
}

/// Keeps the checkpoints of a graph; without a shelf in memory, where they outlive a reload.
pub struct Checkpointer {
    shelf: Option<Shelf>,
    /// What is kept where there is no shelf.
    memory: Mutex<BTreeMap<Key, Checkpoint>>,
    sources: Mutex<Vec<Arc<dyn Checkpointed>>>,
    /// Held for a round, so that an older checkpoint never replaces a newer.
    writing: Mutex<()>,
    failures: Counter,
}

impl Checkpointer {
    /// A checkpointer that writes to `shelf`.
    #[must_use]
    pub fn new(shelf: Option<Shelf>, failures: Counter) -> Self {
        let (memory, sources, writing) = Default::default();
        Self { shelf, memory, sources, writing, failures }
    }

    /// The shelf it writes to.
    #[must_use]
    pub fn shelf(&self) -> Option<&Shelf> {
        self.shelf.as_ref()
    }

    /// What is kept of `key`.
    pub fn read(&self, key: &Key) -> Result<Found, LogError> {
        if let Some(shelf) = &self.shelf {
            return shelf.read(key);
        }
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(memory.get(key).map_or(Found::Absent, |kept| Found::Sound(kept.clone())))
    }

    /// Nobody of `pipeline` is there any more whose state would change; what is kept stays.
    pub fn leave(&self, pipeline: &str) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.retain(|source| source.key().pipeline != pipeline);
    }

    /// Forgets what is kept in memory of `pipeline`.
    pub fn forget(&self, pipeline: &str) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.retain(|key, _| key.pipeline != pipeline);
    }

    /// Keeps `source`'s state from now on.
    pub fn add(&self, source: Arc<dyn Checkpointed>) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    /// Writes whatever changed; the first failure, after all were tried.
    pub fn write(&self) -> Result<(), LogError> {
        let _round = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut written, mut failed) = (Vec::new(), None);
        for source in &sources {
            let Some(checkpoint) = source.changed() else { continue };
            match self.put(source.key(), &checkpoint) {
                Ok(()) => written.push((source, checkpoint)),
                Err(error) => failed = Some(failed.unwrap_or(error)),
            }
        }
        if let Some(shelf) = self.shelf.as_ref().filter(|_| !written.is_empty())
            && let Err(error) = shelf.sync()
        {
            failed = Some(failed.unwrap_or(error));
            written.clear();
        }
        written.iter().for_each(|(source, checkpoint)| source.kept(checkpoint));
        failed.map_or(Ok(()), |error| {
            self.failures.add(&[], 1);
            tracing::error!(%error, "a checkpoint could not be written");
            Err(error)
        })
    }

    fn put(&self, key: &Key, checkpoint: &Checkpoint) -> Result<(), LogError> {
        if let Some(shelf) = &self.shelf {
            return shelf.write(key, checkpoint);
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(key.clone(), checkpoint.clone());
        Ok(())
    }
}

impl fmt::Debug for Checkpointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpointer").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}
