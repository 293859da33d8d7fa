//! A packing as telemetry: a span for each phase, with a log line at its end.

use std::sync::{Mutex, PoisonError};

use nestr_pellets::{Milestone, PackObserver, Phase, Progress};
use nestr_telemetry::names::{attr, span};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::operations::Cancel;

/// Makes spans of a packing's phases beneath its operation's span, and hands every call on to another observer.
pub struct TracedPacking<'a> {
    operation: &'a Span,
    inner: &'a dyn PackObserver,
    cancel: &'a Cancel,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    phase: Option<(Phase, Span)>,
    progress: Progress,
    n_frames: i64,
}

impl<'a> TracedPacking<'a> {
    /// Spans beneath `operation`; calls go on to `inner`, and `cancel` ends the work.
    #[must_use]
    pub fn new(operation: &'a Span, inner: &'a dyn PackObserver, cancel: &'a Cancel) -> Self {
        Self { operation, inner, cancel, current: Mutex::default() }
    }

    /// Ends the last phase: well, or with the code and the words of the failure that ended the packing.
    pub fn finish(&self, failure: Option<(&'static str, &str)>) {
        let mut current = self.current();
        let Some((phase, span)) = current.phase.take() else { return };
        let Current { progress, n_frames, .. } = *current;
        describe(phase, &span, &progress, n_frames);
        if let Some((code, detail)) = failure {
            nestr_telemetry::fail(&span, code, detail);
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

impl PackObserver for TracedPacking<'_> {
    fn phase_started(&self, phase: Phase) {
        // The end of the phase before is told here: only now is it known that no error ended it.
        self.finish(None);
        let parent = self.operation;
        let span = match phase {
            Phase::Walk => tracing::info_span!(parent: parent, span::PELLET_WALK),
            Phase::Pack => tracing::info_span!(parent: parent, span::PELLET_PACK),
            Phase::Seal => tracing::info_span!(parent: parent, span::PELLET_SEAL),
        };
        let mut current = self.current();
        // Packing begins anew where the walk had to be repeated.
        if phase == Phase::Pack {
            current.n_frames = 0;
        }
        current.phase = Some((phase, span));
        drop(current);
        self.inner.phase_started(phase);
    }

    fn phase_ended(&self, phase: Phase) {
        self.inner.phase_ended(phase);
    }

    fn progress(&self, progress: &Progress) {
        self.current().progress = *progress;
        self.inner.progress(progress);
    }

    fn milestone(&self, milestone: Milestone) {
        if matches!(milestone, Milestone::FrameWritten { .. }) {
            self.current().n_frames += 1;
        }
        self.inner.milestone(milestone);
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_asked() || self.inner.cancelled()
    }
}
