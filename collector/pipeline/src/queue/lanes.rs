//! Sends what a feed holds, over and over until it is settled.
//!
//! # Invariants
//! 1. With one lane, records of a pipeline leave in the order of its log, retries included.
//! 2. A lane that is stopped or panics gives its record back; nothing is lost by it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use collector_telemetry::names::metric;
use collector_telemetry::{Counter, Histogram, MetricError, Metrics};
use durable_fs::Clock;
use futures_util::FutureExt;
use futures_util::future::try_join_all;

use super::backoff::{Backoff, Jitter};
use super::said::Sampler;
use crate::config::RetryConfig;
use crate::consumer::{Feed, InHand};
use crate::ledger::{Amount, Reason, Totals};
use crate::node::{Delivered, ExportError, Exporter, panic_message};
use crate::outline;
use crate::own::{Attempt, OwnTraces};

/// After so many panics over one batch the batch is taken for the cause and dropped.
const MAX_PANICS: u32 = 3;

/// The metrics of all exporters.
#[derive(Debug, Clone)]
pub struct Meters {
    resent: Counter,
    duration: Histogram,
}

/// What lanes need besides a feed and an exporter.
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

/// Everything between a feed and its exporter.
pub struct Lanes {
    name: String,
    feed: Arc<Feed>,
    exporter: Arc<dyn Exporter>,
    options: LaneOptions,
    drops: Sampler,
    failures: Sampler,
    attempts: Attempts,
    own: Option<OwnTraces>,
}

/// The exporter panicked; its record waits again.
#[derive(Debug, thiserror::Error)]
#[error("exporter {exporter} panicked: {message}")]
pub struct ExporterPanicked {
    /// The exporter's name.
    pub exporter: String,
    /// What it said.
    pub message: String,
}

/// When the attempts under way began, by the monotonic clock.
#[derive(Default)]
struct Attempts(Mutex<Vec<Duration>>);

/// One attempt, until it is dropped.
struct UnderWay<'a>(&'a Attempts, Duration);

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
    /// Lanes from `feed` to `exporter`, called `name` in logs and metrics.
    #[must_use]
    pub fn new(
        name: String,
        feed: Arc<Feed>,
        exporter: Arc<dyn Exporter>,
        options: LaneOptions,
    ) -> Self {
        let (drops, failures, attempts) = Default::default();
        Self { name, feed, exporter, options, drops, failures, attempts, own: None }
    }

    /// The same, telling of its attempts.
    #[must_use]
    pub fn told_to(self, own: OwnTraces) -> Self {
        Self { own: Some(own), ..self }
    }

    /// How long the attempt has been under way that began first.
    #[must_use]
    pub fn busy_for(&self) -> Duration {
        self.attempts.oldest(self.options.clock.monotonic())
    }

    /// Runs until the feed is closed and empty, or retired. May be dropped at any time and run again.
    pub async fn run(&self) -> Result<(), ExporterPanicked> {
        let n_lanes = self.options.n_in_flight.unwrap_or_else(|| self.exporter.n_in_flight());
        try_join_all((0..n_lanes.max(1)).map(|_| self.lane())).await.map(|_| ())
    }

    async fn lane(&self) -> Result<(), ExporterPanicked> {
        while let Some(item) = self.feed.next().await {
            self.settle(item).await?;
        }
        Ok(())
    }

    /// Sends one item until it is delivered or dropped.
    async fn settle(&self, mut item: InHand) -> Result<(), ExporterPanicked> {
        let mut backoff = Backoff::new(&self.options.retry, self.options.jitter.clone());
        let first_attempt = self.options.clock.monotonic();
        let mut failed_before = false;
        let mut n_attempts = 0;
        loop {
            n_attempts += 1;
            if failed_before {
                self.options.meters.resent.add(&[&self.name], item.n_items());
            }
            let began = self.own.as_ref().and_then(OwnTraces::instant);
            let verdict = self.attempt(&item, &mut backoff, first_attempt).await;
            self.tell(&item, began, n_attempts, &verdict);
            match verdict {
                Verdict::Delivered(delivered) => {
                    let totals = self.totals_of(&item, delivered);
                    item.settle(totals);
                    return Ok(());
                }
                Verdict::Dropped { reason, error } => {
                    self.drop_item(item, reason, &error.to_string());
                    return Ok(());
                }
                Verdict::Again { wait, error } => {
                    self.say_failure(wait, &error);
                    failed_before = true;
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        // The record goes back, for others to send.
                        () = self.feed.retired() => return Ok(()),
                    }
                    if item.is_given_up() {
                        return Ok(());
                    }
                }
                Verdict::Panicked(message) => {
                    if item.note_panic() >= MAX_PANICS {
                        self.drop_item(item, Reason::Panic, &message);
                    }
                    return Err(ExporterPanicked { exporter: self.name.clone(), message });
                }
            }
        }
    }

    async fn attempt(&self, item: &InHand, backoff: &mut Backoff, first: Duration) -> Verdict {
        let started = self.options.clock.monotonic();
        let under_way = self.attempts.begin(started);
        let outcome =
            AssertUnwindSafe(self.exporter.export(item, item.begun())).catch_unwind().await;
        drop(under_way);
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

    /// Tells of an attempt that `began` then, where somebody wants to know.
    fn tell(&self, item: &InHand, began: Option<u64>, n_attempts: u64, verdict: &Verdict) {
        let (Some(own), Some(started)) = (&self.own, began) else { return };
        let said = |error: &ExportError| error.to_string();
        let outcome = match verdict {
            Verdict::Delivered(_) => Ok(()),
            Verdict::Dropped { reason, error } => Err((reason.as_str(), said(error))),
            Verdict::Again { error, .. } => Err((error.code(), said(error))),
            Verdict::Panicked(message) => Err((Reason::Panic.as_str(), message.clone())),
        };
        let (exporter, place) = (self.name.as_str(), item.place());
        own.delivered(Attempt { exporter, place, batch: item, n_attempts, started, outcome });
    }

    fn totals_of(&self, item: &InHand, delivered: Delivered) -> Totals {
        // A backend that refuses more than it was sent is held to what it was sent.
        let mut left = Amount::of(item);
        let mut totals = Totals::default();
        for (reason, n) in delivered.dropped {
            let n = n.min(left.n_items);
            left.n_items -= n;
            totals.drop_for(reason, Amount::new(n, 0));
            if n > 0 {
                self.say_drop(item, n, reason, &delivered.message);
            }
        }
        totals.delivered = left;
        totals
    }

    fn drop_item(&self, item: InHand, reason: Reason, error: &str) {
        self.say_drop(&item, item.n_items(), reason, error);
        let amount = Amount::of(&item);
        item.settle(Totals::dropped(reason, amount));
    }

    fn say_drop(&self, item: &InHand, n_items: u64, reason: Reason, error: &str) {
        if let Some(n_left_out) = self.drops.pass(self.options.clock.monotonic()) {
            let (exporter, reason, batch) = (&self.name, reason.as_str(), outline(item));
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

impl Attempts {
    fn begin(&self, now: Duration) -> UnderWay<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(now);
        UnderWay(self, now)
    }

    fn oldest(&self, now: Duration) -> Duration {
        let began = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        began.iter().min().map_or(Duration::ZERO, |at| now.saturating_sub(*at))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut began = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(i) = began.iter().position(|at| *at == self.1) {
            began.swap_remove(i);
        }
    }
}
