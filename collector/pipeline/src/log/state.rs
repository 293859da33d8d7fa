//! What a log keeps in memory: its segments, a tail of recent records, who claims what.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;

use super::claimant::{Claimant, Role};
use super::mark::Tally;
use super::record::{Position, Record, SegmentId};
use super::segment::{Body, Segment};
use crate::ledger::Amount;

/// Called before a segment goes whose passing is not checkpointed yet; says whether it is now.
pub(super) type BeforeDelete = dyn Fn() -> bool + Send + Sync;

#[derive(Default)]
pub(super) struct State {
    /// Oldest first; only the last may be open.
    pub(super) segments: VecDeque<Segment>,
    /// Visible bytes of all of them.
    pub(super) n_bytes: u64,
    /// Everything that became visible.
    pub(super) taken: Tally,
    /// The same by origin.
    pub(super) origins: Vec<Amount>,
    /// The last records of a log on disk, without a gap up to the head.
    tail: VecDeque<Record>,
    n_tail_bytes: u64,
    pub(super) claims: Vec<Claimant>,
    /// Bytes of records that were let in and are not visible yet.
    pub(super) n_reserved: u64,
    pub(super) before_delete: Option<Arc<BeforeDelete>>,
    /// Told when a segment is sealed.
    pub(super) sealed: Option<Arc<Notify>>,
}

/// What a cursor finds without reading a file.
#[derive(Debug)]
pub enum Look {
    /// The next record.
    Record {
        /// It.
        record: Record,
        /// Whether there are others behind it.
        more: bool,
    },
    /// The next record is there, and is on disk only.
    OnDisk(Position),
    /// All records are read.
    AtHead,
    /// What the cursor wanted was deleted.
    Gone,
}

impl State {
    pub(super) fn segment(&self, id: SegmentId) -> Option<&Segment> {
        self.segments.binary_search_by_key(&id, |s| s.id).ok().map(|i| &self.segments[i])
    }

    /// Adds records behind all others; they lie in the last segment.
    pub(super) fn add(&mut self, records: Vec<Record>, max_tail_bytes: u64) {
        let Some(last) = self.segments.back_mut() else { return };
        let mut sum = Amount::NONE;
        for record in records {
            let amount = record.amount();
            sum += amount;
            let origin = usize::from(record.origin.0);
            if self.origins.len() <= origin {
                self.origins.resize(origin + 1, Amount::NONE);
            }
            self.origins[origin] += amount;
            last.n_bytes += record.n_bytes;
            last.amount += amount;
            self.n_bytes += record.n_bytes;
            self.taken.n_stored += record.n_bytes;
            match &mut last.body {
                Body::Memory(records) => records.push(record),
                Body::File(_) => {
                    self.n_tail_bytes += record.n_bytes;
                    self.tail.push_back(record);
                }
            }
        }
        self.taken.amount += sum;
        while self.n_tail_bytes > max_tail_bytes && self.forget_first() {}
        for claim in &self.claims {
            claim.came(sum);
        }
    }

    /// Lets go of tail records that nobody wants any more.
    pub(super) fn trim_tail(&mut self) {
        let Some(least) = self.claims.iter().map(|c| c.cursor).min() else { return };
        while self.tail.front().is_some_and(|r| r.position < least) && self.forget_first() {}
    }

    /// Takes the oldest segment out.
    pub(super) fn pop_oldest(&mut self) -> Option<Segment> {
        let oldest = self.segments.pop_front()?;
        self.n_bytes -= oldest.n_bytes;
        let is_gone = |r: &Record| r.position.segment <= oldest.id;
        while self.tail.front().is_some_and(is_gone) && self.forget_first() {}
        Some(oldest)
    }

    fn forget_first(&mut self) -> bool {
        let first = self.tail.pop_front();
        self.n_tail_bytes -= first.as_ref().map_or(0, |r| r.n_bytes);
        first.is_some()
    }

    /// The record at `at`, if it is in memory.
    pub(super) fn in_memory(&self, at: Position) -> Option<Record> {
        if let Ok(i) = self.tail.binary_search_by_key(&at, |r| r.position) {
            return Some(self.tail[i].clone());
        }
        let Body::Memory(records) = &self.segment(at.segment)?.body else { return None };
        let found = records.binary_search_by_key(&at, |r| r.position).ok();
        found.map(|i| records[i].clone())
    }

    /// What a cursor at `at` finds without reading a file.
    pub(super) fn look(&self, mut at: Position) -> Look {
        if self.segments.front().is_some_and(|oldest| at.segment < oldest.id) {
            return Look::Gone;
        }
        loop {
            if let Some(record) = self.in_memory(at) {
                let more = self.segments.back().is_some_and(|last| record.end() < last.end());
                return Look::Record { record, more };
            }
            let i = self.segments.partition_point(|s| s.id < at.segment);
            match self.segments.get(i) {
                None => return Look::AtHead,
                Some(s) if s.id == at.segment && at.offset < s.n_bytes => {
                    return match s.body {
                        Body::File(_) => Look::OnDisk(at),
                        Body::Memory(_) => Look::Gone,
                    };
                }
                Some(s) if s.id > at.segment => at = Position::start_of(s.id),
                Some(_) => match self.segments.get(i + 1) {
                    Some(behind) => at = Position::start_of(behind.id),
                    None => return Look::AtHead,
                },
            }
        }
    }

    /// Bytes of records since the log was opened, up to `at`.
    pub(super) fn stored_before(&self, at: Position) -> u64 {
        let i = self.segments.partition_point(|s| s.id < at.segment);
        self.segments.get(i).map_or(self.taken.n_stored, |s| {
            if s.id == at.segment { s.stored_before(at.offset) } else { s.before.n_stored }
        })
    }

    /// What had been taken in before the start of a segment, or of the one that will be behind all.
    pub(super) fn taken_before(&self, segment: SegmentId) -> Amount {
        let i = self.segments.partition_point(|s| s.id < segment);
        self.segments.get(i).map_or(self.taken.amount, |s| s.before.amount)
    }

    /// Whether every exporter has passed the oldest segment.
    pub(super) fn oldest_is_history(&self) -> bool {
        let Some(oldest) = self.segments.front() else { return false };
        let pins = self.claims.iter().filter(|c| c.role != Role::Observer);
        pins.map(|c| c.cursor).all(|cursor| cursor >= oldest.end())
    }

    /// Bytes of the oldest segment if it is full and everybody has passed it.
    pub(super) fn n_unwanted_bytes(&self) -> Option<u64> {
        let oldest = self.segments.front().filter(|s| s.sealed)?;
        self.claims.iter().all(|c| c.cursor >= oldest.end()).then_some(oldest.n_bytes)
    }

    /// Whether a crash now would forget that the oldest segment was passed.
    pub(super) fn oldest_is_unkept(&self) -> bool {
        let Some(oldest) = self.segments.front() else { return false };
        self.claims.iter().any(|c| c.role != Role::Observer && c.kept < oldest.end())
    }
}
