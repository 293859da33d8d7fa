//! The tree to pack: listed once, then read through directory descriptors.
//!
//! # Invariants
//! 1. Entries come depth first, the names in a directory ordered by their bytes; a directory
//!    precedes what it holds, and the first path of a hard-link group precedes the others.
//! 2. No symbolic link below the root is followed, not even one that appears later.

mod digest;
mod dirs;
mod entry;
mod walk;

pub(crate) use digest::{TreeHasher, TreeRecord, tree_digest};
pub(crate) use dirs::Dirs;
pub(crate) use entry::{Entry, Kind, Stamp};
pub(crate) use walk::{Exclude, Tree, walk};
pub use walk::{Skipped, SpecialKind};
