//! Senders: each sends one stream, one batch after the other, and writes down what it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::batch::{BatchId, Payloads, signal_of};
use crate::journal::Journal;
use crate::rng::Rng;
use crate::support::Perch;
use crate::wire::{Said, Wire};

/// Where senders send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Nowhere; wait.
    Nowhere,
    /// OTLP over HTTP and gRPC.
    At { http: SocketAddr, grpc: SocketAddr },
    /// Nowhere ever again.
    Over,
}

/// What a sender does with a batch that was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Sends it until it is.
    Endless,
    /// Sends it again or goes on with the next, by lot.
    ByLot,
    /// Goes on with the next.
    None,
}

/// How senders send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) payloads: Payloads,
    /// Streams, a sender and a connection each.
    pub(crate) n_streams: u16,
    /// Every second stream goes over gRPC.
    pub(crate) with_grpc: bool,
    /// Time from one batch to the next; the load and nothing else depends on it.
    pub(crate) pace: Duration,
    pub(crate) patience: Patience,
}

/// What must hold of a batch the moment it is acknowledged.
pub(crate) type Promise = Arc<dyn Fn(BatchId) -> Result<(), String> + Send + Sync>;

/// All senders of a run.
pub(crate) struct Senders {
    target: watch::Sender<Target>,
    handle: Handle,
    tasks: Vec<JoinHandle<()>>,
}

struct Sender {
    stream: u16,
    manner: Manner,
    wire: Wire,
    target: watch::Receiver<Target>,
    journal: Journal,
    promise: Option<Promise>,
    rng: Rng,
}

impl Target {
    /// The listeners of a collector.
    pub(crate) fn of(perch: &Perch) -> Self {
        let addr = |pointer: &str| {
            perch.text(pointer).trim_start_matches("http://").parse::<SocketAddr>().unwrap()
        };
        Self::At { http: addr("/otlp/http"), grpc: addr("/otlp/grpc") }
    }
}

impl Senders {
    /// Starts them; they wait for a target.
    pub(crate) fn start(
        handle: &Handle,
        manner: Manner,
        journal: &Journal,
        promise: Option<Promise>,
    ) -> Self {
        let target = watch::Sender::new(Target::Nowhere);
        let tasks = (0..manner.n_streams).map(|stream| {
            // Streams take the signals in turn by threes, so transports change by twos of those.
            let over_grpc = manner.with_grpc && stream / 3 % 2 == 1;
            let sender = Sender {
                stream,
                manner,
                wire: if over_grpc { Wire::grpc() } else { Wire::http() },
                target: target.subscribe(),
                journal: journal.clone(),
                promise: promise.clone(),
                rng: Rng::new(manner.payloads.seed ^ u64::from(stream)),
            };
            handle.spawn(sender.run())
        });
        let tasks = tasks.collect();
        Self { target, handle: handle.clone(), tasks }
    }

    /// Turns them to another target.
    pub(crate) fn turn_to(&self, target: Target) {
        self.target.send_replace(target);
    }

    /// Lets each finish its attempt and end.
    pub(crate) fn end(self) {
        self.target.send_replace(Target::Over);
        for task in self.tasks {
            self.handle.block_on(task).unwrap();
        }
    }
}

impl Sender {
    async fn run(mut self) {
        let mut pace = interval(self.manner.pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut number = 0;
        loop {
            pace.tick().await;
            let Some(to) = self.next_target().await else { return };
            if self.attempt(to, BatchId { stream: self.stream, number }).await {
                number += 1;
            }
        }
    }

    /// Waits until there is somewhere to send to; nothing if there never will be.
    async fn next_target(&mut self) -> Option<SocketAddr> {
        let known = self.target.wait_for(|target| *target != Target::Nowhere).await.ok()?;
        match (*known, &self.wire) {
            (Target::At { http, .. }, Wire::Http(_)) => Some(http),
            (Target::At { grpc, .. }, Wire::Grpc(_)) => Some(grpc),
            _ => None,
        }
    }

    /// Whether to go on with the next batch.
    async fn attempt(&mut self, to: SocketAddr, id: BatchId) -> bool {
        let body = self.manner.payloads.request(id);
        self.journal.attempt(id);
        match self.wire.send(to, signal_of(self.stream), body).await {
            Said::Acked => {
                if let Some(Err(broken)) = self.promise.as_ref().map(|promise| promise(id)) {
                    self.journal.fault(broken);
                }
                self.journal.acked(id);
                return true;
            }
            Said::Refused(status) => self.journal.refused(status),
            Said::Nobody => self.journal.not_sent(id),
            Said::Nothing => self.journal.unanswered(),
            Said::Wrong(what) => self.journal.fault(format!("{id}: {what}")),
        }
        match self.manner.patience {
            _ if self.journal.read().sent(id).n_attempts == 0 => false,
            Patience::Endless => false,
            Patience::ByLot => self.rng.below(2) == 0,
            Patience::None => true,
        }
    }
}
