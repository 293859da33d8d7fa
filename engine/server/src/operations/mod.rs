//! Long operations: a durable row each, and their progress in memory.
//!
//! # Invariants
//! 1. A row is `running` exactly while a job holds it; the start of the Engine turns orphans into `failed`, `interrupted`.
//! 2. The end of an operation and its event are one transaction.
//! 3. What runs can be asked to end: its [`Cancel`] is known as long as its row is `running`.
//! 4. At most ten progress frames a second leave an operation.
//!
//! # Not here
//! What the operations do: see [`crate::pellets`].

mod begin;
mod cancel;
mod ending;
mod failure;
mod model;
mod progress;
mod routes;
pub(crate) mod rows;

pub(crate) use begin::{Asked, accepted, begin, reply};
pub use cancel::{Cancel, outcome_of};
pub(crate) use ending::commit_end;
pub(crate) use failure::{Refused, Underway, record_failure};
pub(crate) use model::{
    Operation, OperationId, OperationKind, OperationResult, OperationState, Progress, Step,
};
pub(crate) use progress::{Frame, ProgressHub, Reporter};
pub(crate) use routes::{
    __path_cancel_operation, __path_show_operation, cancel_operation, show_operation,
};
