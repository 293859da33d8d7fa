//! Keeps a node running.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use collector_telemetry::Counter;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::health::{Entry, Trouble};
use crate::config::RetryConfig;
use crate::node::panic_message;
use crate::queue::{Backoff, Jitter};

/// Waits between restarts: short at first, since most panics are over one input.
const RESTART: RetryConfig = RetryConfig {
    enabled: true,
    initial: Duration::from_secs(1),
    max: Duration::from_secs(30),
    give_up_after: None,
};

/// Runs what `work` makes until it ends well or `stop` is asked for; after an error or a panic it
/// is made again, with back-off.
pub(super) async fn supervise<F, W>(
    entry: Entry,
    restarts: Counter,
    jitter: Jitter,
    stop: CancellationToken,
    mut work: F,
) where
    F: FnMut() -> W,
    W: Future<Output = Result<(), String>>,
{
    let mut backoff = Backoff::new(&RESTART, jitter);
    loop {
        entry.ready();
        let trouble = match AssertUnwindSafe(work()).catch_unwind().await {
            Ok(Ok(())) => break,
            Ok(Err(message)) => Trouble { code: "node_failed", message },
            Err(panic) => Trouble { code: "node_panicked", message: panic_message(panic.as_ref()) },
        };
        let (node, wait) = (entry.name(), backoff.wait(None));
        let (code, error) = (trouble.code, &trouble.message);
        tracing::error!(
            node,
            code,
            error,
            wait_ms = wait.as_millis(),
            "node failed, restarting it"
        );
        entry.failed(trouble);
        restarts.add(&[&node], 1);
        // Even when told to stop, a node with work left is started once more, to drain.
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
    entry.stopped();
}
