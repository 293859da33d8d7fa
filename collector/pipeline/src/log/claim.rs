//! What those who follow a log have read, so that nothing is deleted before its time.
//!
//! # Invariants
//! 1. A segment that an exporter's claim has not passed is never deleted; observers' claims only keep
//!    records in memory for them, as long as there is room.
//! 2. A batch is let in only if it fits the share of every primary claim, or finds it empty.

use std::fmt;
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::claimant::{Claimant, Role, Shed};
use super::mark::Mark;
use super::options::LogOptions;
use super::reader::LogReader;
use super::record::{Position, SegmentId};
use super::segment::Segment;
use super::shared::Shared;
use super::state::State;
use crate::ledger::{Amount, Edge};

/// Who claims, from where, and how much.
pub struct ClaimOptions {
    /// What happens when the share is full.
    pub role: Role,
    /// Bytes of records that may wait for it; nothing bounds an observer's.
    pub share: u64,
    /// Where it starts.
    pub from: Position,
    /// The edge on which records enter as they become visible, where they are accounted for.
    pub edge: Option<Edge>,
    /// Told of new records.
    pub wake: Arc<Notify>,
    /// Asked to give up the oldest; secondary claims only.
    pub shed: Option<Weak<dyn Shed>>,
}

/// A place in a log, held until it is dropped.
pub struct Claim {
    shared: Arc<Shared>,
    id: u64,
}

/// Bytes let into a log that are not visible yet; given back when dropped.
pub struct Reserved {
    shared: Arc<Shared>,
    n_bytes: u64,
}

impl Shared {
    /// Behind all records.
    fn end(&self, state: &State) -> Mark {
        Mark { position: *self.head.borrow(), taken: state.taken.amount }
    }

    /// Lets a record of `n_bytes` in, if all primary claims have room for it.
    pub(super) fn reserve(self: &Arc<Self>, n_bytes: u64) -> Option<Reserved> {
        let mut state = self.lock();
        let (n_stored, n_reserved) = (state.taken.n_stored, state.n_reserved);
        let fits = |claim: &Claimant| {
            let n_waiting = n_stored - claim.n_stored + n_reserved;
            n_waiting == 0 || n_waiting + n_bytes <= claim.share
        };
        if !state.claims.iter().filter(|c| c.role == Role::Primary).all(fits) {
            return None;
        }
        state.n_reserved += n_bytes;
        Some(Reserved { shared: Arc::clone(self), n_bytes })
    }

    /// Has secondary claims give up what keeps `n_bytes` more from fitting their shares.
    pub(super) fn shed_for(&self, n_bytes: u64) {
        let over: Vec<(Arc<dyn Shed>, Mark)> = {
            let state = self.lock();
            let n_stored = state.taken.n_stored;
            let secondary = state.claims.iter().filter(|c| c.role == Role::Secondary);
            let over = secondary.filter_map(|claim| {
                let n_waiting = n_stored - claim.n_stored;
                if n_waiting == 0 || n_waiting + n_bytes <= claim.share {
                    return None;
                }
                let fits = |s: &&Segment| n_stored - s.before.n_stored + n_bytes <= claim.share;
                let to = state.segments.iter().find(fits).map(Segment::start);
                let to = to.unwrap_or_else(|| self.end(&state));
                Some((claim.shed.as_ref()?.upgrade()?, to))
            });
            over.collect()
        };
        for (claim, to) in over {
            claim.shed(to);
        }
    }
}

impl LogReader {
    /// Claims a place; from now on what lies behind it is kept, as far as its role goes.
    #[must_use]
    pub fn claim(&self, options: ClaimOptions) -> Claim {
        let ClaimOptions { role, share, from, edge, wake, shed } = options;
        let mut state = self.shared.lock();
        let id = state.claims.iter().map(|c| c.id + 1).max().unwrap_or(0);
        let n_stored = state.stored_before(from);
        let entry =
            Claimant { id, role, share, cursor: from, n_stored, kept: from, edge, wake, shed };
        state.claims.push(entry);
        drop(state);
        Claim { shared: Arc::clone(&self.shared), id }
    }

    /// The oldest place there is.
    #[must_use]
    pub fn oldest(&self) -> Mark {
        let state = self.shared.lock();
        state.segments.front().map_or_else(|| self.shared.end(&state), Segment::start)
    }

    /// The start of the first segment behind `id`; the head where there is none.
    #[must_use]
    pub fn behind(&self, id: SegmentId) -> Mark {
        let state = self.shared.lock();
        let next = state.segments.iter().find(|s| s.id > id);
        next.map_or_else(|| self.shared.end(&state), Segment::start)
    }

    /// Everything the log took in since it began.
    #[must_use]
    pub fn taken(&self) -> Amount {
        self.shared.lock().taken.amount
    }

    /// The head, and what each origin brought up to it.
    #[must_use]
    pub fn taken_by_origin(&self) -> (Mark, Vec<Amount>) {
        let state = self.shared.lock();
        (self.shared.end(&state), state.origins.clone())
    }

    /// From now on the log has other bounds; what is there already goes when room is needed next.
    pub fn resize(&self, options: LogOptions) {
        self.shared.resize(options);
    }

    /// Has `hook` called on the writer's thread before a segment goes that a claim passed since its
    /// last checkpoint, and once more afterwards where it says that none could be written: on a disk
    /// that was full there is room then.
    pub fn before_delete(&self, hook: impl Fn() -> bool + Send + Sync + 'static) {
        self.shared.lock().before_delete = Some(Arc::new(hook));
    }

    /// Has `alarm` told whenever a segment is sealed.
    pub fn tell_sealed(&self, alarm: Arc<Notify>) {
        self.shared.lock().sealed = Some(alarm);
    }
}

impl Claim {
    /// Everything before `to` is passed.
    pub fn move_to(&self, to: Position) {
        let mut state = self.shared.lock();
        let n_stored = state.stored_before(to);
        let on_disk = self.shared.is_on_disk();
        let Some(entry) = state.claims.iter_mut().find(|c| c.id == self.id) else { return };
        (entry.cursor, entry.n_stored) = (to, n_stored);
        if on_disk {
            state.trim_tail();
        } else {
            entry.kept = to;
            self.shared.forget_unwanted(&mut state);
        }
    }

    /// Everything before `to` is passed, and a checkpoint says so.
    pub fn keep(&self, to: Position) {
        let mut state = self.shared.lock();
        if let Some(entry) = state.claims.iter_mut().find(|c| c.id == self.id) {
            entry.kept = to;
        }
    }

    /// From now on so many bytes of records may wait for it.
    pub fn resize(&self, share: u64) {
        let mut state = self.shared.lock();
        if let Some(entry) = state.claims.iter_mut().find(|c| c.id == self.id) {
            entry.share = share;
        }
    }

    /// Bytes of records that wait.
    #[must_use]
    pub fn n_waiting_bytes(&self) -> u64 {
        let state = self.shared.lock();
        let entry = state.claims.iter().find(|c| c.id == self.id);
        entry.map_or(0, |c| state.taken.n_stored - c.n_stored)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.lock().claims.retain(|c| c.id != self.id);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.shared.lock().n_reserved -= self.n_bytes;
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("id", &self.id).finish_non_exhaustive()
    }
}
