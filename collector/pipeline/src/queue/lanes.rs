//! Sends what waits in a queue, over and over until it is settled.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use collector_telemetry::names::metric;
use collector_telemetry::{Counter, Histogram, MetricError, Metrics};
use durable_fs::Clock;
use futures_util::FutureExt;
use futures_util::future::try_join_all;

use super::backoff::{Backoff, Jitter};
use super::bounded::{InHand, Item, Queue};
use super::said::Sampler;
use crate::config::RetryConfig;
use crate::ledger::Reason;
use crate::node::{Delivered, ExportError, Exporter};
use crate::outline;

/// After so many panics over one batch the batch is taken for the cause and dropped.
const MAX_PANICS: u32 = 3;

/// The metrics of all exporters.
#[derive(Debug, Clone)]
pub struct Meters {
    resent: Counter,
    duration: Histogram,
}

/// What lanes need besides a queue and an exporter.
#[derive(Clone)]
pub struct LaneOptions {
    /// Requests under way at once; absent, the exporter's own default.
    pub n_in_flight: Option<usize>,
    /// When to try again.
    pub retry: RetryConfig,
    /// Chance.
    pub jitter: Jitter,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Metrics.
    pub meters: Meters,
}

/// Everything between a queue and its exporter.
pub struct Lanes {
    name: String,
    queue: Arc<Queue>,
    exporter: Arc<dyn Exporter>,
    options: LaneOptions,
    drops: Sampler,
    failures: Sampler,
}

/// The exporter panicked; its batch is back in the queue.
#[derive(Debug, thiserror::Error)]
#[error("exporter {exporter} panicked: {message}")]
pub struct ExporterPanicked {
    /// The exporter's name.
    pub exporter: String,
    /// What it said.
    pub message: String,
}

/// What becomes of an item, decided after each attempt.
enum Verdict {
    Delivered(Delivered),
    Dropped { reason: Reason, error: ExportError },
    Again { wait: Duration, error: ExportError },
    Panicked(String),
}

impl Meters {
    /// Registers the exporters' metrics.
    pub fn register(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            resent: metrics.counter(&metric::RESENT_ITEMS)?,
            duration: metrics.histogram(&metric::EXPORT_DURATION)?,
        })
    }
}

impl Lanes {
    /// Lanes from `queue` to `exporter`, called `name` in logs and metrics.
    #[must_use]
    pub fn new(
        name: String,
        queue: Arc<Queue>,
        exporter: Arc<dyn Exporter>,
        options: LaneOptions,
    ) -> Self {
        let (drops, failures) = Default::default();
        Self { name, queue, exporter, options, drops, failures }
    }

    /// The exporter at their end.
    pub(crate) fn exporter(&self) -> Arc<dyn Exporter> {
        Arc::clone(&self.exporter)
    }

    /// Runs until the queue is closed and empty. May be dropped at any time and run again.
    pub async fn run(&self) -> Result<(), ExporterPanicked> {
        let n_lanes = self.options.n_in_flight.unwrap_or_else(|| self.exporter.n_in_flight());
        try_join_all((0..n_lanes.max(1)).map(|_| self.lane())).await.map(|_| ())
    }

    async fn lane(&self) -> Result<(), ExporterPanicked> {
        while let Some(item) = self.queue.pop().await {
            self.settle(item).await?;
        }
        Ok(())
    }

    /// Sends one item until it is delivered or dropped.
    async fn settle(&self, mut item: InHand) -> Result<(), ExporterPanicked> {
        let mut backoff = Backoff::new(&self.options.retry, self.options.jitter.clone());
        let first_attempt = self.options.clock.monotonic();
        let mut failed_before = false;
        loop {
            if failed_before {
                self.options.meters.resent.add(&[&self.name], item.n_items());
            }
            match self.attempt(&item, &mut backoff, first_attempt).await {
                Verdict::Delivered(delivered) => {
                    self.account_delivered(&item, delivered);
                    item.settle();
                    return Ok(());
                }
                Verdict::Dropped { reason, error } => {
                    self.account_dropped(&item, reason, &error.to_string());
                    item.settle();
                    return Ok(());
                }
                Verdict::Again { wait, error } => {
                    self.say_failure(wait, &error);
                    failed_before = true;
                    tokio::time::sleep(wait).await;
                }
                Verdict::Panicked(message) => {
                    if item.note_panic() >= MAX_PANICS {
                        self.account_dropped(&item, Reason::Panic, &message);
                        item.settle();
                    }
                    return Err(ExporterPanicked { exporter: self.name.clone(), message });
                }
            }
        }
    }

    async fn attempt(&self, item: &Item, backoff: &mut Backoff, first: Duration) -> Verdict {
        let started = self.options.clock.monotonic();
        let outcome = AssertUnwindSafe(self.exporter.export(&item.batch)).catch_unwind().await;
        let now = self.options.clock.monotonic();
        self.options
            .meters
            .duration
            .record(&[&self.name], now.saturating_sub(started).as_secs_f64());
        match outcome {
            Ok(Ok(delivered)) => Verdict::Delivered(delivered),
            Ok(Err(error @ ExportError::Permanent { reason, .. })) => {
                Verdict::Dropped { reason, error }
            }
            Ok(Err(ExportError::Retryable { code, message, after })) => {
                let wait = backoff.wait(after);
                let error = ExportError::Retryable { code, message, after };
                let spent = (now + wait).saturating_sub(first);
                let over = self.options.retry.give_up_after.is_some_and(|limit| spent > limit);
                if over || !self.options.retry.enabled {
                    return Verdict::Dropped { reason: Reason::RetriesExhausted, error };
                }
                Verdict::Again { wait, error }
            }
            Err(panic) => Verdict::Panicked(panic_message(panic.as_ref())),
        }
    }

    fn account_delivered(&self, item: &Item, delivered: Delivered) {
        // A backend that refuses more than it was sent is held to what it was sent.
        let mut left = item.n_items();
        for (reason, n) in delivered.dropped {
            let n = n.min(left);
            left -= n;
            item.edge.drop_items(reason, n, 0);
            if n > 0 {
                self.say_drop(item, n, reason, &delivered.message);
            }
        }
        item.edge.deliver(left, item.n_bytes());
    }

    fn account_dropped(&self, item: &Item, reason: Reason, error: &str) {
        item.edge.drop_items(reason, item.n_items(), item.n_bytes());
        self.say_drop(item, item.n_items(), reason, error);
    }

    fn say_drop(&self, item: &Item, n_items: u64, reason: Reason, error: &str) {
        if let Some(n_left_out) = self.drops.pass(self.options.clock.monotonic()) {
            let (exporter, reason, batch) = (&self.name, reason.as_str(), outline(&item.batch));
            tracing::error!(exporter, n_items, reason, error, batch, n_left_out, "items dropped");
        }
    }

    fn say_failure(&self, wait: Duration, error: &ExportError) {
        if let Some(n_left_out) = self.failures.pass(self.options.clock.monotonic()) {
            let (exporter, wait_ms) = (&self.name, wait.as_millis());
            tracing::warn!(exporter, %error, wait_ms, n_left_out, "delivery failed, trying again");
        }
    }
}

/// What a panic said, if it said anything.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
