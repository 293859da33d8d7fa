//! One line per batch, and as many more as were asked for.

use collector_otlp::view::{KeyValueView, LogsView, Messages, MetricsView, TracesView};
use collector_pipeline::node::{Begun, Delivered, ExportError, Exporter};
use collector_pipeline::{Batch, Signal};
use futures_util::future::{BoxFuture, FutureExt, ready};

use super::config::{Config, Verbosity};

/// Writes batches to the log.
pub(super) struct Debug {
    name: String,
    config: Config,
}

impl Debug {
    pub(super) fn new(name: String, config: Config) -> Self {
        Self { name, config }
    }

    fn write(&self, batch: &Batch) {
        let (n_items, n_bytes) = (batch.n_items, batch.payload.len());
        tracing::info!(exporter = self.name, signal = %batch.signal, n_items, n_bytes, "batch");
        if self.config.verbosity != Verbosity::Basic {
            let detailed = self.config.verbosity == Verbosity::Detailed;
            for line in lines(batch, detailed).take(self.config.max_lines) {
                tracing::info!(exporter = self.name, "{line}");
            }
        }
    }
}

impl Exporter for Debug {
    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        _: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        self.write(batch);
        ready(Ok(Delivered::whole())).boxed()
    }
}

/// One line per span, metric or log record.
pub(super) fn lines(batch: &Batch, detailed: bool) -> Box<dyn Iterator<Item = String> + '_> {
    let tail = move |attributes: Messages<'_, KeyValueView<'_>>| {
        if detailed { all(attributes) } else { String::new() }
    };
    let body = &batch.payload[..];
    match batch.signal {
        Signal::Traces => Box::new(
            TracesView::over(body)
                .resource_spans()
                .flat_map(|r| r.scope_spans())
                .flat_map(|s| s.spans())
                .map(move |s| {
                    let ms = s.duration_nanos() / 1_000_000;
                    format!("span {} {} {ms} ms{}", s.trace_id, s.name, tail(s.attributes()))
                }),
        ),
        Signal::Metrics => Box::new(
            MetricsView::over(body)
                .resource_metrics()
                .flat_map(|r| r.scope_metrics())
                .flat_map(|s| s.metrics())
                .map(|m| format!("metric {} [{}]", m.name, m.unit)),
        ),
        Signal::Logs => Box::new(
            LogsView::over(body)
                .resource_logs()
                .flat_map(|r| r.scope_logs())
                .flat_map(|s| s.log_records())
                .map(move |l| {
                    format!("log {} {}{}", l.severity_name(), l.body, tail(l.attributes()))
                }),
        ),
    }
}

fn all(attributes: Messages<'_, KeyValueView<'_>>) -> String {
    attributes.map(|a| format!(" {}={}", a.key, a.value)).collect()
}
