//! Where spans of our own go.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use durable_fs::Clock;

use super::span::Begun;
use crate::graph::Intake;

/// Takes spans of our own; clones are one.
#[derive(Clone)]
pub struct OwnTraces {
    clock: Arc<dyn Clock>,
    way: Arc<Mutex<Option<Way>>>,
}

/// The pipeline that carries them.
struct Way {
    intake: Intake,
    /// Its exporters.
    silent: BTreeSet<String>,
}

impl OwnTraces {
    /// Spans go nowhere until there is a way.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, way: Arc::default() }
    }

    /// From now on spans go into `intake`, whose pipeline feeds `exporters`; with none they go nowhere.
    pub fn lead(&self, way: Option<(Intake, BTreeSet<String>)>) {
        let way = way.map(|(intake, silent)| Way { intake, silent });
        *self.way.lock().unwrap_or_else(PoisonError::into_inner) = way;
    }

    /// Begins a span.
    pub fn begin(&self, name: &'static str) -> Begun {
        Begun::new(self.clone(), name, self.clock.unix_nanos())
    }

    /// Whether spans about this exporter would come back to it.
    #[must_use]
    pub fn is_silent_about(&self, exporter: &str) -> bool {
        let way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        way.as_ref().is_none_or(|way| way.silent.contains(exporter))
    }

    pub(super) fn finish(&self, span: Begun) {
        let way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(intake) = way.as_ref().map(|way| way.intake.clone()) else { return };
        drop(way);
        if let Some(batch) = span.request(self.clock.unix_nanos()) {
            // Taken or refused, the answer changes nothing.
            drop(intake.offer(batch));
        }
    }
}

impl fmt::Debug for OwnTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnTraces").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use collector_otlp::view::TracesView;
    use durable_fs::ManualClock;

    use super::*;
    use crate::Batch;
    use crate::graph::Admission;

    #[test]
    fn spans_go_where_they_are_led() {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(100)));
        let own = OwnTraces::new(Arc::clone(&clock) as _);
        assert!(own.is_silent_about("loki"), "there is no way");
        own.begin("perch.collect.start").end();
        let taken: Arc<Mutex<Vec<Batch>>> = Arc::default();
        let kept = Arc::clone(&taken);
        let intake = Intake::new(move |batch| {
            kept.lock().unwrap().push(batch);
            Admission::Accepted
        });
        own.lead(Some((intake, ["tempo".to_owned()].into())));
        assert!(own.is_silent_about("tempo") && !own.is_silent_about("loki"));
        let span = own.begin("perch.config.reload").with("outcome", "refused").failed("no");
        clock.advance(Duration::from_secs(1));
        span.end();
        let taken = taken.lock().unwrap();
        assert_eq!(taken.len(), 1);
        let view = TracesView::over(&taken[0].payload).resource_spans().next().unwrap();
        let span = view.scope_spans().next().unwrap().spans().next().unwrap();
        assert_eq!((span.name, span.duration_nanos()), ("perch.config.reload", 1_000_000_000));
        assert_eq!(span.status_message, "no");
        assert_eq!(span.attributes().get("outcome").unwrap().to_string(), "refused");
    }
}
