//! Bounds of a question: the time it asks about and the time it may take.

use std::sync::Arc;
use std::time::Duration;

use durable_fs::Clock;

/// A closed range of wall time, in nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First nanosecond.
    pub from: u64,
    /// Last nanosecond.
    pub to: u64,
}

/// When a scan has to end.
#[derive(Debug, Clone)]
pub struct Deadline {
    clock: Arc<dyn Clock>,
    until: Duration,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { from: 0, to: u64::MAX };
    /// No time: what [`Self::include`] starts from.
    pub const NONE: Self = Self { from: u64::MAX, to: 0 };

    /// Whether both have an instant in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// Whether the instant lies within.
    #[must_use]
    pub fn contains(&self, nanos: u64) -> bool {
        self.from <= nanos && nanos <= self.to
    }

    /// Grows the range to hold the instant.
    pub fn include(&mut self, nanos: u64) {
        self.from = self.from.min(nanos);
        self.to = self.to.max(nanos);
    }

    /// Grows the range to hold the other.
    pub fn cover(&mut self, other: &Self) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
    }
}

impl Deadline {
    /// The moment `within` from now on the clock's monotonic time.
    #[must_use]
    pub fn after(clock: Arc<dyn Clock>, within: Duration) -> Self {
        let until = clock.monotonic() + within;
        Self { clock, until }
    }

    /// Whether it is over.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.clock.monotonic() >= self.until
    }
}
