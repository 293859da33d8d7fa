//! Reading archives: ours through seek table and sidecar, others as a stream.
//!
//! Nothing in an archive or a sidecar is trusted. Two readings of the same bytes are always compared:
//! the seek table with the sidecar's frames, each tar header with the sidecar's entry, each content
//! with its digest; so neither file can show one tree and bring back another.
//!
//! # Invariants
//! 1. No input panics, and none takes more memory than [`Limits`] and one frame per thread allow.
//! 2. A path that leaves this module as [`SafePath`] is relative, without empty, `.` or `..` parts.
//!
//! # Failure
//! Every failure is a [`ReadError`] with a stable code; nothing was written when it comes from here.

mod ahead;
mod archive;
mod authentic;
mod content;
mod decode;
mod error;
mod foreign;
mod index;
mod layers;
mod limits;
mod lookup;
mod path;
mod span;
mod tar;

pub(crate) use archive::{Archive, digest_of};
pub(crate) use authentic::{assert_authentic, assert_tree};
pub(crate) use content::{Stopped, hash_zeros, read_header};
pub(crate) use decode::FrameDecoder;
pub(crate) use error::from_stream;
pub use error::{ReadError, ReadErrorKind};
pub(crate) use foreign::Foreign;
pub use foreign::{ForeignEntry, list_foreign};
pub(crate) use index::{Index, check_entry, check_target};
pub(crate) use layers::Layers;
pub use limits::Limits;
pub(crate) use lookup::{Found, assert_lines, find_entry, seek_entry};
pub(crate) use path::in_order;
pub use path::{PathOdd, SafePath};
pub(crate) use span::Span;
pub use tar::{Extent, TarEntry, TarError, TarKind, TarOdd, TarReader, Xattr};

#[cfg(test)]
pub(crate) mod tests;
