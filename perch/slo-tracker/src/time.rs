//! Time as the log tells it: it never goes back.
//!
//! # Invariants
//! 1. [`Timeline::place`] depends on the instants it was given and on nothing else, so that a replay places every event
//!    where it stood before.
//! 2. What it gives never falls. Where the clock was set back, everything behind goes on from the latest instant: windows
//!    then measure time that went by, and [`Moment::wall`] says what the clock showed.

/// A clock that falls back by less than this is two threads that wrote in another order than they looked at it.
const TOLERANCE: u64 = 1_000_000_000;
const NANOS: u64 = 1_000_000_000;

/// Where the log is in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeline {
    /// The latest instant.
    head: u64,
    /// How far the clock was set back altogether.
    shift: u64,
}

/// An instant, in nanoseconds since the epoch plus what the clock was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment {
    nanos: u64,
    shift: u64,
}

impl Timeline {
    /// Takes the next record's instant and gives where it counts.
    pub fn place(&mut self, received_at: u64) -> Moment {
        let shifted = received_at.saturating_add(self.shift);
        if shifted < self.head.saturating_sub(TOLERANCE) {
            self.shift += self.head - shifted;
        }
        self.head = self.head.max(received_at.saturating_add(self.shift));
        self.latest()
    }

    /// The instant of the latest record.
    #[must_use]
    pub fn latest(&self) -> Moment {
        Moment { nanos: self.head, shift: self.shift }
    }

    /// The instant at which the clock shows `wall`; never before the latest record.
    #[must_use]
    pub fn at(&self, wall: u64) -> Moment {
        let nanos = wall.saturating_add(self.shift).max(self.head);
        Moment { nanos, shift: self.shift }
    }

    pub(crate) fn parts(self) -> [u64; 2] {
        [self.head, self.shift]
    }

    pub(crate) fn of_parts([head, shift]: [u64; 2]) -> Option<Self> {
        (shift <= head).then_some(Self { head, shift })
    }
}

impl Moment {
    /// The instant at which a clock that was never set back shows `nanos`.
    #[must_use]
    pub const fn at(nanos: u64) -> Self {
        Self { nanos, shift: 0 }
    }

    /// Its bucket, for buckets of so many seconds.
    #[must_use]
    pub const fn bucket(self, step: u64) -> u64 {
        self.nanos / NANOS / if step == 0 { 1 } else { step }
    }

    /// What the clock showed, in seconds since the epoch.
    #[must_use]
    pub const fn wall(self) -> u64 {
        self.nanos.saturating_sub(self.shift) / NANOS
    }

    /// Whole seconds that the clock was set back by.
    pub(crate) const fn shift(self) -> u64 {
        self.shift / NANOS
    }

    /// Seconds since an earlier one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.nanos.saturating_sub(earlier.nanos) / NANOS
    }

    /// What the clock showed, in nanoseconds since the epoch.
    pub(crate) const fn wall_nanos(self) -> u64 {
        self.nanos.saturating_sub(self.shift)
    }

    pub(crate) const fn nanos(self) -> u64 {
        self.nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back() {
        let mut line = Timeline::default();
        let second = NANOS;
        assert_eq!(line.place(100 * second).bucket(1), 100);
        // Two threads.
        assert_eq!(line.place(100 * second - 5).bucket(1), 100);
        assert_eq!(line.latest().shift(), 0);
        // The clock was set back by fifty seconds: time goes on from there.
        assert_eq!(line.place(50 * second).bucket(1), 100);
        assert_eq!(line.place(53 * second).bucket(1), 103);
        assert_eq!(line.latest().wall(), 53);
        assert_eq!(line.at(60 * second).bucket(1), 110);
        assert_eq!(line.at(10 * second), line.latest());
    }
}
