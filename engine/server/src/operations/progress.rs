//! How far running operations have come: kept in memory, handed to watchers, never stored as events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use durable_fs::Clock;
use tokio::sync::broadcast;

use super::cancel::Cancel;
use super::model::{OperationId, Progress, Step};

/// Least time between two frames of one operation.
const INTERVAL: Duration = Duration::from_millis(100);
/// Frames a watcher may lag behind before it misses some; the next frame tells all of them.
const BACKLOG: usize = 256;

/// One report, as watchers get it.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) operation: OperationId,
    pub(crate) actor: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) step: Step,
    pub(crate) progress: Progress,
    pub(crate) unix_nanos: u64,
}

/// Progress of all running operations.
pub(crate) struct ProgressHub {
    running: Mutex<HashMap<OperationId, Live>>,
    frames: broadcast::Sender<Arc<Frame>>,
    clock: Arc<dyn Clock>,
}

/// What is known of a running operation.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) step: Step,
    pub(crate) progress: Progress,
    /// Ends it.
    pub(crate) cancel: Cancel,
}

/// The end of the hub that one operation reports to.
pub(crate) struct Reporter {
    hub: Arc<ProgressHub>,
    operation: OperationId,
    actor: String,
    traceparent: Option<String>,
    state: Mutex<(Step, Progress, Option<Duration>)>,
}

impl ProgressHub {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let frames = broadcast::Sender::new(BACKLOG);
        Arc::new(Self { running: Mutex::default(), frames, clock })
    }

    /// Begins the reports of an operation; they end when the reporter is dropped.
    pub(crate) fn begin(
        self: &Arc<Self>,
        operation: OperationId,
        actor: String,
        traceparent: Option<String>,
        cancel: Cancel,
    ) -> Reporter {
        let (step, progress) = (Step::Queued, Progress::default());
        self.running().insert(operation.clone(), Live { step, progress, cancel });
        let state = Mutex::new((step, progress, None));
        Reporter { hub: Arc::clone(self), operation, actor, traceparent, state }
    }

    /// What a running operation does, how far it is, and what ends it.
    pub(crate) fn of(&self, operation: &OperationId) -> Option<Live> {
        self.running().get(operation).cloned()
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Arc<Frame>> {
        self.frames.subscribe()
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<OperationId, Live>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter {
    /// Enters a step, which is told at once.
    pub(crate) fn step(&self, step: Step) {
        self.update(|state| state.0 = step, true);
    }

    /// Sets the counts, which are told at most once per interval, and when all is done.
    pub(crate) fn progress(&self, progress: Progress) {
        let done = progress.bytes_total > 0 && progress.bytes_done >= progress.bytes_total;
        self.update(|state| state.1 = progress, done);
    }

    /// The last state.
    pub(crate) fn last(&self) -> (Step, Progress) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.0, state.1)
    }

    fn update(&self, change: impl FnOnce(&mut (Step, Progress, Option<Duration>)), now: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = (state.0, state.1);
        change(&mut state);
        if before == (state.0, state.1) {
            return;
        }
        let time = self.hub.clock.monotonic();
        let due = state.2.is_none_or(|told| time.saturating_sub(told) >= INTERVAL);
        if let Some(entry) = self.hub.running().get_mut(&self.operation) {
            (entry.step, entry.progress) = (state.0, state.1);
        }
        if !due && !now {
            return;
        }
        state.2 = Some(time);
        // Nobody may be watching, which is fine.
        let _ = self.hub.frames.send(Arc::new(Frame {
            operation: self.operation.clone(),
            actor: self.actor.clone(),
            traceparent: self.traceparent.clone(),
            step: state.0,
            progress: state.1,
            unix_nanos: self.hub.clock.unix_nanos(),
        }));
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.hub.running().remove(&self.operation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable_fs::ManualClock;

    fn at(bytes_done: u64) -> Progress {
        Progress { bytes_done, bytes_total: 1_000, entries_done: 0, entries_total: 1 }
    }

    #[test]
    fn a_flood_of_reports_becomes_ten_frames_a_second() {
        let clock = Arc::new(ManualClock::default());
        let hub = ProgressHub::new(clock.clone());
        let id = OperationId::from_row("a".into());
        let reporter = hub.begin(id.clone(), "ada".into(), None, Cancel::default());
        let mut frames = hub.watch();
        for n in 0..900 {
            reporter.progress(at(n));
            clock.advance(Duration::from_millis(1));
        }
        let mut n_frames = 0;
        while frames.try_recv().is_ok() {
            n_frames += 1;
        }
        assert_eq!(n_frames, 9);
        let live = hub.of(&id).unwrap();
        assert_eq!((live.step, live.progress), (Step::Queued, at(899)));
    }

    #[test]
    fn steps_and_the_end_are_told_at_once() {
        let clock = Arc::new(ManualClock::default());
        let hub = ProgressHub::new(clock);
        let id = OperationId::from_row("a".into());
        let reporter = hub.begin(id.clone(), "ada".into(), None, Cancel::default());
        let mut frames = hub.watch();
        reporter.step(Step::Pack);
        reporter.progress(at(1));
        reporter.progress(at(1_000));
        assert_eq!(frames.try_recv().unwrap().step, Step::Pack);
        assert_eq!(frames.try_recv().unwrap().progress, at(1_000));
        assert!(frames.try_recv().is_err());
        drop(reporter);
        assert!(hub.of(&id).is_none());
    }
}
