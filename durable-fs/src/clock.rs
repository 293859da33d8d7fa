//! Wall clock and monotonic time, injected.

use std::fmt::Debug;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time that tests can steer.
pub trait Clock: Debug + Send + Sync {
    /// Wall time since the Unix epoch.
    fn since_epoch(&self) -> Duration;

    /// Monotonic time since an arbitrary start of this clock.
    fn monotonic(&self) -> Duration;

    /// Wall time in nanoseconds since the Unix epoch, saturating in the year 2554.
    fn unix_nanos(&self) -> u64 {
        u64::try_from(self.since_epoch().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The operating system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: Mutex<(Duration, Duration)>,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    fn since_epoch(&self) -> Duration {
        // A clock set before 1970 reads as 1970: a wrong time stamp, but no panic.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

impl ManualClock {
    /// A clock that shows `wall` since the epoch.
    #[must_use]
    pub fn at(wall: Duration) -> Self {
        Self { now: Mutex::new((wall, Duration::ZERO)) }
    }

    /// Moves wall and monotonic time forward together.
    pub fn advance(&self, by: Duration) {
        let mut now = self.lock();
        now.0 += by;
        now.1 += by;
    }

    /// Sets the wall time alone, as an operator or NTP does.
    pub fn set_wall(&self, wall: Duration) {
        self.lock().0 = wall;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Duration, Duration)> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn since_epoch(&self) -> Duration {
        self.lock().0
    }

    fn monotonic(&self) -> Duration {
        self.lock().1
    }
}
