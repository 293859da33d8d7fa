//! Threads that take units of work until none is left or one of them fails.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cpu::Meter;
use crate::read::{ReadError, ReadErrorKind};

/// Time between two looks at the observer.
const REPORT: Duration = Duration::from_millis(100);

/// Does `work` on each of `n_units`, on at most `threads` threads, each with a state of its own from
/// `start`. Meanwhile `watch` runs on this thread; where it says so, or a thread fails, `stop` is set.
///
/// # Errors
/// Of all failures the one of the earliest unit, so that equal runs fail alike as far as they can.
pub(crate) fn run<S>(
    threads: NonZeroUsize,
    n_units: usize,
    stop: &AtomicBool,
    start: impl Fn() -> Result<S, ReadError> + Sync,
    work: impl Fn(&mut S, usize) -> Result<(), ReadError> + Sync,
    mut watch: impl FnMut() -> bool,
) -> Result<(), ReadError> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, ReadError)>> = Mutex::new(None);
    let n_threads = threads.get().min(n_units);
    let fail = |unit: usize, error: ReadError| {
        stop.store(true, Ordering::Relaxed);
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        let told = failed.as_ref().is_some_and(|(first, first_error)| {
            let stopped = error.kind() == ReadErrorKind::Cancelled;
            stopped || (*first < unit && first_error.kind() != ReadErrorKind::Cancelled)
        });
        if !told {
            *failed = Some((unit, error));
        }
    };
    let (done, ended) = channel::<()>();
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            let done = done.clone();
            let (next, fail, start, work) = (&next, &fail, &start, &work);
            let cpu = Meter::current();
            scope.spawn(move || {
                let _counted = cpu.run();
                // Dropped when the thread ends, however it does.
                let _done = done;
                let mut state = match start() {
                    Ok(state) => state,
                    Err(e) => return fail(0, e),
                };
                while !stop.load(Ordering::Relaxed) {
                    let unit = next.fetch_add(1, Ordering::Relaxed);
                    if unit >= n_units {
                        return;
                    }
                    if let Err(e) = work(&mut state, unit) {
                        return fail(unit, e);
                    }
                }
            });
        }
        drop(done);
        while ended.recv_timeout(REPORT) == Err(RecvTimeoutError::Timeout) {
            if watch() {
                fail(usize::MAX, ReadError::cancelled());
            }
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), |(_, e)| Err(e))
}
