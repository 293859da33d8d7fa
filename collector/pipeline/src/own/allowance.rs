//! How many traces begin here, and how many spans there may be.

use std::sync::{Mutex, PoisonError};

/// Spans of the present second.
pub(super) struct Allowance {
    max: u32,
    second: Mutex<(u64, u32)>,
}

impl Allowance {
    pub(super) fn of(max: u32) -> Self {
        Self { max, second: Mutex::default() }
    }

    /// Takes one of those of the second `now`.
    pub(super) fn take(&self, now: u64) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0 != now {
            *second = (now, 0);
        }
        let is_left = second.1 < self.max;
        second.1 += u32::from(is_left);
        is_left
    }
}

/// Whether chance keeps a trace that begins here.
pub(super) fn kept(ratio: f64) -> bool {
    ratio >= 1.0 || rand::random::<f64>() < ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_bound_and_the_next_begins_anew() {
        let allowance = Allowance::of(3);
        let taken = |second| (0..5).filter(|_| allowance.take(second)).count();
        assert_eq!((taken(7), taken(7), taken(8)), (3, 0, 3));
        assert!(!Allowance::of(0).take(1));
    }

    #[test]
    fn chance_keeps_the_ratio() {
        assert!((0..100).all(|_| kept(1.0)) && (0..100).all(|_| !kept(0.0)));
        let n = (0..10_000).filter(|_| kept(0.1)).count();
        assert!((500..2_000).contains(&n), "{n}");
    }
}
