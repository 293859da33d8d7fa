//! The tree to pack: listed once, then read through directory descriptors.
//!
//! # Invariants
//! 1. Entries come depth first, the names in a directory ordered by their bytes; a directory
//!    precedes what it holds, and the first path of a hard-link group precedes the others.
//! 2. No symbolic link below the root is followed, not even one that appears later.
//! 3. Content that is read is that of the file which was walked. What is complete with the walk is as the walk found
//!    it: directories, links, and empty files without attributes that changed last well before it.

mod attributes;
mod digest;
mod dirs;
mod entry;
mod flatten;
mod glob;
mod holes;
mod ignore;
mod list;
mod merkle;
mod scope;
mod special;
mod walk;

pub(crate) use attributes::has_attributes;
pub(crate) use digest::{TreeHasher, TreeRecord, tree_digest};
pub(crate) use dirs::Dirs;
pub(crate) use entry::{Attribute, Entry, Kind, Rare, Segment, Sparse, Stamp};
pub(crate) use merkle::{Merkle, Node, NodeKind, hash_directories, merkle};
pub(crate) use scope::{Exclude, Manner, RACY_NANOS, Survey};
pub use special::{Skipped, SpecialKind};
pub(crate) use walk::{Tree, walk};
