//! What the Engine sees of a packing: spans of its phases, log lines in them, progress, checkpoints.

use std::sync::{Mutex, PoisonError};

use nestr_pellets::{Milestone, PackObserver, Phase, Progress};
use nestr_telemetry::names::{attr, span};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::operations::{self, Reporter, Step};
use crate::options::{Checkpoint, CheckpointHook};
use crate::problem::Problem;

/// Turns the calls of a packing into telemetry and progress.
pub(super) struct Observer<'a> {
    operation: &'a Span,
    reporter: &'a Reporter,
    stop: &'a CancellationToken,
    hook: Option<&'a CheckpointHook>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    phase: Option<(Phase, Span)>,
    progress: Progress,
    n_frames: i64,
}

impl<'a> Observer<'a> {
    pub(super) fn new(
        operation: &'a Span,
        reporter: &'a Reporter,
        stop: &'a CancellationToken,
        hook: Option<&'a CheckpointHook>,
    ) -> Self {
        Self { operation, reporter, stop, hook, current: Mutex::default() }
    }

    /// Ends the last phase, well or with the problem that stopped it.
    pub(super) fn finish(&self, problem: Option<&Problem>) {
        let mut current = self.current();
        let Some((phase, span)) = current.phase.take() else { return };
        let Current { progress, n_frames, .. } = *current;
        describe(phase, &span, &progress, n_frames);
        if let Some(problem) = problem {
            nestr_telemetry::fail(&span, problem.code.slug(), &problem.detail);
            return;
        }
        span.in_scope(|| match phase {
            Phase::Walk => tracing::info!(
                entries = progress.entries_total,
                bytes = progress.bytes_total,
                "walked the tree"
            ),
            Phase::Pack => tracing::info!(
                bytes_in = progress.bytes_done,
                bytes_out = progress.bytes_out,
                frames = n_frames,
                "packed all frames"
            ),
            Phase::Seal => tracing::info!("made the pellet durable"),
        });
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn describe(phase: Phase, span: &Span, progress: &Progress, n_frames: i64) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    match phase {
        Phase::Walk => {
            span.set_attribute(attr::NESTR_PELLET_ENTRIES, number(progress.entries_total));
            span.set_attribute(attr::NESTR_PELLET_BYTES_IN, number(progress.bytes_total));
        }
        Phase::Pack => {
            span.set_attribute(attr::NESTR_PELLET_BYTES_IN, number(progress.bytes_done));
            span.set_attribute(attr::NESTR_PELLET_BYTES_OUT, number(progress.bytes_out));
            span.set_attribute(attr::NESTR_PELLET_FRAMES, n_frames);
        }
        Phase::Seal => {}
    }
}

impl PackObserver for Observer<'_> {
    fn phase_started(&self, phase: Phase) {
        self.finish(None);
        let parent = self.operation;
        let (span, step) = match phase {
            Phase::Walk => (tracing::info_span!(parent: parent, span::PELLET_WALK), Step::Walk),
            Phase::Pack => (tracing::info_span!(parent: parent, span::PELLET_PACK), Step::Pack),
            Phase::Seal => (tracing::info_span!(parent: parent, span::PELLET_SEAL), Step::Seal),
        };
        self.current().phase = Some((phase, span));
        self.reporter.step(step);
    }

    fn progress(&self, progress: &Progress) {
        self.current().progress = *progress;
        self.reporter.progress(operations::Progress {
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            entries_done: progress.entries_done,
            entries_total: progress.entries_total,
        });
    }

    fn milestone(&self, milestone: Milestone) {
        if matches!(milestone, Milestone::FrameWritten { .. }) {
            self.current().n_frames += 1;
        }
        if let Some(hook) = self.hook {
            hook(Checkpoint::Packing(milestone));
        }
    }

    fn cancelled(&self) -> bool {
        self.stop.is_cancelled()
    }
}
