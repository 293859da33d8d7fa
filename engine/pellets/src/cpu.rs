//! CPU time that one piece of work takes, over all threads it has.
//!
//! The meter of a thread is handed to the threads that it starts, by who starts them: the clock of the
//! process would also count what other work takes at the same time.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

thread_local! {
    static CURRENT: RefCell<Meter> = RefCell::default();
}

/// Sums the CPU time of threads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<AtomicU64>);

/// A thread whose CPU time is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    meter: Meter,
    before: Meter,
    start: u64,
}

impl Meter {
    /// That of this thread, to be handed to one that it starts.
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Counts what this thread takes from now on.
    pub(crate) fn run(&self) -> Running {
        let before = CURRENT.replace(self.clone());
        Running { meter: self.clone(), before, start: thread_nanos() }
    }

    /// What was counted on threads that ended.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let taken = thread_nanos().saturating_sub(self.start);
        self.meter.0.fetch_add(taken, Ordering::Relaxed);
        CURRENT.replace(std::mem::take(&mut self.before));
    }
}

fn thread_nanos() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    u64::try_from(nanos).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_are_handed_the_meter_count() {
        let meter = Meter::default();
        let burn = || (0..2_000_000u64).fold(0, |a, b| std::hint::black_box(a ^ b));
        let alone = {
            let _running = meter.run();
            burn();
            drop(meter.run());
            Meter::current()
        };
        assert!(Arc::ptr_eq(&alone.0, &meter.0) && !Arc::ptr_eq(&Meter::current().0, &meter.0));
        let before = meter.total();
        assert!(before > Duration::ZERO);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _running = alone.run();
                burn();
            });
        });
        assert!(meter.total() > before);
    }
}
