//! Reads tar streams, and refuses whatever two tars read differently.
//!
//! Archives from elsewhere are read in the dialects that are in use: ustar, PAX, GNU with long names,
//! sparse files of every GNU form, and plain v7. A reader that guesses at what it does not know is how
//! one archive shows a checker one tree and an unpacker another; so nothing here is guessed, mended or
//! skipped over. What is odd ends the reading with a [`TarOdd`] and the offset at which it stands.
//!
//! # Invariants
//! 1. An entry list is given only where GNU tar, bsdtar and Python's `tarfile` give the same one.
//! 2. Memory is bounded by the caps here, whatever a length field says; no input panics.
//!
//! # Not here
//! Whether a path may be unpacked: [`super::path`] judges that. Devices, pipes and multi-volume
//! archives: they are refused, since no dependency tree holds one.

mod block;
mod entry;
mod error;
mod pax;
mod reader;
mod sparse;

pub use entry::{TarEntry, TarKind, Xattr};
pub use error::{TarError, TarOdd};
pub use reader::TarReader;
pub use sparse::Extent;
