//! The sink behind the servers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use collector_otlp::server::{Refusal, Reply, Sink};
use collector_otlp::{Request, Signal};

use super::behaviour::{Behaviour, Turns};
use super::report::{Report, RunRow};
use super::runs::Runs;

/// Counts what it takes.
#[derive(Debug)]
pub(super) struct Counter {
    behaviour: Behaviour,
    count_only: bool,
    turns: Turns,
    n_offered: AtomicU64,
    n_taken: AtomicU64,
    n_refused: AtomicU64,
    n_faulty: AtomicU64,
    n_items: AtomicU64,
    runs: Mutex<Runs>,
}

impl Counter {
    pub(super) fn new(behaviour: Behaviour, count_only: bool) -> Self {
        Self {
            behaviour,
            count_only,
            turns: Turns::default(),
            n_offered: AtomicU64::new(0),
            n_taken: AtomicU64::new(0),
            n_refused: AtomicU64::new(0),
            n_faulty: AtomicU64::new(0),
            n_items: AtomicU64::new(0),
            runs: Mutex::default(),
        }
    }

    /// The runs so far.
    pub(super) fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything so far.
    pub(super) fn report(&self) -> Report {
        let runs = self.runs();
        let rows = runs.iter().map(|(run, seen)| RunRow {
            run,
            n_unique: seen.n_unique(),
            n_duplicated: seen.n_again(),
        });
        Report {
            n_taken: self.n_taken.load(Relaxed),
            n_refused: self.n_refused.load(Relaxed),
            n_faulty: self.n_faulty.load(Relaxed),
            n_items: self.n_items.load(Relaxed),
            n_unmarked: runs.n_unmarked,
            n_untracked: runs.n_untracked,
            runs: rows.collect(),
        }
    }

    fn take(&self, request: &Request) {
        self.n_items.fetch_add(u64::from(request.n_items), Relaxed);
        if !self.count_only {
            self.runs().take(request);
        }
    }
}

impl Sink for Counter {
    async fn accept(&self, request: Request) -> Reply {
        let nth = self.n_offered.fetch_add(1, Relaxed) + 1;
        let refuses = self.behaviour.refuses(nth);
        self.behaviour.wait(&self.turns, request.n_items).await;
        if !refuses || self.behaviour.takes_refused {
            self.take(&request);
        }
        if refuses {
            self.n_refused.fetch_add(1, Relaxed);
            return self.behaviour.refusal();
        }
        self.n_taken.fetch_add(1, Relaxed);
        Reply::Accepted
    }

    fn refused(&self, _: Signal, _: Refusal) {
        self.n_faulty.fetch_add(1, Relaxed);
    }
}
