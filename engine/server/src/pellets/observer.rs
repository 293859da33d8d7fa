//! What a job does with a packing's calls: progress, checkpoints, and the end when the server stops.

use nestr_pellets::{Milestone, PackObserver, Phase, Progress};
use tokio_util::sync::CancellationToken;

use crate::operations::{self, Reporter, Step};
use crate::options::{Checkpoint, CheckpointHook};

/// Reports a packing to its operation.
pub(super) struct Observer<'a> {
    pub(super) reporter: &'a Reporter,
    pub(super) stop: &'a CancellationToken,
    pub(super) hook: Option<&'a CheckpointHook>,
}

impl PackObserver for Observer<'_> {
    fn phase_started(&self, phase: Phase) {
        self.reporter.step(match phase {
            Phase::Walk => Step::Walk,
            Phase::Pack => Step::Pack,
            Phase::Seal => Step::Seal,
        });
    }

    fn progress(&self, progress: &Progress) {
        self.reporter.progress(operations::Progress {
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

    fn cancelled(&self) -> bool {
        self.stop.is_cancelled()
    }
}
