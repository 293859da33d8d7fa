//! What a consumer gives a lane next, from memory or from disk.
//!
//! # Failure
//! A record that cannot be read ends its segment for this consumer: what the segment still held is
//! dropped as `damaged`. A file that cannot be read at the moment is tried again every [`RETRY`].

use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::Key;
use super::exporting::{Consumer, MAX_AHEAD};
use super::in_hand::InHand;
use super::window::Returned;
use crate::ledger::Reason;
use crate::log::{LogReader, Look, Position, Run};

/// Bytes read from disk at once for a consumer that lags, at most: more makes it no faster.
const MAX_RUN_BYTES: u64 = 4 << 20;
/// How long a file that cannot be read is left alone.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// What a consumer has to offer at the moment.
pub(super) enum Step {
    Item(InHand, bool),
    /// The next record is on disk; see [`Fetch::run`].
    Fetch(Fetch),
    /// Nothing now, but something is under way.
    Busy,
    Idle,
}

/// A reading of the disk that was asked for.
pub(super) struct Fetch {
    consumer: Arc<Consumer>,
    at: Position,
}

impl Consumer {
    /// What to do next.
    pub(super) fn step(self: &Arc<Self>) -> Step {
        let mut inner = self.lock();
        if let Some(returned) = inner.window.take_back() {
            return Step::Item(InHand::new(self, &mut inner, returned), true);
        }
        if inner.window.n_records() >= MAX_AHEAD || inner.fetching {
            return Step::Busy;
        }
        if inner.n_in_hand > 0 && inner.n_in_hand >= self.reader.ahead_bytes() / 2 {
            inner.short = true;
            return Step::Busy;
        }
        let next = inner.window.next();
        while inner.fetched.front().is_some_and(|r| r.position < next) {
            inner.fetched.pop_front();
        }
        if let Some(record) = inner.fetched.pop_front() {
            inner.window.take(&record);
            return Step::Item(InHand::new(self, &mut inner, Returned::fresh(record)), true);
        }
        match self.reader.look(next) {
            Look::Record { record, more } => {
                inner.window.take(&record);
                Step::Item(InHand::new(self, &mut inner, Returned::fresh(record)), more)
            }
            Look::OnDisk(at) => {
                inner.fetching = true;
                Step::Fetch(Fetch { consumer: Arc::clone(self), at })
            }
            Look::Gone => {
                let oldest = self.reader.oldest();
                self.skip(inner, oldest, Reason::Retention);
                self.wake.notify_one();
                Step::Busy
            }
            Look::AtHead if inner.window.is_busy() => Step::Busy,
            Look::AtHead => Step::Idle,
        }
    }
}

impl Fetch {
    /// Reads what is asked for, away from the async threads.
    pub(super) async fn run(self) {
        let (reader, at) = (self.consumer.reader.clone(), self.at);
        let max_bytes = run_bytes(&reader);
        let read = tokio::task::spawn_blocking(move || reader.run(at, max_bytes)).await;
        let mut inner = self.consumer.lock();
        match read {
            Ok(Ok(Run { records, damaged_until })) => {
                inner.fetched.extend(records);
                if let Some(resume) = damaged_until.filter(|_| inner.fetched.is_empty()) {
                    self.consumer.skip(inner, resume, Reason::Damaged);
                }
            }
            failed => {
                drop(inner);
                let Key { pipeline, consumer } = &self.consumer.key;
                let error = failed.map_or_else(|e| e.to_string(), |e| format!("{:?}", e.err()));
                tracing::error!(pipeline, exporter = consumer, error, "the log cannot be read");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// However it ends: the next one may ask again.
impl Drop for Fetch {
    fn drop(&mut self) {
        self.consumer.lock().fetching = false;
        self.consumer.wake.notify_one();
    }
}

/// Bytes read from `reader`'s disk at once.
pub(super) fn run_bytes(reader: &LogReader) -> u64 {
    (reader.ahead_bytes() / 2).clamp(1, MAX_RUN_BYTES)
}
