//! Lanes with a scripted exporter behind a log in memory, on paused time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use collector_telemetry::Metrics;
use durable_fs::Clock;
use futures_util::future::BoxFuture;
use proptest::prelude::*;
use tokio::sync::Notify;

use super::*;
use crate::config::RetryConfig;
use crate::consumer::{Consumer, Feed, Key, Passed, Start};
use crate::ledger::{EdgeAccount, EdgeId, Ledger, Reason};
use crate::log::{Log, LogOptions, Role};
use crate::node::{Begun, Delivered, ExportError, Exporter};
use crate::{Batch, Signal};

/// Tokio's clock, which tests pause.
#[derive(Debug)]
struct Paused(tokio::time::Instant);

impl Clock for Paused {
    fn since_epoch(&self) -> Duration {
        self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What the scripted exporter does next.
#[derive(Debug, Clone)]
enum Act {
    Take,
    TakeAllBut(u64),
    Later(Option<u64>),
    Refuse,
    Panic,
}

/// Follows a script, then takes everything; writes down what came.
#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Act>>,
    seen: Mutex<Vec<u32>>,
}

impl Exporter for Scripted {
    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        _: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.seen.lock().unwrap().push(batch.n_items);
            let act = self.script.lock().unwrap().pop_front().unwrap_or(Act::Take);
            match act {
                Act::Take => Ok(Delivered::whole()),
                Act::TakeAllBut(n) => Ok(Delivered::partial(n, "some")),
                Act::Later(after) => Err(ExportError::Retryable {
                    code: "503".to_owned(),
                    message: String::new(),
                    after: after.map(Duration::from_secs),
                }),
                Act::Refuse => Err(ExportError::permanent("400", "no")),
                Act::Panic => panic!("as the script says"),
            }
        })
    }
}

struct Bench {
    exporter: Arc<Scripted>,
    log: Log,
    feed: Arc<Feed>,
    ledger: Ledger,
    lanes: Lanes,
}

impl Bench {
    fn new(script: Vec<Act>, retry: RetryConfig, n_lanes: usize) -> Self {
        let clock = Arc::new(Paused(tokio::time::Instant::now()));
        let exporter = Arc::new(Scripted::default());
        *exporter.script.lock().unwrap() = script.into();
        let log = Log::memory(clock.clone(), LogOptions::with_max_bytes(100_000));
        let ledger = Ledger::new();
        let [pipeline, from, to] = ["logs", "log", "x"].map(ToOwned::to_owned);
        let wake = Arc::new(Notify::new());
        let start = Start {
            key: Key::new("logs", "x"),
            role: Role::Primary,
            share: 1_000,
            passed: Passed { position: log.reader().head(), ..Passed::default() },
            wake: Arc::clone(&wake),
        };
        let edge = EdgeId { pipeline, from, to };
        let consumer = Consumer::start(&log.reader(), start, &ledger, edge);
        let feed = Feed::new(vec![consumer], wake);
        let options = LaneOptions {
            n_in_flight: Some(n_lanes),
            retry,
            jitter: Jitter::new(|| 1.0),
            clock,
            meters: Meters::register(&Metrics::new()).unwrap(),
        };
        let lanes = Lanes::new("x".to_owned(), Arc::clone(&feed), exporter.clone(), options);
        Self { exporter, log, feed, ledger, lanes }
    }

    fn offer(&self, n_items: u32, n_bytes: usize) -> bool {
        let payload = Bytes::from(vec![0; n_bytes]);
        let batch = Batch { signal: Signal::Logs, payload: payload.into(), n_items };
        let Some(_room) = self.log.reserve(&batch) else { return false };
        self.log.append(&batch).is_ok()
    }

    /// Runs to the end, restarting after each panic, and gives the account.
    async fn drain(&self) -> EdgeAccount {
        self.feed.close();
        while self.lanes.run().await.is_err() {
            self.ledger.snapshot().assert_balanced();
        }
        let snapshot = self.ledger.snapshot();
        snapshot.assert_balanced();
        assert_eq!(self.feed.consumers()[0].n_waiting_bytes(), 0);
        snapshot.edges[0].clone()
    }

    fn seen(&self) -> Vec<u32> {
        self.exporter.seen.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn one_lane_keeps_the_order_whatever_happens() {
    let script = vec![Act::Take, Act::Later(None), Act::Panic, Act::Later(None), Act::Refuse];
    let bench = Bench::new(script, RetryConfig::default(), 1);
    for n in 1..=4 {
        assert!(bench.offer(n, 10));
    }
    let account = bench.drain().await;
    assert_eq!(bench.seen(), [1, 2, 2, 2, 2, 3, 4]);
    assert_eq!(account.dropped.get(&Reason::Permanent), Some(&2));
    assert_eq!((account.entered, account.delivered), (10, 8));
}

#[tokio::test(start_paused = true)]
async fn waits_double_up_to_their_ceiling_and_grant_what_is_asked() {
    let script = vec![Act::Later(None), Act::Later(None), Act::Later(Some(60)), Act::Later(None)];
    let retry = RetryConfig {
        initial: Duration::from_secs(1),
        max: Duration::from_secs(3),
        ..Default::default()
    };
    let bench = Bench::new(script, retry, 1);
    bench.offer(1, 10);
    let started = tokio::time::Instant::now();
    bench.drain().await;
    assert_eq!(started.elapsed().as_secs(), 1 + 2 + (60 + 1) + 3);
}

#[tokio::test(start_paused = true)]
async fn gives_up_where_it_was_told_to() {
    let forever = vec![Act::Later(None); 1_000];
    let limit = Some(Duration::from_secs(100));
    let retry = RetryConfig { give_up_after: limit, ..Default::default() };
    let bench = Bench::new(forever.clone(), retry, 1);
    bench.offer(7, 10);
    let started = tokio::time::Instant::now();
    assert_eq!(bench.drain().await.dropped.get(&Reason::RetriesExhausted), Some(&7));
    assert!(started.elapsed() <= Duration::from_secs(100));

    let never = RetryConfig { enabled: false, ..Default::default() };
    let bench = Bench::new(forever, never, 1);
    bench.offer(7, 10);
    bench.drain().await;
    assert_eq!(bench.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_panics_thrice_is_dropped() {
    let bench = Bench::new(vec![Act::Panic; 3], RetryConfig::default(), 1);
    bench.offer(5, 10);
    bench.offer(1, 10);
    let account = bench.drain().await;
    assert_eq!(account.dropped.get(&Reason::Panic), Some(&5));
    assert_eq!((account.delivered, bench.seen()), (1, vec![5, 5, 5, 1]));
}

#[tokio::test(start_paused = true)]
async fn a_full_share_takes_nothing_and_an_empty_one_any_size() {
    let bench = Bench::new(Vec::new(), RetryConfig::default(), 1);
    assert!(bench.offer(1, 5_000), "alone, a batch may be larger than the share");
    assert!(!bench.offer(1, 1));
    bench.drain().await;
    let bench = Bench::new(Vec::new(), RetryConfig::default(), 1);
    // Each takes up 32 bytes more than its payload.
    assert!(bench.offer(1, 600));
    assert!(!bench.offer(1, 600));
    let batch = |n| Batch { signal: Signal::Logs, payload: vec![0; n].into(), n_items: 1 };
    let room = bench.log.reserve(&batch(336)).expect("exactly full");
    assert!(bench.log.reserve(&batch(1)).is_none());
    drop(room);
    assert!(bench.offer(1, 336), "room that was not used is given back");
    let consumer = &bench.feed.consumers()[0];
    assert_eq!(consumer.oldest(), Some(0));
    bench.drain().await;
    assert_eq!(consumer.oldest(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_account_balances_whatever_the_backend_does(
        script in prop::collection::vec(prop_oneof![
            Just(Act::Take), (0..20_u64).prop_map(Act::TakeAllBut),
            Just(Act::Later(None)), Just(Act::Refuse), Just(Act::Panic),
        ], 0..40),
        sizes in prop::collection::vec(1..9_u32, 1..12),
        n_lanes in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new(script, RetryConfig::default(), n_lanes);
            for n in &sizes {
                assert!(bench.offer(*n, 10));
            }
            let account = bench.drain().await;
            assert_eq!(account.entered, sizes.iter().map(|n| u64::from(*n)).sum::<u64>());
            assert_eq!(account.entered, account.delivered + account.n_dropped());
        });
    }

    #[test]
    fn waits_stay_under_their_ceiling(draw in 0.0..=1.0_f64, n in 1..40_u32) {
        let mut backoff = Backoff::new(&RetryConfig::default(), Jitter::new(move || draw));
        let waits: Vec<Duration> = (0..n).map(|_| backoff.wait(None)).collect();
        prop_assert!(waits.is_sorted());
        prop_assert!(waits.iter().all(|w| *w <= Duration::from_secs(30)));
        prop_assert!(waits[0] <= Duration::from_millis(500));
    }
}
