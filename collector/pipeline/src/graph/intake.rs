//! Where receivers hand their batches over.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use collector_otlp::server::Call;
use collector_telemetry::Counter;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use super::gate::Gate;
use crate::config::{Ack, ComponentId};
use crate::consumer::Consumer;
use crate::ledger::Edge;
use crate::log::{Committer, Log, Origin};
use crate::own::{OwnTraces, Traced};
use crate::{Batch, Signal};

/// What senders are told to wait when there is no room: long enough for a cursor to move.
pub(super) const RETRY_FULL: Duration = Duration::from_secs(1);
/// What senders are told to wait when a disk fails or the process ends.
pub(super) const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);
const ENDING: &str = "shutting down";
/// What senders are told whose batch is kept and was not delivered in time.
const LATE: &str = "the delivery did not end in time; what was sent is kept";

/// Takes batches from one receiver into all pipelines it feeds; clones are one.
#[derive(Clone)]
pub struct Intake {
    take: Arc<Take>,
    /// Where receptions are told, and by which name.
    own: Option<(OwnTraces, Arc<str>)>,
}

type Take = dyn Fn(Batch, Option<Arc<Traced>>) -> Offered + Send + Sync;

/// What became of an offered batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is in every pipeline.
    Accepted,
    /// There is no room; nothing was taken.
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// It cannot be taken now; nothing was taken.
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// Why, for the sender.
        message: &'static str,
    },
    /// No pipeline takes this signal from this receiver.
    Unwanted,
}

/// The answer to an offer: at once, or when the logs or the exporters have the batch.
#[derive(Debug)]
pub struct Offered(Answer);

#[derive(Debug)]
enum Answer {
    Known(Option<Admission>),
    Waiting { said: oneshot::Receiver<Admission>, patience: Option<Box<Patience>> },
}

/// How long an answer is waited for.
pub(super) struct Patience {
    until: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Called when it is over.
    over: Option<Box<dyn FnOnce() + Send>>,
}

/// One pipeline behind its receivers.
pub(super) struct Trunk {
    pub(super) pipeline: String,
    pub(super) keep: Keep,
    pub(super) ack: Ack,
    /// The exporters that `ack: delivered` waits for.
    pub(super) primary: Vec<Arc<Consumer>>,
    pub(super) ack_timeout: Duration,
    /// Items kept although their sender was refused.
    pub(super) duplicates: Counter,
}

/// Where a pipeline keeps what it takes.
#[derive(Clone)]
pub(super) enum Keep {
    /// In memory.
    Ring(Log),
    /// On disk.
    Disk(Arc<Committer>),
}

/// The way from a receiver into one pipeline.
pub(super) struct Branch {
    pub(super) signal: Signal,
    pub(super) trunk: Arc<Trunk>,
    /// The receiver's number in the log.
    pub(super) origin: Origin,
    pub(super) edge: Edge,
    /// What was accepted and is not written yet.
    pub(super) waiting: Arc<Waiting>,
}

/// Items and bytes between a reply and the log.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    n_items: AtomicU64,
    n_bytes: AtomicU64,
}

impl Waiting {
    pub(super) fn add(&self, n_items: u64, n_bytes: u64) {
        self.n_items.fetch_add(n_items, Relaxed);
        self.n_bytes.fetch_add(n_bytes, Relaxed);
    }

    pub(super) fn sub(&self, n_items: u64, n_bytes: u64) {
        self.n_items.fetch_sub(n_items, Relaxed);
        self.n_bytes.fetch_sub(n_bytes, Relaxed);
    }

    pub(super) fn read(&self) -> (u64, u64) {
        (self.n_items.load(Relaxed), self.n_bytes.load(Relaxed))
    }
}

impl Intake {
    /// An intake that calls `take`; how tests and other hosts stand in for a graph.
    pub fn new(take: impl Fn(Batch) -> Admission + Send + Sync + 'static) -> Self {
        Self { take: Arc::new(move |batch, _| take(batch).into()), own: None }
    }

    pub(super) fn of(gate: Arc<Gate>, receiver: &ComponentId, own: &OwnTraces) -> Self {
        let own = Some((own.clone(), receiver.to_string().into()));
        Self { take: Arc::new(move |batch, traced| gate.offer(batch, traced)), own }
    }

    /// Offers a batch that came over `transport` in a call, which is traced where it is to be.
    pub async fn receive(&self, batch: Batch, transport: &str, call: &Call) -> Admission {
        let reception = self.own.as_ref().and_then(|(own, receiver)| {
            own.receive(receiver, transport, &batch, call.caller.as_ref(), call.since.elapsed())
        });
        let Some(reception) = reception else { return self.offer(batch).await };
        let admission = (self.take)(batch, Some(reception.traced())).await;
        reception.end(admission.code());
        admission
    }

    /// Offers a batch: all pipelines take it or none. The answer comes when the strictest of them
    /// has it; it is taken or refused whether or not anyone waits for the answer.
    pub fn offer(&self, batch: Batch) -> Offered {
        (self.take)(batch, None)
    }
}

impl Admission {
    /// The word for metrics and spans.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Accepted => "ok",
            Self::Full { .. } => "full",
            Self::Unavailable { .. } => "unavailable",
            Self::Unwanted => "unwanted",
        }
    }
}

impl Offered {
    /// The answer that `said` will bring, unless `patience` ends before.
    pub(super) fn waiting(said: oneshot::Receiver<Admission>, patience: Option<Patience>) -> Self {
        Self(Answer::Waiting { said, patience: patience.map(Box::new) })
    }
}

impl Patience {
    pub(super) fn new(limit: Duration, over: impl FnOnce() + Send + 'static) -> Self {
        Self { until: Instant::now() + limit, sleep: None, over: Some(Box::new(over)) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.until;
        // Made on the first poll, which happens within the runtime.
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        sleep.as_mut().poll(cx)
    }
}

impl From<Admission> for Offered {
    fn from(admission: Admission) -> Self {
        Self(Answer::Known(Some(admission)))
    }
}

impl Future for Offered {
    type Output = Admission;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Admission> {
        // No answer is left only where the thread of a log died over the batch.
        let lost = Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message: ENDING };
        match &mut self.get_mut().0 {
            Answer::Known(admission) => Poll::Ready(admission.take().unwrap_or(lost)),
            Answer::Waiting { said, patience } => {
                if let Poll::Ready(said) = Pin::new(said).poll(cx) {
                    return Poll::Ready(said.unwrap_or(lost));
                }
                let Some(patience) = patience else { return Poll::Pending };
                patience.poll(cx).map(|()| {
                    patience.over.take().into_iter().for_each(|over| over());
                    Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message: LATE }
                })
            }
        }
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience").field("until", &self.until).finish_non_exhaustive()
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").finish_non_exhaustive()
    }
}
