//! The append-only log of a pipeline: segments of checksummed records, on disk or in memory.
//!
//! A record is one batch as it was received. Whoever follows the log holds a *cursor*: the
//! [`Position`] of the record it wants next. A [`Claim`] tells the log of one: what an exporter has
//! not passed is *pending* and stays, what all exporters have passed is *history* and goes when room
//! is needed. Layout on disk: `docs/formats/log.md`.
//!
//! # Invariants
//! 1. Positions grow with every append; a position never names two different records.
//! 2. Bytes once appended are never changed; only whole segments go, oldest first, and none that an
//!    exporter's claim has not passed.
//! 3. A process writes only to segments it created, and one process at a time holds the folder:
//!    after a restart appending goes on in a new segment behind the mended last one.
//! 4. Readers never see a record before all its bytes are written, nor, in a log that is committed,
//!    before they are synced; they hold up the writer for no longer than a look at the list of
//!    segments.
//! 5. All segments but the last are synced: each when it is sealed, the last of an earlier process
//!    when the log is opened.
//!
//! # Not here
//! Cursors that outlive the process: those are [`crate::consumer`]'s.
//!
//! # Failure
//! A failed write leaves the segment at its last whole record and the next append starts another;
//! the batch was not taken. After a crash a torn record at the end is cut off and counted; damaged
//! bytes and files are put aside under their segment's name, logged and counted ([`recover`]). A
//! record found damaged later ends the reading of its segment. Memory logs lose everything with the
//! process.

mod claim;
mod claimant;
mod commit;
mod count;
mod error;
mod lock;
mod mark;
mod options;
mod reader;
mod record;
mod recover;
mod rotate;
mod segment;
mod shared;
mod state;
#[cfg(test)]
mod tests;
mod writer;

pub use claim::{Claim, ClaimOptions, Reserved};
pub use claimant::{Role, Shed};
pub use commit::{Committer, Placed, Room, Sync};
pub use count::Past;
pub use error::LogError;
pub(crate) use error::io as io_error;
pub use lock::StorageLock;
pub(crate) use lock::create_durably;
pub use mark::Mark;
pub use options::LogOptions;
pub use reader::{LogReader, Next, Run, Scan};
pub use record::{Origin, Position, Record, SegmentId};
pub use segment::{SegmentInfo, Storage};
pub use state::Look;
pub use writer::Log;
