//! A record under way: settled by its exporter, or given back.

use std::ops::Deref;
use std::sync::Arc;

use super::exporting::{Consumer, Inner};
use super::window::Returned;
use crate::Batch;
use crate::ledger::Totals;
use crate::log::{Position, Record};
use crate::node::Begun;

/// A record under way; goes back unless settled.
pub struct InHand {
    consumer: Arc<Consumer>,
    record: Option<Record>,
    begun: Begun,
    n_panics: u32,
}

impl InHand {
    /// What `consumer`'s window gave out.
    pub(super) fn new(consumer: &Arc<Consumer>, inner: &mut Inner, taken: Returned) -> Self {
        let Returned { record, begun, n_panics } = taken;
        inner.n_in_hand += record.n_bytes();
        Self { consumer: Arc::clone(consumer), record: Some(record), begun, n_panics }
    }

    /// Spans, data points or log records.
    #[must_use]
    pub fn n_items(&self) -> u64 {
        self.n_items.into()
    }

    /// What its exporter keeps of it between attempts.
    #[must_use]
    pub fn begun(&self) -> &Begun {
        &self.begun
    }

    /// The pipeline in whose log it lies, and where.
    #[must_use]
    pub fn place(&self) -> (&str, Position) {
        let position = self.record.as_ref().map_or_else(Position::default, |r| r.position);
        (&self.consumer.key.pipeline, position)
    }

    /// The exporter is done with it in `totals`, which must sum up to it.
    pub fn settle(mut self, totals: Totals) {
        if let Some(record) = self.record.take() {
            self.consumer.settle(&record, totals);
        }
    }

    /// Whether it was given up while it was under way: nobody wants it any more.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        let position = self.record.as_ref().map(|r| r.position);
        position.is_some_and(|at| self.consumer.lock().window.is_done(at))
    }

    /// Notes that the exporter panicked over it, and how often that has happened.
    pub fn note_panic(&mut self) -> u32 {
        self.n_panics += 1;
        self.n_panics
    }
}

impl Deref for InHand {
    type Target = Batch;

    #[expect(
        clippy::expect_used,
        reason = "only `settle` and `drop` take the record, and both end the item"
    )]
    fn deref(&self) -> &Batch {
        &self.record.as_ref().expect("a record in hand is there until it is settled").batch
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            let mut inner = self.consumer.lock();
            inner.let_go(&record);
            let (begun, n_panics) = (std::mem::take(&mut self.begun), self.n_panics);
            inner.window.give_back(Returned { record, begun, n_panics });
            drop(inner);
            self.consumer.wake.notify_one();
        }
    }
}
