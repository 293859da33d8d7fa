//! How a batch gets into all pipelines its receiver feeds.
//!
//! Everything that can refuse comes first, in this order: the size, room in the shares of all primary
//! exporters and in front of all logs, then the logs that must be synced before the reply, all at once.
//! Only when the last of them has the batch do logs that are not waited for get it. Where `ack:
//! delivered` asks for it, the reply then waits for the primary exporters.
//!
//! # Invariants
//! 1. Whoever is told [`Admission::Accepted`] has the batch synced in the log of every pipeline with
//!    `ack: durable` or `delivered`, and delivered or dropped for good by every primary exporter of
//!    the latter.
//! 2. A refused batch is in no log, but for two cases: of several logs that must be synced some took
//!    it and another failed, or its delivery did not end in time. It is kept then, and its items count
//!    as duplicates, since its sender will repeat it.
//!
//! # Failure
//! A batch whose reply was given without waiting and that the log then fails to write is lost; on the
//! log's edge it is dropped as `unwritten`. A sender that goes away while it waits changes nothing:
//! what was begun is finished.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::admission::{Admission, Offered, Patience, RETRY_FULL, RETRY_UNAVAILABLE};
use super::branch::{Branch, Keep, Ways};
use crate::Batch;
use crate::config::Ack;
use crate::ledger::{Amount, Reason};
use crate::log::{LogError, Placed, Position, Reserved, Room};
use crate::own::Traced;

/// A batch for which there is room everywhere.
struct Admitting {
    /// Held until it has gone all its way over them.
    ways: Arc<Ways>,
    batch: Batch,
    /// Wants to know where it lies.
    traced: Option<Arc<Traced>>,
    /// In logs in memory, by branch.
    rings: Vec<(usize, Reserved)>,
    /// In front of logs on disk that are not waited for, by branch.
    rooms: Vec<(usize, Room)>,
}

/// Where a batch stands, by branch.
type Places = Vec<(usize, Position)>;

/// What the logs that are waited for have said so far.
struct Vote {
    admitting: Option<Admitting>,
    reply: Option<oneshot::Sender<Admission>>,
    n_left: usize,
    took: Places,
    refused: Option<Admission>,
}

/// The deliveries a reply waits for.
struct Deliveries {
    n_left: AtomicUsize,
    reply: Mutex<Option<oneshot::Sender<Admission>>>,
}

/// Offers a batch to all branches of its signal.
pub(super) fn admit(ways: &Arc<Ways>, batch: Batch, traced: Option<Arc<Traced>>) -> Offered {
    let branches = &ways.branches;
    let fed: Vec<usize> = fed(branches, &batch).collect();
    if fed.is_empty() {
        return Admission::Unwanted.into();
    }
    let full = || Admission::Full { retry_after: RETRY_FULL }.into();
    let (mut rings, mut rooms, mut waited_for) = (Vec::new(), Vec::new(), Vec::new());
    for i in fed {
        let trunk = &branches[i].trunk;
        let fits = match &trunk.keep {
            Keep::Ring(log) => log.fits(&batch),
            Keep::Disk(log) => log.fits(&batch),
        };
        if let Err(error) = fits {
            return refusal(&error).into();
        }
        match (&trunk.keep, trunk.ack) {
            (Keep::Ring(log), _) => {
                let Some(reserved) = log.reserve(&batch) else { return full() };
                rings.push((i, reserved));
            }
            (Keep::Disk(log), ack) => {
                let Some(room) = log.reserve(&batch) else { return full() };
                let into = if ack == Ack::Memory { &mut rooms } else { &mut waited_for };
                into.push((i, room));
            }
        }
    }
    let patience = patience(branches, &batch);
    let admitting = Admitting { ways: Arc::clone(ways), batch, traced, rings, rooms };
    if waited_for.is_empty() && patience.is_none() {
        admitting.complete(Vec::new());
        return Admission::Accepted.into();
    }
    let (reply, said) = oneshot::channel();
    if waited_for.is_empty() {
        admitting.deliver(Vec::new(), reply);
    } else {
        admitting.after(waited_for, reply);
    }
    Offered::waiting(said, patience)
}

/// The branches that take the batch.
fn fed(branches: &[Arc<Branch>], batch: &Batch) -> impl Iterator<Item = usize> {
    let signal = batch.signal;
    branches.iter().enumerate().filter(move |(_, b)| b.signal == signal).map(|(i, _)| i)
}

/// How long the reply may wait for deliveries; nothing where it waits for none.
fn patience(branches: &Arc<[Arc<Branch>]>, batch: &Batch) -> Option<Patience> {
    let trunks = fed(branches, batch).map(|i| &branches[i].trunk);
    let limit = trunks.filter(|t| t.ack == Ack::Delivered).map(|t| t.ack_timeout).max()?;
    let (branches, batch) = (Arc::clone(branches), batch.clone());
    let over = move || fed(&branches, &batch).for_each(|i| branches[i].note_duplicate(&batch));
    Some(Patience::new(limit, over))
}

/// Tells `traced` where its batch lies in the log of `branch`: before anyone can deliver it from there, who asks
/// whose it is.
fn placed(traced: Option<&Arc<Traced>>, branch: &Arc<Branch>) -> Option<Placed> {
    let (traced, branch) = (Arc::clone(traced?), Arc::clone(branch));
    Some(Box::new(move |position| traced.lies_at(&branch.trunk.pipeline, position)))
}

fn refusal(error: &LogError) -> Admission {
    if matches!(error, LogError::Full) {
        return Admission::Full { retry_after: RETRY_FULL };
    }
    tracing::error!(%error, "the log did not take a batch");
    let message = "the log cannot be written";
    Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message }
}

impl Admitting {
    /// Completes once all logs of `waited_for` have the batch.
    fn after(self, waited_for: Vec<(usize, Room)>, reply: oneshot::Sender<Admission>) {
        let (branches, batch) = (Arc::clone(&self.ways.branches), self.batch.clone());
        let traced = self.traced.clone();
        let vote = Arc::new(Mutex::new(Vote {
            admitting: Some(self),
            reply: Some(reply),
            n_left: waited_for.len(),
            took: Vec::new(),
            refused: None,
        }));
        for (branch, room) in waited_for {
            let vote = Arc::clone(&vote);
            let placed = placed(traced.as_ref(), &branches[branch]);
            room.submit(branches[branch].origin, batch.clone(), placed, move |written| {
                let mut vote = vote.lock().unwrap_or_else(PoisonError::into_inner);
                vote.count(branch, written);
            });
        }
    }

    /// The batch is where it must be, `took`; the rest gets it now. Says where it stands in all logs
    /// that have it by then.
    fn complete(self, mut took: Places) -> Places {
        let Self { ways, batch, traced, rings, rooms } = self;
        let branches = &ways.branches;
        let Amount { n_items, n_bytes } = Amount::of(&batch);
        for (i, _) in &took {
            branches[*i].edge.enter(n_items, n_bytes);
            branches[*i].edge.deliver(n_items, n_bytes);
        }
        for (i, reserved) in rings {
            let branch = &branches[i];
            let Keep::Ring(log) = &branch.trunk.keep else { continue };
            branch.edge.enter(n_items, n_bytes);
            let placed = |position| {
                traced.iter().for_each(|t| t.lies_at(&branch.trunk.pipeline, position));
            };
            let written = log.append_from(branch.origin, &batch, placed).map_err(Arc::new);
            drop(reserved);
            took.extend(written.as_ref().ok().map(|position| (i, *position)));
            branch.arrived(&batch, written.map(|_| ()));
        }
        for (i, room) in rooms {
            branches[i].waiting.add(n_items, n_bytes);
            branches[i].edge.enter(n_items, n_bytes);
            let (branches, sent) = (Arc::clone(branches), batch.clone());
            let placed = placed(traced.as_ref(), &branches[i]);
            room.submit(branches[i].origin, batch.clone(), placed, move |written| {
                branches[i].arrived(&sent, written.map(|_| ()));
                branches[i].waiting.sub(n_items, n_bytes);
            });
        }
        took
    }

    /// Completes, and replies once everything is delivered that `ack: delivered` waits for.
    fn deliver(self, took: Places, reply: oneshot::Sender<Admission>) {
        let branches = Arc::clone(&self.ways.branches);
        let wanted = fed(&branches, &self.batch)
            .filter(|i| branches[*i].trunk.ack == Ack::Delivered)
            .collect::<Vec<_>>();
        let places = self.complete(took);
        let missing = wanted.iter().any(|i| !places.iter().any(|(at, _)| at == i));
        if missing {
            let message = "the log cannot be written";
            let refused = Admission::Unavailable { retry_after: RETRY_UNAVAILABLE, message };
            let _ = reply.send(refused);
            return;
        }
        let waits: Vec<_> = places
            .iter()
            .filter(|(i, _)| wanted.contains(i))
            .flat_map(|(i, at)| branches[*i].trunk.primary.iter().map(move |c| (c, *at)))
            .collect();
        let (n_left, reply) = (AtomicUsize::new(waits.len() + 1), Mutex::new(Some(reply)));
        let deliveries = Arc::new(Deliveries { n_left, reply });
        for (consumer, at) in waits {
            let deliveries = Arc::clone(&deliveries);
            consumer.when_done(at, move || deliveries.one_less());
        }
        deliveries.one_less();
    }
}

impl Deliveries {
    fn one_less(&self) {
        if self.n_left.fetch_sub(1, SeqCst) > 1 {
            return;
        }
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A sender that went away is told nothing and may send again.
        let _ = reply.map(|reply| reply.send(Admission::Accepted));
    }
}

impl Vote {
    /// Counts the word of one log; the last one decides.
    fn count(&mut self, branch: usize, written: Result<Position, Arc<LogError>>) {
        self.n_left -= 1;
        match written {
            Ok(position) => self.took.push((branch, position)),
            Err(error) => self.refused = Some(refusal(&error)),
        }
        if self.n_left > 0 {
            return;
        }
        let (Some(admitting), Some(reply)) = (self.admitting.take(), self.reply.take()) else {
            return;
        };
        let took = std::mem::take(&mut self.took);
        let Some(refused) = self.refused.take() else { return admitting.deliver(took, reply) };
        let Amount { n_items, n_bytes } = Amount::of(&admitting.batch);
        for (branch, _) in took {
            let branch = &admitting.ways.branches[branch];
            branch.edge.enter(n_items, n_bytes);
            branch.edge.deliver(n_items, n_bytes);
            branch.note_duplicate(&admitting.batch);
        }
        let _ = reply.send(refused);
    }
}

impl Branch {
    /// Accounts for a batch that entered and of which the log has said its word.
    fn arrived(&self, batch: &Batch, written: Result<(), Arc<LogError>>) {
        let Amount { n_items, n_bytes } = Amount::of(batch);
        match written {
            Ok(()) => self.edge.deliver(n_items, n_bytes),
            Err(error) => {
                let pipeline = &self.trunk.pipeline;
                tracing::error!(pipeline, n_items, %error, "a batch that was accepted is lost: the log cannot be written");
                self.edge.drop_items(Reason::Unwritten, n_items, n_bytes);
            }
        }
    }

    fn note_duplicate(&self, batch: &Batch) {
        let (pipeline, n_items) = (&self.trunk.pipeline, u64::from(batch.n_items));
        tracing::warn!(pipeline, n_items, "the log keeps a batch whose sender was refused");
        self.trunk.duplicates.add(&[pipeline], n_items);
    }
}
