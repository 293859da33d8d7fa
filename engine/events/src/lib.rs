//! The durable event log: one SQLite file, one writer, one global cursor.
//!
//! A part of the Engine hands [`EventLog::commit`] a closure; its rows and its events become durable in one
//! transaction, and closures that wait at the same time share one fsync.
//!
//! # Invariants
//! 1. Revisions are gap-free from 1: a closure that fails takes none, a commit that fails takes none.
//! 2. What [`EventLog::commit`] acknowledged survives the end of the process and of the machine.
//! 3. A closure's rows and events are seen together or not at all.
//! 4. A revision is announced only after its commit; a [`Subscription`] gives each exactly once, in order.
//! 5. One process at a time writes a log.
//!
//! # Not here
//! Progress of running work (it is not stored), delivery to webhooks, retention.
//!
//! # Failure
//! A failed fsync or a full disk fails every closure of its group and leaves the log as it was before;
//! the next commit starts anew. After kill -9 SQLite's write-ahead log is replayed on opening.

mod error;
mod event;
mod event_type;
mod lock;
mod log;
mod schema;
mod subscription;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

pub use error::EventError;
pub use event::{Event, EventId, NewEvent};
pub use log::{Closer, EventLog, Options};
pub use nestr_telemetry::names::EventType;
pub use schema::Migration;
pub use subscription::Subscription;
pub use tx::Tx;

/// The SQLite binding whose types [`Tx::sql`] and [`EventLog::read`] hand out.
pub use rusqlite;

/// What the calls of this crate return.
pub type Result<T, E = EventError> = std::result::Result<T, E>;
