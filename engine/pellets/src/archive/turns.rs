//! What the threads of one packing share: who takes which frame, and whose turn it is to hash.
//!
//! # Invariants
//! 1. Frames are claimed in order, so the holder of a frame only ever waits for holders of earlier
//!    ones, and the holder of the earliest waits for nobody: no deadlock.
//! 2. After [`Turns::stop`] nobody waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::plan::Place;
use crate::digest::Digest;
use crate::error::PackError;

/// The common state of the workers and the writer.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) bytes_done: AtomicU64,
    pub(crate) entries_done: AtomicU64,
    stopped: AtomicBool,
    n_frames: usize,
    /// How many frames may be claimed and not yet written.
    window: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    n_claimed: usize,
    n_written: usize,
    /// Files that span frames, by index.
    hashes: HashMap<usize, PieceHash>,
    /// Buffers of written frames, to be filled again.
    spare: Vec<Vec<u8>>,
}

/// The hash of a file whose pieces are read by several threads.
#[derive(Debug, Default)]
struct PieceHash {
    n_hashed: u64,
    hasher: blake3::Hasher,
}

impl Turns {
    pub(crate) fn new(n_frames: usize, n_threads: usize) -> Self {
        Self {
            bytes_done: AtomicU64::new(0),
            entries_done: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            n_frames,
            window: n_threads + 2,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The next frame and a buffer for it; waits while too many are under way.
    pub(super) fn claim(&self) -> Option<(usize, Vec<u8>)> {
        let mut state = self.lock();
        loop {
            if self.stopped() || state.n_claimed == self.n_frames {
                return None;
            }
            if state.n_claimed < state.n_written + self.window {
                break;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let index = state.n_claimed;
        state.n_claimed += 1;
        Some((index, state.spare.pop().unwrap_or_default()))
    }

    /// Makes room for another frame; `buffer` held the one just written.
    pub(crate) fn frame_written(&self, buffer: Vec<u8>) {
        let mut state = self.lock();
        state.n_written += 1;
        state.spare.push(buffer);
        drop(state);
        self.changed.notify_all();
    }

    /// Has `feed` hash `len` stored bytes of a file after all earlier ones; the digest once the last
    /// ones are in.
    pub(crate) fn hash_piece(
        &self,
        file: usize,
        offset: u64,
        len: u64,
        place: Place,
        feed: impl FnOnce(&mut blake3::Hasher) -> Result<(), PackError>,
    ) -> Result<Option<Digest>, PackError> {
        let mut state = self.lock();
        let mut hash = loop {
            if self.stopped() {
                return Err(PackError::cancelled());
            }
            match state.hashes.remove(&file) {
                Some(hash) if hash.n_hashed == offset => break hash,
                Some(early) => drop(state.hashes.insert(file, early)),
                None if offset == 0 => break PieceHash::default(),
                // The thread before us hashes right now, or has not begun.
                None => {}
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        feed(&mut hash.hasher)?;
        hash.n_hashed += len;
        if hash.n_hashed == place.content_len {
            return Ok(Some(hash.hasher.finalize().into()));
        }
        self.lock().hashes.insert(file, hash);
        self.changed.notify_all();
        Ok(None)
    }

    /// Ends the work of all threads; whoever waits returns.
    pub(crate) fn stop(&self) {
        let guard = self.lock();
        self.stopped.store(true, Ordering::SeqCst);
        drop(guard);
        self.changed.notify_all();
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
