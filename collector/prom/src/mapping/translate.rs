//! Turns requests into series, one after the other.

use std::sync::Arc;

use collector_otlp::view::MetricsView;
use durable_fs::Clock;

use super::delta::Totals;
use super::options::Options;
use super::translated::{Cursor, Translated};
use super::walk::{TARGET_INFO, Walk};
use crate::remote_write::{MetricMetadata, MetricType};

/// Turns requests into series; keeps the running totals of deltas.
///
/// Translating a request twice adds its deltas twice: whoever sends again sends what the first time gave.
#[derive(Debug)]
pub struct Translator {
    options: Options,
    /// What is known about `target_info`.
    about_targets: Arc<MetricMetadata>,
    clock: Arc<dyn Clock>,
    totals: Totals,
}

impl Translator {
    /// A translator without totals.
    #[must_use]
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Self {
        let totals = Totals::new(options.delta);
        let about_targets = Arc::new(MetricMetadata {
            r#type: MetricType::Info.into(),
            metric_family_name: TARGET_INFO.to_owned(),
            help: "Target metadata".to_owned(),
            unit: String::new(),
        });
        Self { options, about_targets, clock, totals }
    }

    /// Translates one request.
    pub fn translate(&mut self, request: MetricsView<'_>) -> Translated {
        self.translate_part(request, Cursor::default(), usize::MAX).0
    }

    /// Translates the points of a request behind `from`, until what they gave takes up `max_bytes` of memory
    /// or more; says where the rest begins, if any is left. Each part orders its own samples alone.
    pub fn translate_part(
        &mut self,
        request: MetricsView<'_>,
        from: Cursor,
        max_bytes: usize,
    ) -> (Translated, Option<Cursor>) {
        let now = self.clock.monotonic();
        self.totals.sweep_now_and_then(now);
        let walk =
            Walk::new(&self.options, &self.about_targets, &mut self.totals, now, from, max_bytes);
        walk.request(request)
    }
}
