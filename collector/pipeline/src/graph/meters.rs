//! The graph's own metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use collector_otlp::admission::Budget;
use collector_telemetry::names::metric;
use collector_telemetry::{MetricError, Metrics};

use super::host::Host;
use crate::consumer::{Checkpointer, Feed};
use crate::ledger::{EdgeAccount, Ledger, Reason};
use crate::log::LogReader;

/// Shows ledger, cursors and logs as they stand at each scrape.
pub(super) fn observe(
    host: &Host,
    ledger: &Ledger,
    feeds: Vec<(String, Arc<Feed>)>,
    logs: Vec<LogReader>,
    checkpointer: &Arc<Checkpointer>,
) -> Result<(), MetricError> {
    let metrics = &host.metrics;
    let (items, bytes) = (ledger.clone(), ledger.clone());
    metrics.observe(&metric::LEDGER_ITEMS, move || {
        let edges = items.snapshot().edges;
        edges.iter().flat_map(|e| rows(e, e.entered, e.delivered, &e.dropped)).collect()
    })?;
    metrics.observe(&metric::LEDGER_BYTES, move || {
        let edges = bytes.snapshot().edges;
        let bytes_of =
            |e: &EdgeAccount| rows(e, e.entered_bytes, e.delivered_bytes, &e.dropped_bytes);
        edges.iter().flat_map(bytes_of).collect()
    })?;
    let (sizes, ages, clock) = (feeds.clone(), feeds, Arc::clone(&host.clock));
    metrics.observe(&metric::QUEUE_BYTES, move || {
        per_exporter(&sizes, |feed| {
            as_f64(feed.consumers().iter().map(|c| c.queued().n_bytes).sum())
        })
    })?;
    metrics.observe(&metric::QUEUE_OLDEST, move || {
        let now = clock.unix_nanos();
        per_exporter(&ages, |feed| {
            let oldest = feed.consumers().iter().filter_map(|c| c.oldest()).min();
            let age = oldest.map_or(0, |at| now.saturating_sub(at));
            Duration::from_nanos(age).as_secs_f64()
        })
    })?;
    let shelf = Arc::clone(checkpointer);
    metrics.observe(&metric::CHECKPOINT_DAMAGED, move || {
        let n = shelf.shelf().map_or(0, crate::consumer::Shelf::n_damaged);
        vec![(Vec::new(), as_f64(n))]
    })?;
    let (sizes, torn) = (logs.clone(), logs.clone());
    metrics.observe(&metric::LOG_BYTES, move || total(&sizes, LogReader::n_bytes))?;
    metrics.observe(&metric::LOG_TORN_TAILS, move || total(&torn, LogReader::n_torn))?;
    metrics.observe(&metric::LOG_DAMAGED_RECORDS, move || total(&logs, LogReader::n_damaged))
}

/// Shows what requests hold on their way in.
pub(super) fn observe_budget(metrics: &Metrics, budget: Budget) -> Result<(), MetricError> {
    metrics
        .observe(&metric::ADMISSION_BYTES, move || vec![(Vec::new(), as_f64(budget.held_bytes()))])
}

type Rows = Vec<(Vec<String>, f64)>;

fn rows(e: &EdgeAccount, entered: u64, delivered: u64, dropped: &BTreeMap<Reason, u64>) -> Rows {
    let edge = format!("{}/{}/{}", e.pipeline, e.from, e.to);
    let row = |outcome: &str, reason: &str, n: u64| {
        let labels = [e.signal, edge.as_str(), outcome, reason].map(ToOwned::to_owned);
        (labels.to_vec(), as_f64(n))
    };
    let mut rows = vec![row("in", "none", entered), row("delivered", "none", delivered)];
    rows.extend(dropped.iter().map(|(reason, n)| row("dropped", reason.as_str(), *n)));
    rows
}

fn per_exporter(feeds: &[(String, Arc<Feed>)], read: impl Fn(&Feed) -> f64) -> Rows {
    feeds.iter().map(|(name, feed)| (vec![name.clone()], read(feed))).collect()
}

fn total(logs: &[LogReader], read: impl Fn(&LogReader) -> u64) -> Rows {
    vec![(Vec::new(), as_f64(logs.iter().map(read).sum()))]
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and a metric is a float anyway")]
fn as_f64(n: u64) -> f64 {
    n as f64
}
