//! The append-only log of a pipeline: segments of checksummed records, on disk or in memory.
//!
//! A record is one batch as it was received. Whoever follows the log holds a *cursor*: the
//! [`Position`] of the record it wants next. Layout on disk: `docs/formats/log.md`.
//!
//! # Invariants
//! 1. Positions grow with every append; a position never names two different records.
//! 2. Bytes once appended are never changed; only whole segments go, oldest first.
//! 3. A process writes only to segments it created: after a restart appending goes on in a new one,
//!    so a torn tail stays where it is and hides nothing behind it.
//! 4. Readers never see a record before all its bytes are written, and never block the writer for
//!    longer than a look at the list of segments.
//!
//! # Not here
//! Promises about power loss: a segment is synced when it is sealed, the open one is not. Cursors
//! that outlive the process.
//!
//! # Failure
//! A failed write seals the segment at its last whole record and the next append starts another;
//! the batch was not taken. A record with a wrong checksum ends the reading of its segment, is
//! logged and counted once; a file whose header is damaged is moved aside under its own name and
//! counted. Memory logs lose everything with the process.

mod error;
mod reader;
mod record;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use error::LogError;
pub use reader::{LogReader, Next, Scan};
pub use record::{Position, Record, SegmentId};
pub use segment::{SegmentInfo, Storage};
pub use writer::{Log, LogOptions};
