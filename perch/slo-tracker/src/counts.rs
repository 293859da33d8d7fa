//! Good and bad events, added up.

use std::ops::{Add, AddAssign, Sub, SubAssign};

use serde::Serialize;

/// A sum as it is kept: a difference of counters that arrive one after the other may be negative for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Events that spent budget.
    pub bad: i64,
    /// All events.
    pub total: i64,
}

/// Events of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Events that spent budget; never more than `total`.
    pub bad: u64,
    /// All events.
    pub total: u64,
}

impl Sum {
    /// Nothing.
    pub const NONE: Self = Self { bad: 0, total: 0 };

    /// One event.
    #[must_use]
    pub const fn of(is_bad: bool) -> Self {
        Self { bad: is_bad as i64, total: 1 }
    }

    /// Whether there is nothing to be kept.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// What a window with this sum shows: nothing below none, and not more bad events than events.
    #[must_use]
    pub fn counts(self) -> Counts {
        let total = u64::try_from(self.total).unwrap_or_default();
        Counts { bad: u64::try_from(self.bad).unwrap_or_default().min(total), total }
    }
}

impl Counts {
    /// The share of bad events; 0 where there are none at all.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts beyond 2^53 may be rounded")]
    pub fn ratio(self) -> f64 {
        if self.total == 0 { 0.0 } else { self.bad as f64 / self.total as f64 }
    }
}

impl AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        self.bad = self.bad.saturating_add(other.bad);
        self.total = self.total.saturating_add(other.total);
    }
}

impl SubAssign for Sum {
    fn sub_assign(&mut self, other: Self) {
        self.bad = self.bad.saturating_sub(other.bad);
        self.total = self.total.saturating_sub(other.total);
    }
}

impl Add for Sum {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sub for Sum {
    type Output = Self;

    fn sub(mut self, other: Self) -> Self {
        self -= other;
        self
    }
}
