//! Graphs of test nodes: a receiver that hands its intake out, an exporter that does as its
//! settings and its test say.

mod acks;
mod delivered;
mod faults;
mod observing;
mod outage;
mod reload;
mod replay;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use collector_telemetry::Metrics;
use durable_fs::{DiskFs, FaultyFs, Fs, OpKind, SystemClock, Verdict};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{Config, Tree};
use crate::ledger::Reason;
use crate::log::Next;
use crate::node::{
    Begun, Built, Delivered, ExportError, Exporter, ExporterKind, NodeContext, NodeError,
    ProcessorKind, ProcessorShape, Receiver, ReceiverKind, Registry, Started,
};
use crate::queue::Jitter;
use crate::{Batch, Signal};

static INTAKES: Mutex<BTreeMap<String, Intake>> = Mutex::new(BTreeMap::new());
static TAKEN: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());
/// What each sink does with what comes; it takes it where nothing is said.
static MOODS: Mutex<BTreeMap<String, Mood>> = Mutex::new(BTreeMap::new());
/// The marks each sink has taken, in order.
static GOT: Mutex<BTreeMap<String, Vec<u32>>> = Mutex::new(BTreeMap::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Takes,
    Away,
    Refuses,
}

static REGISTRY: Registry = Registry {
    receivers: &[
        ReceiverKind { name: "hand", signals: &Signal::ALL, build: build_hand },
        ReceiverKind { name: "mute", signals: &Signal::ALL, build: reload::build_mute },
    ],
    processors: &[ProcessorKind {
        name: "count",
        signals: &[Signal::Logs],
        shape: ProcessorShape::Observer(observing::build),
    }],
    exporters: &[
        ExporterKind {
            name: "sink",
            older_names: &["drain"],
            signals: &Signal::ALL,
            build: build_sink,
        },
        ExporterKind {
            name: "tracesink",
            older_names: &[],
            signals: &[Signal::Traces],
            build: build_sink,
        },
    ],
};

struct Hand(String);

impl Receiver for Hand {
    fn start(
        &self,
        intake: Intake,
        stop: CancellationToken,
    ) -> BoxFuture<'_, Result<Started, NodeError>> {
        INTAKES.lock().unwrap_or_else(PoisonError::into_inner).insert(self.0.clone(), intake);
        let work = async move { stop.cancelled_owned().await }.map(Ok).boxed();
        async { Ok(Started { bound: Vec::new(), work }) }.boxed()
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SinkSettings {
    /// Never answers.
    stuck: bool,
    /// Panics on that many calls first.
    n_panics: u32,
}

struct Sink {
    name: String,
    settings: SinkSettings,
    n_calls: Mutex<u32>,
}

impl Exporter for Sink {
    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        _: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        async move {
            let n = {
                let mut n = self.n_calls.lock().unwrap_or_else(PoisonError::into_inner);
                *n += 1;
                *n
            };
            assert!(n > self.settings.n_panics, "call {n}");
            if self.settings.stuck {
                std::future::pending::<()>().await;
            }
            let mood =
                MOODS.lock().unwrap_or_else(PoisonError::into_inner).get(&self.name).copied();
            match mood.unwrap_or(Mood::Takes) {
                Mood::Takes => {}
                Mood::Away => {
                    let (code, after) = ("503".to_owned(), Some(Duration::from_millis(2)));
                    return Err(ExportError::Retryable { code, message: String::new(), after });
                }
                Mood::Refuses => return Err(ExportError::permanent("400", "no")),
            }
            let mark = batch.payload.first_chunk().map_or(0, |m| u32::from_le_bytes(*m));
            let mut got = GOT.lock().unwrap_or_else(PoisonError::into_inner);
            got.entry(self.name.clone()).or_default().push(mark);
            drop(got);
            let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            *taken.entry(self.name.clone()).or_default() += u64::from(batch.n_items);
            Ok(Delivered::whole())
        }
        .boxed()
    }
}

fn build_hand(_: &Tree, context: &NodeContext) -> Built<dyn Receiver> {
    Ok(Arc::new(Hand(context.id.to_string())))
}

fn build_sink(settings: &Tree, context: &NodeContext) -> Built<dyn Exporter> {
    let (name, settings) = (context.id.to_string(), settings.read()?);
    Ok(Arc::new(Sink { name, settings, n_calls: Mutex::new(0) }))
}

fn host(fs: Arc<dyn Fs>) -> Host {
    let clock = Arc::new(SystemClock::new());
    // No jitter: restarts come at once, so that tests do not wait for chance.
    Host { fs, clock, metrics: Metrics::new(), jitter: Jitter::new(|| 0.0) }
}

fn parse(text: &str) -> Config {
    Config::parse("test.yaml", text, &|_| None).unwrap()
}

async fn run(text: &str) -> (Running, Metrics) {
    let host = host(Arc::new(DiskFs));
    let metrics = host.metrics.clone();
    let graph = Graph::build(&parse(text), &REGISTRY, host).unwrap();
    (graph.start().await.unwrap(), metrics)
}

fn intake(name: &str) -> Intake {
    INTAKES.lock().unwrap()[name].clone()
}

fn taken(name: &str) -> u64 {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or(0)
}

fn feel(name: &str, mood: Mood) {
    MOODS.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), mood);
}

/// The marks that a sink has taken so far.
fn got(name: &str) -> Vec<u32> {
    GOT.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
}

/// A folder in memory where the machine has one: tests that sync thousands of times test no disk.
fn quick_dir() -> tempfile::TempDir {
    let shared = std::path::Path::new("/dev/shm");
    let made = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
    made.unwrap()
}

fn n_got(name: &str) -> u32 {
    got(name).len().try_into().unwrap()
}

/// A batch of one log record that bears `mark`, of `n_bytes`.
fn numbered(mark: u32, n_bytes: usize) -> Batch {
    let mut payload = vec![0; n_bytes.max(4)];
    payload[..4].copy_from_slice(&mark.to_le_bytes());
    Batch { signal: Signal::Logs, n_items: 1, payload: payload.into() }
}

/// A disk that dies when it is told to: nothing works from then on.
#[derive(Clone, Default)]
struct Mortal(Arc<std::sync::atomic::AtomicBool>);

impl Mortal {
    fn fs(&self) -> Arc<dyn Fs> {
        let dead = Arc::clone(&self.0);
        Arc::new(FaultyFs::new(Arc::new(DiskFs), move |_| {
            match dead.load(std::sync::atomic::Ordering::SeqCst) {
                true => Verdict::Fail(io::ErrorKind::BrokenPipe.into()),
                false => Verdict::Pass,
            }
        }))
    }

    /// Ends `graph` as kill -9 does: nothing is written any more, and nobody is told.
    async fn kill(&self, graph: Running, dir: &std::path::Path) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        drop(graph);
        until("the lock is free", || crate::log::StorageLock::take(&DiskFs, dir).is_ok()).await;
    }
}

async fn run_with(text: &str, fs: Arc<dyn Fs>) -> Running {
    let graph = Graph::build(&parse(text), &REGISTRY, host(fs)).unwrap();
    graph.start().await.unwrap()
}

fn batch(signal: Signal, n_items: u32) -> Batch {
    Batch { signal, n_items, payload: vec![7; 100].into() }
}

async fn offer(intake: &Intake, batch: Batch) -> Admission {
    tokio::time::timeout(Duration::from_secs(20), intake.offer(batch)).await.expect("an answer")
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < give_up, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_batch_reaches_every_exporter_and_the_log() {
    let (graph, metrics) = run("receivers: {hand/fan: }\n\
         exporters: {sink/a: , sink/b: }\n\
         service: {pipelines: {traces: {receivers: [hand/fan], exporters: [sink/a, sink/b]},\n\
                               metrics: {receivers: [hand/fan], exporters: [sink/a]}}}")
    .await;
    assert_eq!(offer(&intake("hand/fan"), batch(Signal::Traces, 5)).await, Admission::Accepted);
    assert_eq!(offer(&intake("hand/fan"), batch(Signal::Metrics, 2)).await, Admission::Accepted);
    assert_eq!(offer(&intake("hand/fan"), batch(Signal::Logs, 1)).await, Admission::Unwanted);
    let names: Vec<String> = graph.logs().iter().map(|l| l.pipeline.to_string()).collect();
    assert_eq!(names, ["traces"]);
    let reader = graph.logs()[0].reader.clone();
    let Next::Record(record) = reader.next(reader.start()).unwrap() else { panic!("no record") };
    assert_eq!(record.batch, batch(Signal::Traces, 5));
    until("delivery", || taken("sink/a") == 7 && taken("sink/b") == 5).await;
    until("readiness", || graph.health().is_ready()).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(report.n_dropped, 0);
    assert_eq!(report.ledger.edge("traces", "log", "sink/a").unwrap().delivered, 5);
    assert_eq!(report.ledger.edge("metrics", "hand/fan", "log").unwrap().entered, 2);
    let text = metrics.render();
    let row = "perch_ledger_items_total{edge=\"traces/log/sink/b\",outcome=\"delivered\",reason=\"none\",signal=\"traces\"} 5";
    assert!(text.contains(row), "{text}");
}

#[tokio::test]
async fn one_full_share_refuses_and_leaves_no_trace() {
    let (graph, _) = run(
        "receivers: {hand/full: }\n\
         exporters: {sink/quick: , sink/stuck: {stuck: true, sending_queue: {queue_size: 300, sizer: bytes}}}\n\
         service: {pipelines: {logs: {receivers: [hand/full], exporters: [sink/quick, sink/stuck]}}}",
    )
    .await;
    let intake = intake("hand/full");
    assert_eq!(offer(&intake, batch(Signal::Logs, 1)).await, Admission::Accepted);
    assert_eq!(offer(&intake, batch(Signal::Logs, 1)).await, Admission::Accepted);
    let head = graph.logs()[0].reader.head();
    assert!(matches!(offer(&intake, batch(Signal::Logs, 1)).await, Admission::Full { .. }));
    assert_eq!(graph.logs()[0].reader.head(), head);
    until("the other exporter", || taken("sink/quick") == 2).await;
    let report = graph.shutdown(Duration::from_millis(50)).await;
    report.ledger.assert_balanced();
    assert_eq!(report.dropped, [("sink/stuck".to_owned(), 2)]);
    let stuck = report.ledger.edge("logs", "log", "sink/stuck").unwrap();
    assert_eq!((stuck.entered, stuck.dropped.get(&Reason::Shutdown)), (2, Some(&2)));
    assert!(matches!(offer(&intake, batch(Signal::Logs, 1)).await, Admission::Unavailable { .. }));
    assert_eq!(
        report.to_string(),
        "logs/log/sink/quick: in 2, delivered 2, dropped 0\n\
         logs/log/sink/stuck: in 2, delivered 0, dropped 2\n\
         logs/hand/full/log: in 2, delivered 2, dropped 0\n"
    );
}

#[tokio::test]
async fn a_panicking_exporter_is_restarted_and_loses_nothing() {
    let (graph, metrics) = run(
        "receivers: {hand/panic: }\n\
         exporters: {sink/panics: {n_panics: 2}, sink/calm: }\n\
         service: {pipelines: {traces: {receivers: [hand/panic], exporters: [sink/panics, sink/calm]}}}",
    )
    .await;
    assert_eq!(offer(&intake("hand/panic"), batch(Signal::Traces, 3)).await, Admission::Accepted);
    until("delivery", || taken("sink/panics") == 3 && taken("sink/calm") == 3).await;
    let nodes = graph.health().nodes();
    let node = nodes.iter().find(|n| n.node == "exporter/sink/panics").unwrap();
    assert_eq!(node.n_restarts, 2);
    assert!(
        metrics.render().contains("perch_node_restarts_total{node=\"exporter/sink/panics\"} 2")
    );
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(report.n_dropped, 0);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_refuses_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let full = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let disk = Arc::clone(&full);
    let fs = FaultyFs::new(Arc::new(DiskFs), move |op| {
        let fails = op.kind == OpKind::Write && disk.load(std::sync::atomic::Ordering::SeqCst);
        if fails { Verdict::Tear(3, io::ErrorKind::StorageFull.into()) } else { Verdict::Pass }
    });
    let text = format!(
        "receivers: {{hand/disk: }}\nexporters: {{sink/disk: }}\nstorage: {{directory: '{}'}}\n\
         service: {{pipelines: {{logs/one: {{receivers: [hand/disk], exporters: [sink/disk]}}}}}}",
        dir.path().display()
    );
    let graph = Graph::build(&parse(&text), &REGISTRY, host(Arc::new(fs))).unwrap();
    let graph = graph.start().await.unwrap();
    let disk = intake("hand/disk");
    assert_eq!(offer(&disk, batch(Signal::Logs, 1)).await, Admission::Accepted);
    full.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(offer(&disk, batch(Signal::Logs, 1)).await, Admission::Unavailable { .. }));
    full.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(offer(&disk, batch(Signal::Logs, 1)).await, Admission::Accepted);
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(report.ledger.edge("logs/one", "log", "sink/disk").unwrap().delivered, 2);
    assert!(dir.path().join("log/logs+one").is_dir());
}

#[test]
fn what_does_not_exist_is_refused_by_name_and_place() {
    let config = parse(
        "receivers: {hand: , kafka: }\nprocessors: {cuont: , count: , batch: }\n\
         exporters:\n  snk: {}\n  sink: {stukc: true}\n  tracesink: {}\n  drain: {}\n\
         service: {pipelines: {logs: {receivers: [hand, kafka], exporters: [snk, sink, tracesink, drain],\n\
         processors: [batch, cuont]}, traces: {receivers: [hand], processors: [count]}}}",
    );
    let error = check(&config, &REGISTRY, &host(Arc::new(DiskFs))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "test.yaml:1:21: there is no receiver `kafka` (there are: hand, mute)\n\
         test.yaml:2:14: there is no processor `cuont` (the nearest thing here is `count`)\n\
         test.yaml:4:3: there is no exporter `snk` (the nearest thing here is `sink`)\n\
         test.yaml:5:10: exporters.sink: unknown key `stukc` (did you mean `stuck`?)\n\
         test.yaml:8:23: logs: exporter `tracesink` does not carry logs\n\
         test.yaml:9:30: traces: processor `count` does not carry traces"
    );
}
