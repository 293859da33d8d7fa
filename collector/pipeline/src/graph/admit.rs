//! How a batch gets into all pipelines its receiver feeds.
//!
//! Everything that can refuse comes first, in this order: room in all queues and in front of all
//! logs, the size, then the logs that must be synced before the reply, all at once. Only when the
//! last of them has the batch do logs that are not waited for and the exporters get it.
//!
//! # Invariants
//! 1. Whoever is told [`Admission::Accepted`] has the batch synced in the log of every pipeline with
//!    `ack: durable`.
//! 2. A refused batch is in no queue and in no log, but for one case: of several logs that must be
//!    synced some took it and another failed. Those keep it, and count it as duplicates, since its
//!    sender will repeat it.
//!
//! # Failure
//! A batch whose reply was given without waiting and that the log then fails to write goes to the
//! exporters all the same; on the log's edge it is dropped as `unwritten`. A sender that goes away
//! while it waits changes nothing: what was begun is finished.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::intake::{Admission, Branch, Keep, Offered, RETRY_FULL, RETRY_UNAVAILABLE};
use crate::Batch;
use crate::config::Ack;
use crate::ledger::Reason;
use crate::log::{LogError, Room};
use crate::queue::Reservation;

/// A batch for which there is room everywhere.
struct Admitting {
    branches: Arc<[Branch]>,
    batch: Batch,
    /// One for each exporter of each branch fed, in their order.
    reserved: Vec<Reservation>,
    /// In front of logs that are not waited for, by branch.
    rooms: Vec<(usize, Room)>,
}

/// What the logs that are waited for have said so far.
struct Vote {
    admitting: Option<Admitting>,
    reply: Option<oneshot::Sender<Admission>>,
    n_left: usize,
    took: Vec<usize>,
    refused: Option<Admission>,
}

/// Offers a batch to all branches of its signal.
pub(super) fn admit(branches: &Arc<[Branch]>, batch: Batch) -> Offered {
    let fed: Vec<usize> = fed(branches, &batch).collect();
    if fed.is_empty() {
        return Admission::Unwanted.into();
    }
    let full = || Admission::Full { retry_after: RETRY_FULL }.into();
    let n_bytes = batch.payload.len() as u64;
    let exports = fed.iter().flat_map(|i| &branches[*i].trunk.exports);
    let reserved: Option<Vec<Reservation>> = exports.map(|e| e.queue.reserve(n_bytes)).collect();
    let Some(reserved) = reserved else { return full() };
    let (mut rooms, mut waited_for) = (Vec::new(), Vec::new());
    for i in fed {
        let trunk = &branches[i].trunk;
        let fits = match &trunk.keep {
            Keep::Nothing => continue,
            Keep::Ring(log) => log.fits(&batch),
            Keep::Disk(log) => log.fits(&batch),
        };
        if let Err(error) = fits {
            return unavailable(&error).into();
        }
        if let Keep::Disk(log) = &trunk.keep {
            let Some(room) = log.reserve(&batch) else { return full() };
            match trunk.ack {
                Ack::Durable => waited_for.push((i, room)),
                Ack::Memory => rooms.push((i, room)),
            }
        }
    }
    let admitting = Admitting { branches: Arc::clone(branches), batch, reserved, rooms };
    if waited_for.is_empty() {
        admitting.complete();
        return Admission::Accepted.into();
    }
    admitting.after(waited_for)
}

/// The branches that take the batch.
fn fed(branches: &[Branch], batch: &Batch) -> impl Iterator<Item = usize> {
    let signal = batch.signal;
    branches.iter().enumerate().filter(move |(_, b)| b.signal == signal).map(|(i, _)| i)
}

fn unavailable(error: &LogError) -> Admission {
    tracing::error!(%error, "the log did not take a batch");
    let message = "the log cannot be written";
    Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message }
}

impl Admitting {
    /// Completes once all logs of `waited_for` have the batch.
    fn after(self, waited_for: Vec<(usize, Room)>) -> Offered {
        let (reply, answer) = oneshot::channel();
        let batch = self.batch.clone();
        let vote = Arc::new(Mutex::new(Vote {
            admitting: Some(self),
            reply: Some(reply),
            n_left: waited_for.len(),
            took: Vec::new(),
            refused: None,
        }));
        for (branch, room) in waited_for {
            let vote = Arc::clone(&vote);
            room.submit(batch.clone(), move |written| {
                let mut vote = vote.lock().unwrap_or_else(PoisonError::into_inner);
                vote.count(branch, written.map(|_| ()));
            });
        }
        Offered::Waiting(answer)
    }

    /// The batch is where it must be; the rest gets it now.
    fn complete(self) {
        let Self { branches, batch, reserved, rooms } = self;
        let (n_items, n_bytes) = (u64::from(batch.n_items), batch.payload.len() as u64);
        for i in fed(&branches, &batch) {
            let branch = &branches[i];
            match (&branch.trunk.keep, branch.trunk.ack) {
                (Keep::Disk(_), Ack::Memory) => {}
                (Keep::Ring(log), _) => {
                    branch.edge.enter(n_items, n_bytes);
                    branch.arrived(&batch, log.append(&batch).map_err(Arc::new).map(|_| ()));
                }
                (Keep::Disk(_) | Keep::Nothing, _) => {
                    branch.edge.enter(n_items, n_bytes);
                    branch.edge.deliver(n_items, n_bytes);
                }
            }
        }
        for (i, room) in rooms {
            branches[i].waiting.add(n_items, n_bytes);
            branches[i].edge.enter(n_items, n_bytes);
            let (branches, sent) = (Arc::clone(&branches), batch.clone());
            room.submit(batch.clone(), move |written| {
                branches[i].arrived(&sent, written.map(|_| ()));
                branches[i].waiting.sub(n_items, n_bytes);
            });
        }
        let exports = fed(&branches, &batch).flat_map(|i| &branches[i].trunk.exports);
        for (export, room) in exports.zip(reserved) {
            export.edge.enter(n_items, n_bytes);
            room.push(batch.clone(), export.edge.clone(), export.account);
        }
    }
}

impl Vote {
    /// Counts the word of one log; the last one decides.
    fn count(&mut self, branch: usize, written: Result<(), Arc<LogError>>) {
        self.n_left -= 1;
        match written {
            Ok(()) => self.took.push(branch),
            Err(error) => self.refused = Some(unavailable(&error)),
        }
        if self.n_left > 0 {
            return;
        }
        let (Some(admitting), Some(reply)) = (self.admitting.take(), self.reply.take()) else {
            return;
        };
        let answer = match self.refused.take() {
            Some(refused) => {
                for branch in &self.took {
                    admitting.branches[*branch].note_duplicate(&admitting.batch);
                }
                refused
            }
            None => {
                admitting.complete();
                Admission::Accepted
            }
        };
        // A sender that went away is told nothing and may send again.
        let _ = reply.send(answer);
    }
}

impl Branch {
    /// Accounts for a batch that entered and of which the log has said its word.
    fn arrived(&self, batch: &Batch, written: Result<(), Arc<LogError>>) {
        let (n_items, n_bytes) = (u64::from(batch.n_items), batch.payload.len() as u64);
        match written {
            Ok(()) => self.edge.deliver(n_items, n_bytes),
            Err(error) => {
                let pipeline = &self.trunk.pipeline;
                tracing::error!(pipeline, n_items, %error, "the log misses a batch that was accepted");
                self.edge.drop_items(Reason::Unwritten, n_items, n_bytes);
            }
        }
    }

    fn note_duplicate(&self, batch: &Batch) {
        let (pipeline, n_items) = (&self.trunk.pipeline, u64::from(batch.n_items));
        tracing::warn!(pipeline, n_items, "the log keeps a batch that another log could not take");
        self.trunk.duplicates.add(&[pipeline], n_items);
    }
}
