//! The count, its marks and its tickets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::machine;

/// Where a budget refuses, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Never passed.
    pub hard_bytes: u64,
    /// Once passed, nothing begins.
    pub soft_bytes: u64,
    /// Once sunk to, requests begin again.
    pub resume_bytes: u64,
}

/// A count of bytes that many requests share; clones are one.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Count>);

/// Bytes one request holds; gives them back when dropped.
#[derive(Debug)]
#[must_use = "a dropped ticket holds nothing"]
pub struct Ticket {
    count: Arc<Count>,
    n_bytes: u64,
}

/// Why a request gets no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// Others hold them.
    #[error("no memory at present; try again later")]
    Now,
    /// It alone needs more than there is.
    #[error(
        "request needs more than the {hard_bytes} bytes of memory set aside for requests; send smaller batches"
    )]
    Ever {
        /// All there is.
        hard_bytes: u64,
    },
}

#[derive(Debug)]
struct Count {
    marks: Marks,
    held: AtomicU64,
    peak: AtomicU64,
    closed: AtomicBool,
    n_refused: AtomicU64,
}

impl Marks {
    const MIB: u64 = 1024 * 1024;

    /// Marks under `hard_bytes`: a fifth is kept for those that had begun, and a fifth of the rest must be free
    /// before the next begin, so that the door does not flap.
    #[must_use]
    pub const fn under(hard_bytes: u64) -> Self {
        let soft_bytes = hard_bytes - hard_bytes / 5;
        Self { hard_bytes, soft_bytes, resume_bytes: soft_bytes - soft_bytes / 5 }
    }

    /// A quarter of `memory` bytes: the rest is for queues, indexes and the copies that decoding makes. Above
    /// a gibibyte more memory buys no throughput, only waiting.
    #[must_use]
    pub fn share_of(memory: u64) -> Self {
        Self::under((memory / 4).clamp(16 * Self::MIB, 1024 * Self::MIB))
    }

    /// The share of what this process may use, by its cgroup and the machine; of 2 GiB where neither tells.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self::share_of(machine::memory().unwrap_or(2048 * Self::MIB))
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self::of_this_machine()
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Marks::default())
    }
}

impl Budget {
    /// A budget with nothing held.
    #[must_use]
    pub fn new(marks: Marks) -> Self {
        let (held, peak, n_refused) = Default::default();
        Self(Arc::new(Count { marks, held, peak, closed: AtomicBool::new(false), n_refused }))
    }

    /// A ticket of `n_bytes` for a request that begins.
    pub fn begin(&self, n_bytes: u64) -> Result<Ticket, NoRoom> {
        let count = &self.0;
        count.fits_at_all(n_bytes)?;
        if count.closed.load(Relaxed) {
            return Err(count.refuse());
        }
        count.take(n_bytes)?;
        Ok(Ticket { count: Arc::clone(count), n_bytes })
    }

    /// Its marks.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.0.marks
    }

    /// Bytes held now.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.0.held.load(Relaxed)
    }

    /// The most that was ever held.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.0.peak.load(Relaxed)
    }

    /// Tickets refused, and growth refused.
    #[must_use]
    pub fn n_refused(&self) -> u64 {
        self.0.n_refused.load(Relaxed)
    }
}

impl Ticket {
    /// Makes it hold at least `n_bytes`; it holds what it held when that fails.
    pub fn grow_to(&mut self, n_bytes: u64) -> Result<(), NoRoom> {
        if n_bytes > self.n_bytes {
            self.count.fits_at_all(n_bytes)?;
            self.count.take(n_bytes - self.n_bytes)?;
            self.n_bytes = n_bytes;
        }
        Ok(())
    }

    /// Makes it hold at most `n_bytes`.
    pub fn shrink_to(&mut self, n_bytes: u64) {
        if n_bytes < self.n_bytes {
            self.count.give_back(self.n_bytes - n_bytes);
            self.n_bytes = n_bytes;
        }
    }

    /// What it holds.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

impl Count {
    fn fits_at_all(&self, n_bytes: u64) -> Result<(), NoRoom> {
        let hard_bytes = self.marks.hard_bytes;
        if n_bytes > hard_bytes {
            self.refuse();
            return Err(NoRoom::Ever { hard_bytes });
        }
        Ok(())
    }

    fn take(&self, n_bytes: u64) -> Result<(), NoRoom> {
        let room =
            |held: u64| held.checked_add(n_bytes).filter(|after| *after <= self.marks.hard_bytes);
        match self.held.fetch_update(Relaxed, Relaxed, room) {
            Ok(before) => {
                let after = before + n_bytes;
                self.peak.fetch_max(after, Relaxed);
                if after > self.marks.soft_bytes {
                    self.closed.store(true, Relaxed);
                    // Between the count and the flag others may have left; whoever leaves last sees the flag,
                    // unless that was before it stood.
                    self.reopen(self.held.load(Relaxed));
                }
                Ok(())
            }
            Err(_) => Err(self.refuse()),
        }
    }

    fn give_back(&self, n_bytes: u64) {
        let before = self.held.fetch_sub(n_bytes, Relaxed);
        self.reopen(before - n_bytes);
    }

    fn reopen(&self, held: u64) {
        if held <= self.marks.resume_bytes {
            self.closed.store(false, Relaxed);
        }
    }

    #[cold]
    fn refuse(&self) -> NoRoom {
        self.n_refused.fetch_add(1, Relaxed);
        NoRoom::Now
    }
}
