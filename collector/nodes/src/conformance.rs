//! What every exporter must hold, tried on the real log, lanes and ledger.
//!
//! An exporter's tests hand over a [`Rig`]: the exporter built from its settings, and a backend on
//! loopback that answers as it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use collector_pipeline::Batch;
use collector_pipeline::config::{RetryConfig, Tree};
use collector_pipeline::consumer::{Consumer, Feed, Key, Passed, Start};
use collector_pipeline::ledger::{EdgeAccount, EdgeId, Ledger, Reason};
use collector_pipeline::log::{Log, LogOptions, Role};
use collector_pipeline::node::{Begun, ExporterKind, NodeContext};
use collector_pipeline::queue::{Jitter, LaneOptions, Lanes, Meters};
use collector_telemetry::Metrics;
use durable_fs::SystemClock;
use tokio::sync::Notify;

pub(crate) use crate::sink::{Answer, Backend};

/// No test waits longer for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// One exporter under trial.
pub(crate) struct Rig<'a> {
    pub(crate) kind: &'a ExporterKind,
    /// Settings towards a backend at the URL given.
    pub(crate) settings: &'a dyn Fn(&str) -> String,
    /// A fresh backend.
    pub(crate) backend: &'a dyn Fn() -> Arc<dyn Backend>,
    /// A batch of that many items, whose items arrive one for one.
    pub(crate) batch: &'a dyn Fn(u32) -> Batch,
}

/// The whole suite.
pub(crate) async fn conforms(rig: &Rig<'_>) {
    delivers_everything(rig).await;
    tries_again_until_it_is_taken(rig).await;
    waits_as_long_as_it_is_asked_to(rig).await;
    drops_and_counts_what_is_refused_for_good(rig).await;
    outlives_a_backend_that_is_not_there(rig).await;
    puts_back_what_is_cut_off(rig).await;
    refuses_unknown_settings(rig);
}

async fn delivers_everything(rig: &Rig<'_>) {
    let trial = Trial::start(rig, (rig.backend)());
    for n in 1..=20 {
        trial.send((rig.batch)(n));
    }
    let account = trial.finish().await;
    assert_eq!((account.entered, account.delivered), (210, 210));
    assert_eq!(trial.backend.n_items(), 210);
}

async fn tries_again_until_it_is_taken(rig: &Rig<'_>) {
    let trial = Trial::start(rig, (rig.backend)());
    trial.backend.answer(Answer::Later(None));
    trial.send((rig.batch)(3));
    trial.until("three attempts", |t| t.backend.n_requests() >= 3).await;
    assert_eq!(trial.account().queued, 3, "it waits until it is taken");
    trial.backend.answer(Answer::Take);
    let account = trial.finish().await;
    assert_eq!((account.delivered, account.n_dropped()), (3, 0), "counted once");
    assert_eq!(trial.backend.n_items(), 3);
    let resent = trial.metrics.render();
    assert!(resent.contains("perch_resent_items_total{exporter=\"trial\"}"), "{resent}");
}

async fn waits_as_long_as_it_is_asked_to(rig: &Rig<'_>) {
    let trial = Trial::start(rig, (rig.backend)());
    trial.backend.answer(Answer::Later(Some(1)));
    let started = Instant::now();
    trial.send((rig.batch)(1));
    trial.until("an attempt", |t| t.backend.n_requests() == 1).await;
    trial.backend.answer(Answer::Take);
    trial.finish().await;
    assert!(started.elapsed() >= Duration::from_secs(1), "came after {:?}", started.elapsed());
    assert_eq!(trial.backend.n_requests(), 2);
}

async fn drops_and_counts_what_is_refused_for_good(rig: &Rig<'_>) {
    let trial = Trial::start(rig, (rig.backend)());
    trial.backend.answer(Answer::Refuse);
    trial.send((rig.batch)(4));
    trial.until("the refusal", |t| t.account().queued == 0).await;
    trial.backend.answer(Answer::Take);
    trial.send((rig.batch)(2));
    let account = trial.finish().await;
    assert_eq!(account.dropped.get(&Reason::Permanent), Some(&4), "{account:?}");
    assert_eq!((account.delivered, trial.backend.n_items()), (2, 2), "the next one passes");
    assert_eq!(trial.backend.n_requests(), 2, "a refusal is not tried again");
}

async fn outlives_a_backend_that_is_not_there(rig: &Rig<'_>) {
    // A port that was free a moment ago and that nobody listens on.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Tree::parse(&(rig.settings)(&format!("http://{gone}"))).unwrap();
    let exporter = (rig.kind.build)(&settings, &context(&Metrics::new())).unwrap();
    let error = exporter.export(&(rig.batch)(1), &Begun::default()).await.unwrap_err();
    let retryable = matches!(error, collector_pipeline::node::ExportError::Retryable { .. });
    assert!(retryable, "{error:?}");
}

async fn puts_back_what_is_cut_off(rig: &Rig<'_>) {
    let trial = Trial::start(rig, (rig.backend)());
    trial.backend.answer(Answer::Later(Some(3600)));
    trial.send((rig.batch)(5));
    trial.until("an attempt", |t| t.backend.n_requests() == 1).await;
    trial.task.abort();
    trial.until("the lanes' end", |t| t.task.is_finished()).await;
    assert_eq!(trial.account().queued, 5);
    let left = trial.feed.consumers()[0].drop_rest(Reason::Shutdown);
    assert_eq!(left.n_items, 5);
    trial.ledger.snapshot().assert_balanced();
}

fn refuses_unknown_settings(rig: &Rig<'_>) {
    let mut text = (rig.settings)("http://127.0.0.1:1");
    text.push_str("\nsurely_no_setting: 1\n");
    let settings = Tree::parse(&text).unwrap();
    let refused = (rig.kind.build)(&settings, &context(&Metrics::new())).err();
    let finding = refused.expect("an unknown key is refused");
    assert!(finding.to_string().contains("surely_no_setting"), "{finding}");
    assert!(finding.at.line > 0, "{finding} has no place");
}

fn context(metrics: &Metrics) -> NodeContext {
    NodeContext {
        id: collector_pipeline::config::ComponentId::parse("trial").unwrap(),
        clock: Arc::new(SystemClock::new()),
        metrics: metrics.clone(),
        budget: collector_otlp::admission::Budget::default(),
        part_bytes: 1 << 20,
    }
}

/// An exporter with its log and lanes at work.
struct Trial {
    backend: Arc<dyn Backend>,
    metrics: Metrics,
    ledger: Ledger,
    log: Log,
    feed: Arc<Feed>,
    task: tokio::task::JoinHandle<()>,
}

impl Trial {
    fn start(rig: &Rig<'_>, backend: Arc<dyn Backend>) -> Self {
        let metrics = Metrics::new();
        let settings = Tree::parse(&(rig.settings)(&backend.url())).unwrap();
        let exporter = (rig.kind.build)(&settings, &context(&metrics)).unwrap();
        let clock = Arc::new(SystemClock::new());
        let log = Log::memory(clock, LogOptions::with_max_bytes(64 << 20));
        let ledger = Ledger::new();
        let pipeline = (rig.batch)(1).signal.name();
        let wake = Arc::new(Notify::new());
        let start = Start {
            key: Key::new(pipeline, "trial"),
            role: Role::Primary,
            share: 48 << 20,
            passed: Passed { position: log.reader().head(), ..Passed::default() },
            wake: Arc::clone(&wake),
        };
        let [pipeline, from, to] = [pipeline, "log", "trial"].map(ToOwned::to_owned);
        let edge = EdgeId { pipeline, from, to };
        let consumer = Consumer::start(&log.reader(), start, &ledger, edge);
        let feed = Feed::new(vec![consumer], wake);
        let options = LaneOptions {
            n_in_flight: None,
            retry: RetryConfig { initial: Duration::from_millis(5), ..Default::default() },
            jitter: Jitter::random(),
            clock: Arc::new(SystemClock::new()),
            meters: Meters::register(&metrics).unwrap(),
        };
        let lanes = Lanes::new("trial".to_owned(), Arc::clone(&feed), exporter, options);
        let task = tokio::spawn(async move { lanes.run().await.unwrap() });
        Self { backend, metrics, ledger, log, feed, task }
    }

    fn send(&self, batch: Batch) {
        let _room = self.log.reserve(&batch).expect("room");
        self.log.append(&batch).unwrap();
    }

    fn account(&self) -> EdgeAccount {
        self.ledger.snapshot().edges.remove(0)
    }

    /// Drains the log and gives the final account, which must balance.
    async fn finish(&self) -> EdgeAccount {
        self.feed.close();
        self.until("the drain", |t| t.task.is_finished()).await;
        self.ledger.snapshot().assert_balanced();
        let account = self.account();
        assert_eq!(account.queued, 0);
        account
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let give_up = Instant::now() + DEADLINE;
        while !holds(self) {
            assert!(Instant::now() < give_up, "waited in vain for {what}: {:?}", self.account());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
