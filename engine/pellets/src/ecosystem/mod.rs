//! What a tree of dependencies is to the tools that use it: found by its shape, moved, and tested.
//!
//! A tree that is back byte for byte may still not work: a virtual environment names its own path in
//! its scripts, and a build folder is only good for a build that finds everything fresh. What belongs
//! to which tool is told by the few files that only this tool writes.
//!
//! # Not here
//! Running anything: [`SelfTest`] says what to run, the caller does.

mod rewrite;
mod selftest;
mod shape;

pub(crate) use rewrite::{Move, assert_movable, interpreter_prefix};
pub use selftest::{Expected, SelfTest, self_tests};
pub use shape::{Ecosystem, Shape};
pub(crate) use shape::{detect, names_paths};

#[cfg(test)]
mod tests;
