//! The Engine's instruments: every metric of the catalogue that is emitted, with its labels as types.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter, MeterProvider};

use crate::names::{Direction, EventType, Metric, Outcome, Stage, attr, metric};

/// Methods that may stand in a label; any other reads `OTHER`.
const METHODS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/// The metrics behind the instruments.
pub(crate) const ALL: &[Metric] = &[
    metric::PELLET_COMPRESS,
    metric::PELLET_COMPRESS_DURATION,
    metric::PELLET_RESTORE,
    metric::PELLET_RESTORE_DURATION,
    metric::PELLET_VERIFY,
    metric::PELLET_VERIFY_DURATION,
    metric::PELLET_GC,
    metric::PELLET_GC_DURATION,
    metric::PELLET_BYTES,
    metric::PELLET_RATIO,
    metric::PELLET_STORE_BYTES,
    metric::PELLET_STORE_COUNT,
    metric::EVENTS_PUBLISHED,
    metric::EVENT_WATCHERS,
    metric::HTTP_REQUESTS,
    metric::HTTP_REQUEST_DURATION,
];

/// All instruments; clones share them.
#[derive(Debug, Clone)]
pub struct Instruments {
    compress: Ended,
    restore: Ended,
    verify: Ended,
    gc: Ended,
    bytes: Counter<u64>,
    ratio: Histogram<f64>,
    store_bytes: Gauge<u64>,
    store_count: Gauge<u64>,
    published: Counter<u64>,
    watchers: Gauge<u64>,
    n_watchers: Arc<AtomicU64>,
    requests: Counter<u64>,
    request_duration: Histogram<f64>,
}

/// How often an operation ended, and how long it took, by outcome.
#[derive(Debug, Clone)]
struct Ended {
    count: Counter<u64>,
    duration: Histogram<f64>,
}

/// Counts one open event stream as long as it lives.
#[derive(Debug)]
pub struct Watching(Instruments);

impl Ended {
    fn new(meter: &Meter, count: &Metric, duration: &Metric) -> Self {
        Self { count: counter(meter, count), duration: histogram(meter, duration) }
    }

    fn begin_at_zero(&self) {
        for outcome in Outcome::ALL {
            self.count.add(0, &[KeyValue::new(attr::OUTCOME, outcome.as_str())]);
        }
    }

    fn count(&self, outcome: Outcome, took: Duration) {
        let labels = [KeyValue::new(attr::OUTCOME, outcome.as_str())];
        self.count.add(1, &labels);
        self.duration.record(took.as_secs_f64(), &labels);
    }
}

impl Instruments {
    pub(crate) fn new(provider: &impl MeterProvider) -> Self {
        let meter = provider.meter(env!("CARGO_PKG_NAME"));
        let all = Self {
            compress: Ended::new(
                &meter,
                &metric::PELLET_COMPRESS,
                &metric::PELLET_COMPRESS_DURATION,
            ),
            restore: Ended::new(&meter, &metric::PELLET_RESTORE, &metric::PELLET_RESTORE_DURATION),
            verify: Ended::new(&meter, &metric::PELLET_VERIFY, &metric::PELLET_VERIFY_DURATION),
            gc: Ended::new(&meter, &metric::PELLET_GC, &metric::PELLET_GC_DURATION),
            bytes: counter(&meter, &metric::PELLET_BYTES),
            ratio: histogram(&meter, &metric::PELLET_RATIO),
            store_bytes: gauge(&meter, &metric::PELLET_STORE_BYTES),
            store_count: gauge(&meter, &metric::PELLET_STORE_COUNT),
            published: counter(&meter, &metric::EVENTS_PUBLISHED),
            watchers: gauge(&meter, &metric::EVENT_WATCHERS),
            n_watchers: Arc::new(AtomicU64::new(0)),
            requests: counter(&meter, &metric::HTTP_REQUESTS),
            request_duration: histogram(&meter, &metric::HTTP_REQUEST_DURATION),
        };
        all.begin_at_zero();
        all
    }

    /// A series that begins at one has no increase; those whose labels are known begin at zero.
    fn begin_at_zero(&self) {
        for operation in [&self.compress, &self.restore, &self.verify, &self.gc] {
            operation.begin_at_zero();
        }
        for direction in Direction::ALL {
            self.pellet_bytes(*direction, Stage::Compress, 0);
            self.pellet_bytes(*direction, Stage::Restore, 0);
        }
        self.watchers.record(0, &[]);
    }

    /// Counts a packing that has ended.
    pub fn pellet_compressed(&self, outcome: Outcome, took: Duration) {
        self.compress.count(outcome, took);
    }

    /// Counts a restore that has ended.
    pub fn pellet_restored(&self, outcome: Outcome, took: Duration) {
        self.restore.count(outcome, took);
    }

    /// Counts a verification that has ended; one with findings has failed.
    pub fn pellet_verified(&self, outcome: Outcome, took: Duration) {
        self.verify.count(outcome, took);
    }

    /// Counts a collection of the store that has ended.
    pub fn pellets_collected(&self, outcome: Outcome, took: Duration) {
        self.gc.count(outcome, took);
    }

    /// Counts bytes read from trees or written to Pellets.
    pub fn pellet_bytes(&self, direction: Direction, stage: Stage, n_bytes: u64) {
        let labels = [
            KeyValue::new(attr::DIRECTION, direction.as_str()),
            KeyValue::new(attr::STAGE, stage.as_str()),
        ];
        self.bytes.add(n_bytes, &labels);
    }

    /// Records bytes read over bytes written of a finished packing.
    pub fn pellet_ratio(&self, ratio: f64) {
        self.ratio.record(ratio, &[]);
    }

    /// Records what the store holds.
    pub fn pellet_store(&self, n_bytes: u64, n_pellets: u64) {
        self.store_bytes.record(n_bytes, &[]);
        self.store_count.record(n_pellets, &[]);
    }

    /// Counts a recorded event.
    pub fn event_published(&self, event_type: EventType) {
        self.published.add(1, &[KeyValue::new(attr::TYPE, event_type.short())]);
    }

    /// Counts an event stream until the returned value is dropped.
    #[must_use]
    pub fn watch(&self) -> Watching {
        self.watchers.record(self.n_watchers.fetch_add(1, Ordering::Relaxed) + 1, &[]);
        Watching(self.clone())
    }

    /// Counts an answered request; `route` is the matched template, `None` where none matched.
    pub fn http_request(&self, route: Option<&str>, method: &str, status: u16, took: Duration) {
        let method = METHODS.iter().find(|known| **known == method).unwrap_or(&"OTHER");
        let labels = [
            KeyValue::new(attr::ROUTE, route.unwrap_or("unmatched").to_owned()),
            KeyValue::new(attr::METHOD, *method),
            KeyValue::new(attr::STATUS, i64::from(status)),
        ];
        self.requests.add(1, &labels);
        self.request_duration.record(took.as_secs_f64(), &labels);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let before = self.0.n_watchers.fetch_sub(1, Ordering::Relaxed);
        self.0.watchers.record(before.saturating_sub(1), &[]);
    }
}

fn counter(meter: &Meter, about: &Metric) -> Counter<u64> {
    meter.u64_counter(about.name).with_description(about.help).with_unit(about.unit).build()
}

fn gauge(meter: &Meter, about: &Metric) -> Gauge<u64> {
    meter.u64_gauge(about.name).with_description(about.help).with_unit(about.unit).build()
}

fn histogram(meter: &Meter, about: &Metric) -> Histogram<f64> {
    meter
        .f64_histogram(about.name)
        .with_description(about.help)
        .with_unit(about.unit)
        .with_boundaries(about.buckets.to_vec())
        .build()
}
