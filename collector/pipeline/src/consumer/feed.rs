//! What an exporter is fed from: its consumers in all pipelines that name it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::exporting::Consumer;
use super::in_hand::InHand;
use super::step::{Fetch, Step};

/// The records of several logs, for one exporter.
pub struct Feed {
    consumers: Vec<Arc<Consumer>>,
    wake: Arc<Notify>,
    /// Where the next look begins, so that no pipeline waits for another to run dry.
    turn: AtomicUsize,
    closed: AtomicBool,
    retired: CancellationToken,
}

enum Offer {
    Item(InHand),
    Fetch(Fetch),
    Wait,
    Ended,
}

impl Feed {
    /// A feed from `consumers`, all of which were started with the alarm `wake`.
    #[must_use]
    pub fn new(consumers: Vec<Arc<Consumer>>, wake: Arc<Notify>) -> Arc<Self> {
        let (turn, closed) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { consumers, wake, turn, closed, retired: CancellationToken::new() })
    }

    /// The consumers it comes from.
    #[must_use]
    pub fn consumers(&self) -> &[Arc<Consumer>] {
        &self.consumers
    }

    /// The next record, once there is one; nothing once the feed is closed and empty.
    pub async fn next(&self) -> Option<InHand> {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before the look, so that no record in between is missed.
            woken.as_mut().enable();
            if self.retired.is_cancelled() {
                return None;
            }
            match self.offer() {
                Offer::Item(item) => return Some(item),
                Offer::Fetch(fetch) => fetch.run().await,
                Offer::Ended => return None,
                Offer::Wait => tokio::select! {
                    () = woken => {}
                    () = self.retired.cancelled() => {}
                },
            }
        }
    }

    /// Ends once everything is delivered or dropped.
    pub fn close(&self) {
        self.closed.store(true, SeqCst);
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// Gives out nothing more; what waits stays for the next feed from the same consumers.
    pub fn retire(&self) {
        self.retired.cancel();
    }

    /// Waits until it is retired.
    pub async fn retired(&self) {
        self.retired.cancelled().await;
    }

    fn offer(&self) -> Offer {
        let first = self.turn.fetch_add(1, Relaxed);
        let n = self.consumers.len();
        let mut ended = self.closed.load(SeqCst);
        for i in 0..n {
            match self.consumers[(first + i) % n].step() {
                Step::Item(item, more) => {
                    if more || n > 1 {
                        self.wake.notify_one();
                    }
                    return Offer::Item(item);
                }
                Step::Fetch(fetch) => return Offer::Fetch(fetch),
                Step::Busy => ended = false,
                Step::Idle => {}
            }
        }
        if ended {
            // The other lanes may be waiting for what will never come.
            self.wake.notify_waiters();
            self.wake.notify_one();
            return Offer::Ended;
        }
        Offer::Wait
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("consumers", &self.consumers).finish_non_exhaustive()
    }
}
