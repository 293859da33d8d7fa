//! An earlier Pellet of the same tree, so that what did not change is neither hashed nor compressed again.
//!
//! A file is taken as unchanged where inode, size, mtime and ctime are those that its sidecar noted, and the
//! ctime is well older than that packing: a write in the same tick of the clock would leave no trace.
//!
//! # Invariants
//! 1. An archive packed with a base has the bytes that it would have without one. (A delta is another form,
//!    asked for by name.)
//! 2. Nothing is taken from a base whose archive is not what its digest says.
//!
//! # Failure
//! A base that cannot be used is an error of [`Base::open`]; packing without it is the caller's choice.

mod against;
mod compare;
mod earlier;
mod hash;
mod stamps;

pub(crate) use against::{Against, DeltaPlan, Elsewhere};
pub(crate) use compare::{At, Same, compare};
pub use earlier::Base;
pub(crate) use hash::hash_files;
pub(crate) use stamps::Known;
pub use stamps::Stamps;

#[cfg(test)]
mod tests;
