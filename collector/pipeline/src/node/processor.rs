//! The processor's side of the pipeline.
//!
//! Processors have two shapes. A *policy* stands before the log and may refuse or edit; an *observer*
//! reads behind it, and changes nothing. Policies have no form here yet.

use std::any::Any;

use bytes::Bytes;

use super::NodeError;
use crate::config::PipelineId;
use crate::ledger::Amount;
use crate::log::Record;

/// Reads every record of the pipelines that name it, before any sampling. Whoever runs the graph may ask it
/// for more than the pipeline does, as the type it is.
///
/// # Invariants
/// 1. What [`Observation::state`] gives goes, with the cursor, into one atomic checkpoint; an observation
///    that is resumed from it is shown exactly the records behind that cursor.
/// 2. It holds nothing up: what is not read in time goes, and [`Observation::missed`] tells how much.
pub trait Observer: Any + Send + Sync {
    /// Begins with the `state` of the last checkpoint, empty where there is none. Called again after
    /// a panic; what the earlier observation knew since that checkpoint must be forgotten.
    fn resume(
        &self,
        pipeline: &PipelineId,
        state: &[u8],
    ) -> Result<Box<dyn Observation>, NodeError>;
}

/// An observer at work in one pipeline.
pub trait Observation: Send {
    /// Takes a record in: no I/O and no waiting. [`Record::received_at`] is the instant it counts.
    fn observe(&mut self, record: &Record);

    /// Records that amount to that much went before they could be read.
    fn missed(&mut self, amount: Amount);

    /// Everything there is has been observed: the moment to publish.
    fn caught_up(&mut self) {}

    /// Everything that is to be known again after a restart, at most
    /// [`crate::consumer::MAX_STATE`] bytes.
    fn state(&self) -> Bytes;
}
