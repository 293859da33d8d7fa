//! Running totals of what senders count from point to point, and when each was last added to.
//!
//! *Invariants*
//! 1. At most `max_series` totals are kept; one more series is refused, none is forgotten for it.
//! 2. A total that nothing was added to for `expiry` is forgotten; the series then starts anew, which
//!    Prometheus reads as a counter reset.

use std::collections::HashMap;
use std::time::Duration;

use super::classic::Classic;
use super::native::Native;
use super::refusal::Refusal;
use crate::remote_write::Label;

/// Bounds on the running totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeltaLimits {
    /// Series with a total. Default 100 000, about 50 MB of counters.
    pub max_series: usize,
    /// Silence after which a total is forgotten. Default an hour: longer than any sender's interval.
    pub expiry: Duration,
}

/// The totals, by full label set.
#[derive(Debug)]
pub(super) struct Totals {
    limits: DeltaLimits,
    entries: HashMap<Vec<Label>, Entry>,
    swept: Duration,
}

#[derive(Debug)]
struct Entry {
    total: Total,
    /// When it began to count.
    start_unix_nano: u64,
    time_unix_nano: u64,
    touched: Duration,
}

/// The time a delta was counted in; nanoseconds since the epoch, a start of 0 where nobody said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start_unix_nano: u64,
    time_unix_nano: u64,
}

impl Span {
    pub(super) fn between(start_unix_nano: u64, time_unix_nano: u64) -> Self {
        Self { start_unix_nano, time_unix_nano }
    }
}

/// What has been added up.
#[derive(Debug)]
pub(super) enum Total {
    Number(f64),
    Classic(Classic),
    Native(Native),
}

impl Default for DeltaLimits {
    fn default() -> Self {
        Self { max_series: 100_000, expiry: Duration::from_secs(3600) }
    }
}

impl Totals {
    pub(super) fn new(limits: DeltaLimits) -> Self {
        Self { limits, entries: HashMap::new(), swept: Duration::ZERO }
    }

    /// Adds `delta`, counted between `span` and its end, to the total of `labels`; `now` is monotonic. Gives the
    /// total and when it began to count.
    pub(super) fn add(
        &mut self,
        labels: &[Label],
        span: Span,
        now: Duration,
        delta: Total,
    ) -> Result<(&Total, u64), Refusal> {
        let Span { start_unix_nano, time_unix_nano } = span;
        if !self.entries.contains_key(labels) {
            if self.entries.len() >= self.limits.max_series {
                self.sweep(now);
            }
            if self.entries.len() >= self.limits.max_series {
                return Err(Refusal::TooManyDeltas);
            }
            let entry = Entry { total: delta, start_unix_nano, time_unix_nano, touched: now };
            let entry = self.entries.entry(labels.to_vec()).insert_entry(entry).into_mut();
            return Ok((&entry.total, entry.start_unix_nano));
        }
        let Some(entry) = self.entries.get_mut(labels) else { return Err(Refusal::TooManyDeltas) };
        if time_unix_nano <= entry.time_unix_nano {
            return Err(Refusal::LateDelta);
        }
        (entry.time_unix_nano, entry.touched) = (time_unix_nano, now);
        if !entry.total.add(delta) {
            entry.start_unix_nano = start_unix_nano;
        }
        Ok((&entry.total, entry.start_unix_nano))
    }

    /// Forgets a series that said it ended.
    pub(super) fn end(&mut self, labels: &[Label]) {
        self.entries.remove(labels);
    }

    /// Forgets what is silent for too long; looks at everything, so only now and then.
    pub(super) fn sweep_now_and_then(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) >= self.limits.expiry / 4 {
            self.sweep(now);
        }
    }

    fn sweep(&mut self, now: Duration) {
        let expiry = self.limits.expiry;
        self.entries.retain(|_, entry| now.saturating_sub(entry.touched) < expiry);
        self.swept = now;
    }
}

impl Total {
    /// Another kind or other buckets under the same name begin a new total, which gives `false`.
    fn add(&mut self, delta: Self) -> bool {
        match (self, delta) {
            (Self::Number(total), Self::Number(delta)) => *total += delta,
            (Self::Classic(total), Self::Classic(delta)) => return total.add(delta),
            (Self::Native(total), Self::Native(delta)) => total.add(delta),
            (total, delta) => {
                *total = delta;
                return false;
            }
        }
        true
    }
}
