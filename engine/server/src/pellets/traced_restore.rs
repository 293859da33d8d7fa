//! A restore as telemetry: a span for each phase, with a log line at its end.

use std::sync::{Mutex, PoisonError};

use nestr_pellets::{Progress, RestoreObserver, RestorePhase};
use nestr_telemetry::names::{attr, span};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::operations::Cancel;

/// Makes spans of a restore's phases beneath its operation's span, and hands every call on to another observer.
pub struct TracedRestore<'a> {
    operation: &'a Span,
    inner: &'a dyn RestoreObserver,
    cancel: &'a Cancel,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    phase: Option<(RestorePhase, Span)>,
    progress: Progress,
}

impl<'a> TracedRestore<'a> {
    /// Spans beneath `operation`; calls go on to `inner`, and `cancel` ends the work.
    #[must_use]
    pub fn new(operation: &'a Span, inner: &'a dyn RestoreObserver, cancel: &'a Cancel) -> Self {
        Self { operation, inner, cancel, current: Mutex::default() }
    }

    /// Ends the last phase: well, or with the code and the words of the failure that ended the restore.
    pub fn finish(&self, failure: Option<(&'static str, &str)>) {
        let mut current = self.current();
        let Some((phase, span)) = current.phase.take() else { return };
        let progress = current.progress;
        if phase == RestorePhase::Extract {
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            span.set_attribute(attr::NESTR_PELLET_ENTRIES, number(progress.entries_done));
            span.set_attribute(attr::NESTR_PELLET_BYTES_OUT, number(progress.bytes_done));
        }
        if let Some((code, detail)) = failure {
            nestr_telemetry::fail(&span, code, detail);
            return;
        }
        span.in_scope(|| match phase {
            RestorePhase::Check => tracing::info!("checked sidecar and seek table"),
            RestorePhase::Extract => tracing::info!(
                entries = progress.entries_done,
                bytes = progress.bytes_done,
                "built the new tree"
            ),
            RestorePhase::Place => tracing::info!("gave the new tree its name"),
        });
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RestoreObserver for TracedRestore<'_> {
    fn phase_started(&self, phase: RestorePhase) {
        // The end of the phase before is told here: only now is it known that no error ended it.
        self.finish(None);
        let parent = self.operation;
        let span = match phase {
            RestorePhase::Check => tracing::info_span!(parent: parent, span::PELLET_CHECK),
            RestorePhase::Extract => tracing::info_span!(parent: parent, span::PELLET_EXTRACT),
            RestorePhase::Place => tracing::info_span!(parent: parent, span::PELLET_PLACE),
        };
        self.current().phase = Some((phase, span));
        self.inner.phase_started(phase);
    }

    fn phase_ended(&self, phase: RestorePhase) {
        self.inner.phase_ended(phase);
    }

    fn progress(&self, progress: &Progress) {
        self.current().progress = *progress;
        self.inner.progress(progress);
    }

    fn cancelled(&self) -> bool {
        self.cancel.is_asked() || self.inner.cancelled()
    }
}
