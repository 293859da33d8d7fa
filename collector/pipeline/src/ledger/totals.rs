//! What became of all items that left an edge.

use super::amount::Amount;
use super::reason::Reason;

/// Delivered and dropped, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What arrived.
    pub delivered: Amount,
    dropped: [Amount; Reason::ALL.len()],
}

impl Totals {
    /// All of `amount` arrived.
    #[must_use]
    pub fn delivered(amount: Amount) -> Self {
        Self { delivered: amount, ..Self::default() }
    }

    /// All of `amount` was given up.
    #[must_use]
    pub fn dropped(reason: Reason, amount: Amount) -> Self {
        let mut totals = Self::default();
        totals.drop_for(reason, amount);
        totals
    }

    /// Counts `amount` as given up.
    pub fn drop_for(&mut self, reason: Reason, amount: Amount) {
        self.dropped[reason as usize] += amount;
    }

    /// What was given up for `reason`.
    #[must_use]
    pub fn dropped_for(&self, reason: Reason) -> Amount {
        self.dropped[reason as usize]
    }

    /// Counts what `other` counts as well.
    pub fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        for reason in Reason::ALL {
            self.drop_for(reason, other.dropped_for(reason));
        }
    }

    /// Everything that left, one way or the other.
    #[must_use]
    pub fn sum(&self) -> Amount {
        self.delivered + self.dropped.iter().copied().sum()
    }
}
