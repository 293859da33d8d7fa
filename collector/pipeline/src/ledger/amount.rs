//! Items and their bytes, counted together.

use std::ops::{Add, AddAssign, Sub};

/// Items and their uncompressed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Spans, data points or log records.
    pub n_items: u64,
    /// Uncompressed bytes of the batches they came in.
    pub n_bytes: u64,
}

impl Amount {
    /// Nothing.
    pub const NONE: Self = Self { n_items: 0, n_bytes: 0 };

    /// Both numbers.
    #[must_use]
    pub const fn new(n_items: u64, n_bytes: u64) -> Self {
        Self { n_items, n_bytes }
    }

    /// What a batch amounts to.
    #[must_use]
    pub fn of(batch: &crate::Batch) -> Self {
        Self::new(batch.n_items.into(), batch.payload.len() as u64)
    }

    /// Whether there is neither an item nor a byte.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.n_items + other.n_items, self.n_bytes + other.n_bytes)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Less, and never below nothing: counts that are read one after the other may cross.
impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let n_items = self.n_items.saturating_sub(other.n_items);
        Self::new(n_items, self.n_bytes.saturating_sub(other.n_bytes))
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::NONE, Add::add)
    }
}
