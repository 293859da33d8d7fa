//! How long to wait before the next attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::RetryConfig;

/// A source of numbers between zero and one, injected so that tests can steer it.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

/// Exponential back-off with full jitter: each wait is drawn from zero to a ceiling that doubles.
#[derive(Debug, Clone)]
pub struct Backoff {
    initial: Duration,
    max: Duration,
    n_waits: u32,
    jitter: Jitter,
}

impl Jitter {
    /// Numbers nobody can foresee.
    #[must_use]
    pub fn random() -> Self {
        Self::new(rand::random)
    }

    /// Numbers from `draw`.
    pub fn new(draw: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    fn draw(&self) -> f64 {
        (self.0)().clamp(0.0, 1.0)
    }
}

impl Backoff {
    /// Before the first wait.
    #[must_use]
    pub fn new(retry: &RetryConfig, jitter: Jitter) -> Self {
        Self { initial: retry.initial, max: retry.max, n_waits: 0, jitter }
    }

    /// The next wait; `asked` is what the other side asked for, and is granted in full.
    pub fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = self.initial.saturating_mul(1 << self.n_waits.min(20));
        self.n_waits += 1;
        let ceiling = match asked {
            // Senders that were all told the same moment should not all come at it.
            Some(_) => self.initial,
            None => doubled.min(self.max),
        };
        asked.unwrap_or_default() + ceiling.mul_f64(self.jitter.draw())
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}
