//! Work that a thread hands to another one that has none left.
//!
//! # Invariants
//! 1. Something is given only to a thread that waits, so no more is under way than there are threads.
//! 2. Nobody waits once no unit is left or the work stops: who ends a unit wakes all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the threads of a restore give each other.
#[derive(Debug)]
pub(super) struct Share<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// Units that have not ended.
    n_left: usize,
    n_waiting: usize,
    given: VecDeque<T>,
}

/// A unit under way; it ends when this is dropped.
pub(super) struct UnderWay<'a, T>(&'a Share<T>);

impl<T> Drop for UnderWay<'_, T> {
    fn drop(&mut self) {
        self.0.lock().n_left -= 1;
        self.0.changed.notify_all();
    }
}

impl<T> Share<T> {
    pub(super) fn new(n_units: usize) -> Self {
        let state = State { n_left: n_units, n_waiting: 0, given: VecDeque::new() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Begins a unit.
    pub(super) fn unit(&self) -> UnderWay<'_, T> {
        UnderWay(self)
    }

    /// Whether somebody waits for work.
    pub(super) fn is_wanted(&self) -> bool {
        let state = self.lock();
        state.n_waiting > state.given.len()
    }

    /// Gives `work` away, or back where nobody waits for any.
    pub(super) fn give(&self, work: T) -> Option<T> {
        let mut state = self.lock();
        if state.n_waiting <= state.given.len() {
            return Some(work);
        }
        state.given.push_back(work);
        drop(state);
        self.changed.notify_one();
        None
    }

    /// Waits for something to do; none when all units have ended, or `stop` is set.
    pub(super) fn take(&self, stop: &AtomicBool) -> Option<T> {
        let mut state = self.lock();
        loop {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(work) = state.given.pop_front() {
                return Some(work);
            }
            if state.n_left == 0 {
                return None;
            }
            state.n_waiting += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.n_waiting -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_nothing_left_is_given_work_until_all_units_ended() {
        let (share, stop) = (Share::new(1), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let unit = share.unit();
            let helper = scope.spawn(|| std::iter::from_fn(|| share.take(&stop)).sum::<u32>());
            let (mut sum, mut given) = (0, 0);
            while given < 100 {
                match share.give(1) {
                    Some(_) => std::thread::yield_now(),
                    None => given += 1,
                }
                sum += 1;
            }
            assert!(sum >= 100);
            drop(unit);
            assert_eq!(helper.join().unwrap(), 100);
        });
        assert_eq!((share.give(1), share.take(&stop)), (Some(1), None));
    }

    #[test]
    fn a_stop_ends_all_waiting() {
        let (share, stop) = (Share::<u32>::new(2), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let unit = share.unit();
            let helper = scope.spawn(|| share.take(&stop));
            stop.store(true, Ordering::Relaxed);
            drop(unit);
            assert_eq!(helper.join().unwrap(), None);
        });
    }
}
