//! What a receiver is answered, at once or later.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

/// What senders are told to wait when there is no room: long enough for a cursor to move.
pub(super) const RETRY_FULL: Duration = Duration::from_secs(1);
/// What senders are told to wait when a disk fails or the process ends.
pub(super) const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);
const ENDING: &str = "shutting down";
/// What senders are told whose batch is kept and was not delivered in time.
const LATE: &str = "the delivery did not end in time; what was sent is kept";

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
