//! When the sink answers, and what.

use std::borrow::Cow;
use std::time::Duration;

use clap::ValueEnum;
use collector_otlp::server::Reply;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How the sink differs from one that takes everything at once.
#[derive(Debug, Clone)]
pub(super) struct Behaviour {
    /// Every so many requests one is refused.
    pub(super) refuse_every: Option<u64>,
    pub(super) answer: Answer,
    /// Whether what is refused is taken all the same.
    pub(super) takes_refused: bool,
    /// The wait that refusals name.
    pub(super) retry_after: Duration,
    /// The wait before each answer.
    pub(super) delay: Duration,
    /// Items that may be taken in a second.
    pub(super) items_per_second: Option<f64>,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Answer {
    /// UNAVAILABLE, 503
    Unavailable,
    /// RESOURCE_EXHAUSTED, 429
    Full,
    /// INVALID_ARGUMENT, 400: not to be sent again
    Invalid,
}

/// Hands out turns so that no more than the capacity is taken, in the order in which they are asked for.
#[derive(Debug, Default)]
pub(super) struct Turns {
    free_at: Mutex<Option<Instant>>,
}

impl Behaviour {
    /// Whether the `nth` request, from 1, is refused.
    pub(super) fn refuses(&self, nth: u64) -> bool {
        self.refuse_every.is_some_and(|every| nth.is_multiple_of(every))
    }

    /// The answer to a request that is refused.
    pub(super) fn refusal(&self) -> Reply {
        let retry_after = self.retry_after;
        match self.answer {
            Answer::Unavailable => {
                Reply::Unavailable { retry_after, message: Cow::Borrowed("told to refuse") }
            }
            Answer::Full => Reply::Full { retry_after },
            Answer::Invalid => Reply::Invalid { message: "told to refuse".to_owned() },
        }
    }

    /// Waits until `n_items` may be taken.
    pub(super) async fn wait(&self, turns: &Turns, n_items: u32) {
        if let Some(rate) = self.items_per_second {
            let takes = Duration::try_from_secs_f64(f64::from(n_items) / rate);
            let takes = takes.unwrap_or(Duration::MAX);
            let mut free_at = turns.free_at.lock().await;
            let now = Instant::now();
            let from = free_at.filter(|at| *at > now).unwrap_or(now);
            let done = from.checked_add(takes).unwrap_or(from);
            *free_at = Some(done);
            drop(free_at);
            tokio::time::sleep_until(done).await;
        }
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
    }
}
