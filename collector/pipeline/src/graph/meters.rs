//! The graph's own metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use collector_otlp::admission::Budget;
use collector_telemetry::names::metric;
use collector_telemetry::{MetricError, Metrics};

use crate::ledger::{EdgeAccount, Ledger, Reason};
use crate::log::LogReader;
use crate::queue::Queue;

/// Shows ledger, queues and logs as they stand at each scrape.
pub(super) fn observe(
    metrics: &Metrics,
    ledger: &Ledger,
    queues: Vec<(String, Arc<Queue>)>,
    logs: Vec<LogReader>,
) -> Result<(), MetricError> {
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
    let (sizes, ages) = (queues.clone(), queues);
    metrics.observe(&metric::QUEUE_BYTES, move || per_exporter(&sizes, |q| as_f64(q.n_bytes())))?;
    metrics.observe(&metric::QUEUE_OLDEST, move || {
        per_exporter(&ages, |q| q.oldest().as_secs_f64())
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

fn per_exporter(queues: &[(String, Arc<Queue>)], read: impl Fn(&Queue) -> f64) -> Rows {
    queues.iter().map(|(name, queue)| (vec![name.clone()], read(queue))).collect()
}

fn total(logs: &[LogReader], read: impl Fn(&LogReader) -> u64) -> Rows {
    vec![(Vec::new(), as_f64(logs.iter().map(read).sum()))]
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and a metric is a float anyway")]
fn as_f64(n: u64) -> f64 {
    n as f64
}
