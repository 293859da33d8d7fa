//! The places in flight: each takes the next request, sends it, and settles it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use collector_otlp::Request;
use collector_otlp::client::{ErrorKind, ExportError, GrpcClient, HttpClient, Outcome};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::account::Account;
use super::source::Source;
use crate::bench::seen::Seen;

/// The wait before a request is sent again when the refusal names none.
const UNNAMED_WAIT: Duration = Duration::from_millis(100);

/// A connection.
#[derive(Debug, Clone)]
pub(super) enum Client {
    Grpc(GrpcClient),
    Http(HttpClient),
}

/// When the work ends, and how fast it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Requests at most.
    pub(super) n_requests: u64,
    /// Time at most.
    pub(super) time: Option<Duration>,
    /// Seconds from one request to the next.
    pub(super) interval: Option<f64>,
    /// How often one request is sent again.
    pub(super) n_retries: u32,
}

/// What all places share.
struct Shared {
    source: Arc<Source>,
    limits: Limits,
    next: AtomicU64,
    started: Instant,
    /// Numbers of the acknowledged items.
    acked: Mutex<Seen>,
}

impl Client {
    async fn export(&self, request: &Request) -> Result<Outcome, ExportError> {
        match self {
            Self::Grpc(client) => client.export(request).await,
            Self::Http(client) => client.export(request).await,
        }
    }
}

/// Works until the limits, with `n_places` requests under way over the clients in turn; also gives the numbers
/// of the acknowledged items.
pub(super) async fn work(
    clients: Vec<Client>,
    source: Arc<Source>,
    limits: Limits,
    n_places: usize,
) -> (Account, Seen) {
    let (next, acked, started) = (AtomicU64::new(0), Mutex::default(), Instant::now());
    let shared = Arc::new(Shared { source, limits, next, started, acked });
    let n_places = n_places.max(clients.len());
    let mut places = JoinSet::new();
    for client in clients.into_iter().cycle().take(n_places) {
        places.spawn(place(client, Arc::clone(&shared)));
    }
    let mut whole = Account::default();
    while let Some(ended) = places.join_next().await {
        match ended {
            Ok(account) => whole.merge(account),
            Err(error) => {
                tracing::error!(%error, "a place in flight failed, its account is missing")
            }
        }
    }
    let acked = std::mem::take(&mut *shared.acked());
    (whole, acked)
}

async fn place(client: Client, shared: Arc<Shared>) -> Account {
    let mut account = Account::default();
    while let Some((nth, due)) = shared.take().await {
        let request = match shared.source.request(nth) {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "cannot go on");
                break;
            }
        };
        settle(&client, &shared, &request, nth, due, &mut account).await;
    }
    account
}

impl Shared {
    fn acked(&self) -> MutexGuard<'_, Seen> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request and when it is due; none when the run is over.
    async fn take(&self) -> Option<(u64, Instant)> {
        let nth = self.next.fetch_add(1, Relaxed);
        let Limits { n_requests, time, interval, .. } = self.limits;
        if nth >= n_requests {
            return None;
        }
        let due = match interval {
            Some(seconds) => self.started + after(nth, seconds),
            None => Instant::now(),
        };
        if time.is_some_and(|time| due >= self.started + time) {
            return None;
        }
        if due > Instant::now() {
            sleep_until(due).await;
        }
        Some((nth, due))
    }
}

/// A run's numbers stay far below the 2^53 that a double holds exactly.
#[allow(clippy::cast_precision_loss)]
fn after(nth: u64, seconds: f64) -> Duration {
    Duration::try_from_secs_f64(nth as f64 * seconds).unwrap_or(Duration::MAX / 2)
}

async fn settle(
    client: &Client,
    shared: &Shared,
    request: &Request,
    nth: u64,
    due: Instant,
    account: &mut Account,
) {
    let n_items = shared.source.batch();
    account.sent.add(n_items);
    let mut n_left = shared.limits.n_retries;
    loop {
        let error = match client.export(request).await {
            Ok(outcome) => {
                account.latencies.record(due.elapsed());
                shared.acked().insert(nth * n_items, n_items, || true);
                return account.acknowledge(n_items, outcome.n_rejected);
            }
            Err(error) => error,
        };
        tracing::debug!(%error, nth, "refused");
        let wait = match error.kind {
            ErrorKind::Retryable { after } if n_left > 0 => after.unwrap_or(UNNAMED_WAIT),
            _ => {
                *account.refused.entry(error.code).or_default() += 1;
                return account.given_up.add(n_items);
            }
        };
        *account.refused.entry(error.code).or_default() += 1;
        sleep(wait).await;
        n_left -= 1;
        account.n_resent += 1;
    }
}
