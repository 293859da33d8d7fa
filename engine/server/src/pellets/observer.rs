//! What a job does with a packing's calls: progress, checkpoints, and its passage through the gate.

use std::sync::{Mutex, PoisonError};

use nestr_pellets::{Milestone, PackObserver, Phase, Progress};
use tokio::runtime::Handle;

use super::gate::{Gate, Publishing};
use crate::operations::{self, Step, Underway};
use crate::options::{Checkpoint, CheckpointHook};

/// Reports a packing to its operation.
pub(super) struct Observer<'a> {
    operation: &'a Underway,
    hook: Option<&'a CheckpointHook>,
    gate: &'a Gate,
    publishing: Mutex<Option<Publishing>>,
}

impl<'a> Observer<'a> {
    pub(super) fn new(
        operation: &'a Underway,
        hook: Option<&'a CheckpointHook>,
        gate: &'a Gate,
    ) -> Self {
        Self { operation, hook, gate, publishing: Mutex::new(None) }
    }

    /// The passage through the gate, to be kept until the row is committed.
    pub(super) fn publishing(&self) -> Option<Publishing> {
        self.publishing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl PackObserver for Observer<'_> {
    fn phase_started(&self, phase: Phase) {
        if phase == Phase::Seal {
            // This thread is one that may wait. Who is asked to end does not pass, and then publishes nothing.
            let passing = Handle::current().block_on(async {
                tokio::select! {
                    biased;
                    () = self.operation.cancel.asked() => None,
                    passing = self.gate.publish() => Some(passing),
                }
            });
            *self.publishing.lock().unwrap_or_else(PoisonError::into_inner) = passing;
        }
        self.operation.reporter.step(match phase {
            Phase::Walk => Step::Walk,
            Phase::Pack => Step::Pack,
            Phase::Seal => Step::Seal,
        });
    }

    fn progress(&self, progress: &Progress) {
        self.operation.reporter.progress(operations::Progress {
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            entries_done: progress.entries_done,
            entries_total: progress.entries_total,
        });
    }

    fn milestone(&self, milestone: Milestone) {
        if let Some(hook) = self.hook {
            hook(Checkpoint::Packing(milestone));
        }
    }
}
