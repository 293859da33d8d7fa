//! The proof that a restored tree works: the self-tests of the tools it belongs to, run where it stands.
//!
//! # Invariants
//! 1. A test ends: at its deadline it is killed with everything it started.
//! 2. What it prints is bounded, and its standard input is empty.
//! 3. A tree is proved only if each tree of dependencies in it passed a test; one that could not be
//!    tried is not.
//!
//! # Not here
//! Which tests there are: `nestr_pellets::self_tests`. A sandbox: a test runs what the tree holds, as
//! the user who asked for it; the tools are told to stay off the network, the kernel is not.

mod command;
mod judge;
mod traced;

pub use judge::{Proof, ProofOutcome, Tested, Verdict, prove};
pub use traced::traced_proof;

#[cfg(test)]
mod tests;
