//! The archive: a tar stream cut into independent zstd frames, with a seek table at its end.
//!
//! A plan fixes from sizes alone which bytes of the tar stream stand in which frame. Workers then
//! fill, hash and compress whole frames, each reading its own files; one writer puts the frames in
//! order. So the bytes do not depend on the number of threads, no thread starves the others by
//! reading for all, and content goes from the page cache to the compressor without another copy.
//!
//! # Invariants
//! 1. An entry that fits into a frame lies in one frame; a longer one starts where the last ended.
//! 2. At most `threads + 2` frames are claimed and not yet written.
//! 3. The frames' content, concatenated, is the tar stream.
//! 4. A frame that is copied from an earlier archive has the bytes that compressing it anew would give.

mod block;
mod delta_frame;
mod frame;
mod header;
mod job;
mod pax;
mod plan;
mod seek_table;
mod turns;
mod workers;
mod writer;

pub use delta_frame::{DeltaFrame, DeltaFrameError};
pub(crate) use frame::read_checked;
pub(crate) use job::{Job, Reuse};
pub(crate) use plan::{Places, Plan};
pub use seek_table::{SeekTable, SeekTableError, SeekTableFrame};
pub(crate) use writer::{Written, write_archive};
