//! Queues and lanes with a scripted exporter, on paused time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use collector_telemetry::Metrics;
use durable_fs::Clock;
use futures_util::future::BoxFuture;
use proptest::prelude::*;

use super::*;
use crate::config::RetryConfig;
use crate::ledger::{Edge, EdgeAccount, EdgeId, Ledger, Reason};
use crate::node::{Delivered, ExportError, Exporter};
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
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, ExportError>> {
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
    queue: Arc<Queue>,
    ledger: Ledger,
    edge: Edge,
    account: usize,
    lanes: Lanes,
}

impl Bench {
    fn new(script: Vec<Act>, retry: RetryConfig, n_lanes: usize) -> Self {
        let clock = Arc::new(Paused(tokio::time::Instant::now()));
        let exporter = Arc::new(Scripted::default());
        *exporter.script.lock().unwrap() = script.into();
        let queue = Queue::new(1_000, clock.clone());
        let account = queue.open_account();
        let ledger = Ledger::new();
        let counted = Arc::clone(&queue);
        let [pipeline, from, to] = ["logs", "log", "x"].map(ToOwned::to_owned);
        let queued = Box::new(move || counted.account(account));
        let edge = ledger.open(EdgeId { pipeline, from, to }, Signal::Logs, Some(queued));
        let options = LaneOptions {
            n_in_flight: Some(n_lanes),
            retry,
            jitter: Jitter::new(|| 1.0),
            clock,
            meters: Meters::register(&Metrics::new()).unwrap(),
        };
        let lanes = Lanes::new("x".to_owned(), Arc::clone(&queue), exporter.clone(), options);
        Self { exporter, queue, ledger, edge, account, lanes }
    }

    fn offer(&self, n_items: u32, n_bytes: usize) -> bool {
        let payload = Bytes::from(vec![0; n_bytes]);
        let batch = Batch { signal: Signal::Logs, payload, n_items, carried: None };
        let Some(room) = self.queue.reserve(n_bytes as u64) else { return false };
        self.edge.enter(n_items.into(), n_bytes as u64);
        room.push(batch, self.edge.clone(), self.account);
        true
    }

    /// Runs to the end, restarting after each panic, and gives the account.
    async fn drain(&self) -> EdgeAccount {
        self.queue.close();
        while self.lanes.run().await.is_err() {
            self.ledger.snapshot().assert_balanced();
        }
        let snapshot = self.ledger.snapshot();
        snapshot.assert_balanced();
        assert_eq!(self.queue.n_bytes(), 0);
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
async fn a_full_queue_takes_nothing_and_an_empty_one_any_size() {
    let bench = Bench::new(Vec::new(), RetryConfig::default(), 1);
    assert!(bench.offer(1, 5_000), "alone, a batch may be larger than the queue");
    assert!(!bench.offer(1, 1));
    bench.drain().await;
    let bench = Bench::new(Vec::new(), RetryConfig::default(), 1);
    assert!(bench.offer(1, 600));
    assert!(!bench.offer(1, 600));
    let room = bench.queue.reserve(400).expect("exactly full");
    assert!(bench.queue.reserve(1).is_none());
    drop(room);
    assert!(bench.offer(1, 400), "room that was not used is given back");
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(bench.queue.oldest(), Duration::from_secs(9));
    bench.drain().await;
    assert_eq!(bench.queue.oldest(), Duration::ZERO);
    assert!(!bench.offer(1, 1), "a closed queue takes nothing");
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
