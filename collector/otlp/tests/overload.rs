//! Senders that offer twice what the sink takes, alone in their process so that its memory can be read.
//!
//! A few seconds by default; `PERCH_SOAK_SECONDS` makes it longer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "tests fail loudly"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use collector_otlp::admission::{Budget, Marks};
use collector_otlp::client::{ClientOptions, ErrorKind, ExportError, GrpcClient, HttpClient};
use collector_otlp::server::{Reply, ServerOptions, Sink, bind};
use collector_otlp::{Limits, Request, Signal, json};
use tokio::sync::{Mutex, oneshot};
use tokio::time::{Interval, MissedTickBehavior, interval};

const HARD_BYTES: u64 = 8 << 20;
const REQUEST_BYTES: usize = 512 << 10;
/// Requests a second that the sink takes.
const CAPACITY: u32 = 40;
const N_SENDERS: u32 = 80;
/// What stands around the bytes that tickets count: connections, and one copy per request in the kernel's hands.
const MAX_GROWTH_KIB: u64 = 48 * 1024;

/// Takes one request per tick, in the order they came.
struct Slow {
    ticks: Mutex<Interval>,
    n_taken: AtomicU64,
}

impl Sink for Slow {
    async fn accept(&self, _: Request) -> Reply {
        self.ticks.lock().await.tick().await;
        self.n_taken.fetch_add(1, SeqCst);
        Reply::Accepted
    }
}

#[derive(Default)]
struct Counts {
    n_acked: AtomicU64,
    n_refused: AtomicU64,
}

enum Client {
    Grpc(GrpcClient),
    Http(HttpClient),
}

impl Client {
    async fn export(&self, request: &Request) -> Result<(), ExportError> {
        match self {
            Self::Grpc(client) => client.export(request).await.map(drop),
            Self::Http(client) => client.export(request).await.map(drop),
        }
    }
}

/// Sends at a steady rate until `end`, whatever it is told.
async fn offer(client: Client, request: Request, counts: Arc<Counts>, end: Instant) {
    let mut ticks = interval(Duration::from_secs(1) * N_SENDERS / (2 * CAPACITY));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        ticks.tick().await;
        match client.export(&request).await {
            Ok(()) => counts.n_acked.fetch_add(1, SeqCst),
            Err(error) => {
                let want = ErrorKind::Retryable { after: Some(Duration::from_secs(1)) };
                assert_eq!(error.kind, want, "{error:?}");
                assert!(["HTTP 429", "RESOURCE_EXHAUSTED"].contains(&&*error.code), "{error:?}");
                counts.n_refused.fetch_add(1, SeqCst)
            }
        };
    }
}

fn one_large_span() -> Request {
    let name = "n".repeat(REQUEST_BYTES);
    let text =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"name":"{name}"}}]}}]}}]}}"#);
    let bytes = json::to_protobuf(Signal::Traces, text.as_bytes(), &Limits::default()).unwrap();
    Request::prove(Signal::Traces, bytes.into(), &Limits::default()).unwrap()
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

struct Outcome {
    n_acked: u64,
    n_refused: u64,
    n_taken: u64,
    growth_kib: u64,
    seconds: f64,
}

async fn run(budget: &Budget, lasting: Duration) -> Outcome {
    let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let options =
        ServerOptions { grpc: any, http: any, budget: budget.clone(), ..Default::default() };
    let bound = bind(options).await.unwrap();
    let (grpc, http) = (bound.grpc_addr().unwrap(), bound.http_addr().unwrap());
    let ticks = Mutex::new(interval(Duration::from_secs(1) / CAPACITY));
    let sink = Arc::new(Slow { ticks, n_taken: AtomicU64::new(0) });
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve(sink.clone(), async move { drop(stopped.await) }));

    let request = one_large_span();
    let counts = Arc::new(Counts::default());
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, began) = (peak_kib(), Instant::now());
    let senders: Vec<_> = (0..N_SENDERS)
        .map(|n| {
            let client = match n % 2 {
                0 => Client::Grpc(
                    GrpcClient::new(&grpc.to_string(), ClientOptions::default()).unwrap(),
                ),
                _ => Client::Http(
                    HttpClient::new(&http.to_string(), ClientOptions::default()).unwrap(),
                ),
            };
            tokio::spawn(offer(client, request.clone(), counts.clone(), began + lasting))
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    let growth_kib = peak_kib() - before;
    stop.send(()).unwrap();
    serving.await.unwrap();
    let n_taken = sink.n_taken.load(SeqCst);
    let (n_acked, n_refused) = (counts.n_acked.load(SeqCst), counts.n_refused.load(SeqCst));
    Outcome { n_acked, n_refused, n_taken, growth_kib, seconds }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded_and_throughput_stays_under_twice_the_load() {
    let soak: Option<u64> = std::env::var("PERCH_SOAK_SECONDS").ok().and_then(|n| n.parse().ok());
    let seconds = soak.unwrap_or(3);
    let budget = Budget::new(Marks::under(HARD_BYTES));
    let outcome = run(&budget, Duration::from_secs(seconds)).await;
    let Outcome { n_acked, n_refused, n_taken, growth_kib, seconds } = outcome;
    let peak = budget.peak_bytes();
    println!(
        "{n_acked} acked, {n_refused} refused in {seconds:.1} s; tickets peak {peak} bytes, memory grew {growth_kib} KiB"
    );
    assert_eq!(n_acked, n_taken, "what was acknowledged was taken, and nothing else");
    assert!(n_refused > 0, "twice the load leaves somebody out");
    assert!(peak <= HARD_BYTES && budget.held_bytes() == 0, "{peak}");
    assert!(growth_kib <= MAX_GROWTH_KIB, "{growth_kib} KiB");
    assert!(n_acked > 0, "whoever is refused comes back and is served");
    // A rate is judged only where the run is long and the machine its own.
    let rate = n_acked as f64 / seconds;
    assert!(
        soak.is_none() || rate >= 0.7 * f64::from(CAPACITY),
        "{rate} of {CAPACITY} requests a second"
    );
}
