//! Buffers of request bodies, used again: asking the system for pages, and giving them back, costs more
//! than reading into them.
//!
//! *Invariants*
//! 1. What lies idle is bounded, by a sixteenth of what requests may hold and by [`MAX_IDLE`].
//! 2. A buffer has at most an eighth more room than was asked for: what is queued for long holds little
//!    that nobody counts.
//!
//! *Failure*: buffers only ever save work; whoever finds none gets a new one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

use crate::admission::Marks;

/// Bytes that lie idle at most.
const MAX_IDLE: usize = 8 << 20;
/// Smaller blocks the allocator has at hand.
const LEAST: usize = 16 << 10;
/// Idle buffers are looked through one by one.
const MAX_BUFFERS: usize = 64;

/// The idle buffers of a server.
#[derive(Debug)]
pub(super) struct Buffers(Arc<Mutex<Idle>>);

#[derive(Debug)]
struct Idle {
    /// In the order in which they came back.
    buffers: VecDeque<Vec<u8>>,
    n_bytes: usize,
    max_bytes: usize,
}

/// A buffer that is read from; comes back when the last reader is done.
struct Lent {
    buffer: Vec<u8>,
    idle: Weak<Mutex<Idle>>,
}

impl Buffers {
    /// None idle yet.
    pub(super) fn under(marks: Marks) -> Self {
        let share = usize::try_from(marks.hard_bytes / 16).unwrap_or(MAX_IDLE);
        let (buffers, n_bytes, max_bytes) = (VecDeque::new(), 0, share.min(MAX_IDLE));
        Self(Arc::new(Mutex::new(Idle { buffers, n_bytes, max_bytes })))
    }

    /// An empty buffer with room for `n` bytes.
    pub(super) fn take(&self, n: usize) -> Vec<u8> {
        let found = if n < LEAST { None } else { lock(&self.0).take(n) };
        found.unwrap_or_else(|| Vec::with_capacity(n))
    }

    /// The buffer for reading, without room that was not needed.
    pub(super) fn lend(&self, mut buffer: Vec<u8>) -> Bytes {
        if buffer.capacity() > most_room(buffer.len()) {
            buffer.shrink_to_fit();
        }
        if buffer.capacity() < LEAST {
            return buffer.into();
        }
        Bytes::from_owner(Lent { buffer, idle: Arc::downgrade(&self.0) })
    }
}

impl Idle {
    fn take(&mut self, n: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| (n..=most_room(n)).contains(&buffer.capacity());
        // The one that came back last is the likeliest to be in the processor's cache.
        let at = self.buffers.iter().rposition(fits)?;
        let buffer = self.buffers.remove(at)?;
        self.n_bytes -= buffer.capacity();
        Some(buffer)
    }

    fn put(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > self.max_bytes / 2 {
            return;
        }
        buffer.clear();
        self.n_bytes += buffer.capacity();
        self.buffers.push_back(buffer);
        while self.n_bytes > self.max_bytes || self.buffers.len() > MAX_BUFFERS {
            self.n_bytes -= self.buffers.pop_front().map_or(0, |oldest| oldest.capacity());
        }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(idle) = self.idle.upgrade() {
            lock(&idle).put(std::mem::take(&mut self.buffer));
        }
    }
}

/// Room that a buffer for `n` bytes may have.
fn most_room(n: usize) -> usize {
    n + n / 8
}

fn lock(idle: &Mutex<Idle>) -> MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn idle(buffers: &Buffers) -> Vec<usize> {
        lock(&buffers.0).buffers.iter().map(Vec::capacity).collect()
    }

    fn filled(buffers: &Buffers, n: usize) -> Vec<u8> {
        let mut buffer = buffers.take(n);
        buffer.resize(n, 7);
        buffer
    }

    #[test]
    fn a_buffer_comes_back_when_nobody_reads_it_and_goes_to_one_of_its_size() {
        let buffers = Buffers::under(Marks::under(64 * MIB as u64));
        let whole = buffers.lend(filled(&buffers, 100_000));
        let part = whole.slice(5..);
        drop(whole);
        assert!(idle(&buffers).is_empty() && part.len() == 99_995);
        drop(part);
        assert_eq!(idle(&buffers), [100_000]);
        assert!(buffers.take(80_000).capacity() < 100_000, "too much room");
        assert_eq!(buffers.take(90_000).capacity(), 100_000);
        assert!(idle(&buffers).is_empty());
        let mut roomy = Vec::with_capacity(100_000);
        roomy.resize(50_000, 1);
        drop(buffers.lend(roomy));
        drop(buffers.lend(filled(&buffers, LEAST - 1)));
        assert_eq!(idle(&buffers), [50_000], "cut to size; small ones are not kept");
    }

    #[test]
    fn what_lies_idle_is_bounded() {
        let buffers = Buffers::under(Marks::under(32 * MIB as u64));
        let all = [MIB, MIB / 2, MIB + 1, MIB].map(|n| buffers.lend(filled(&buffers, n)));
        drop(Vec::from(all));
        assert_eq!(idle(&buffers), [MIB / 2, MIB], "the oldest went, one was too large");
        let many: Vec<_> = (0..99).map(|_| buffers.lend(filled(&buffers, LEAST))).collect();
        drop(many);
        assert_eq!(idle(&buffers).len(), MAX_BUFFERS);
        let last = buffers.lend(filled(&buffers, LEAST));
        drop(buffers);
        drop(last);
    }
}
