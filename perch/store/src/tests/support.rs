//! A log with a store behind it, and OTLP requests made with the official types.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use collector_otlp::{Limits, Request, Signal};
use collector_pipeline::log::{Log, LogOptions};
use durable_fs::{DiskFs, Fs, ManualClock};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::runtime::Runtime;

use crate::{Followers, Source, Store, StoreOptions};

/// The time all tests start at: 2026-01-01.
pub(super) const NOW: u64 = 1_767_225_600_000_000_000;

/// A log, the store behind it, and the runtime its threads wait on.
pub(super) struct Bench {
    pub(super) log: Log,
    pub(super) store: Store,
    followers: Option<Followers>,
    runtime: Runtime,
}

impl Bench {
    pub(super) fn on_disk(signal: Signal, dir: &Path, options: LogOptions) -> Self {
        Self::on_fs(signal, Arc::new(DiskFs), dir, options)
    }

    /// The log is on the real disk, the index files on `fs`.
    pub(super) fn on_fs(signal: Signal, fs: Arc<dyn Fs>, dir: &Path, options: LogOptions) -> Self {
        let clock = clock();
        let log = Log::open(Arc::new(DiskFs), clock.clone(), dir, options).unwrap();
        Self::over(signal, log, clock, fs)
    }

    pub(super) fn in_memory(signal: Signal, options: LogOptions) -> Self {
        let clock = clock();
        Self::over(signal, Log::memory(clock.clone(), options), clock, Arc::new(DiskFs))
    }

    fn over(signal: Signal, log: Log, clock: Arc<ManualClock>, fs: Arc<dyn Fs>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let source = Source { pipeline: signal.name().into(), signal, reader: log.reader() };
        let options = StoreOptions::new(fs, clock);
        let (store, followers) = Store::start(vec![source], options, runtime.handle()).unwrap();
        Self { log, store, followers: Some(followers), runtime }
    }

    pub(super) fn append(&self, request: &Request) {
        self.log.append(request).unwrap();
    }

    /// Waits until everything appended is indexed.
    pub(super) fn settle(&self) {
        wait_until("the store is at the head", || self.store.n_lag_bytes() == 0);
    }

    pub(super) fn stop(mut self) {
        self.followers.take().unwrap().stop();
        drop(self.runtime);
    }
}

pub(super) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Duration::from_nanos(NOW)))
}

/// Small segments, so that a handful of requests fills several.
pub(super) fn small_segments(max_bytes: u64) -> LogOptions {
    LogOptions { segment_bytes: 2_000, ..LogOptions::with_max_bytes(max_bytes) }
}

pub(super) fn traces_of(service: &str, spans: Vec<Span>) -> Request {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(service)),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope { name: "tests".into(), ..Default::default() }),
                spans,
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    prove(Signal::Traces, request.encode_to_vec())
}

pub(super) fn logs_of(service: &str, log_records: Vec<LogRecord>) -> Request {
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource(service)),
            scope_logs: vec![ScopeLogs { log_records, ..Default::default() }],
            ..Default::default()
        }],
    };
    prove(Signal::Logs, request.encode_to_vec())
}

fn prove(signal: Signal, payload: Vec<u8>) -> Request {
    Request::prove(signal, payload.into(), &Limits::default()).unwrap()
}

fn resource(service: &str) -> Resource {
    let attributes = vec![pair("service.name", Value::StringValue(service.into()))];
    Resource { attributes, ..Default::default() }
}

pub(super) fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

/// A span of trace `trace` with id `id`, that starts `at` microseconds after [`NOW`] and takes 5 ms.
pub(super) fn span(trace: u8, id: u8, at: u64) -> Span {
    let start = NOW + at * 1_000;
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        name: format!("operation-{id}"),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 5_000_000,
        ..Default::default()
    }
}

/// A log line of trace `trace` (0 for none), `at` microseconds after [`NOW`].
pub(super) fn line(trace: u8, at: u64, body: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: NOW + at * 1_000,
        severity_number: 9,
        body: Some(AnyValue { value: Some(Value::StringValue(body.into())) }),
        trace_id: if trace == 0 { Vec::new() } else { vec![trace; 16] },
        ..Default::default()
    }
}
