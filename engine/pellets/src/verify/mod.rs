//! Compares a Pellet with everything that is said about it, and explains each difference.
//!
//! Nothing is written. Unlike a restore, which ends at the first difference, this goes on as far as the
//! bytes can be read, so that one run tells what is lost and what is not.
//!
//! # Not here
//! Who packed it, unless a key is given ([`VerifyOptions::key`]): a whole Pellet can be replaced by another,
//! and only a signature tells, or the digest that was noted elsewhere ([`VerifyOptions::expected`]).

mod entries;
mod finding;
mod run;

pub use finding::{Finding, Verified, VerifyOptions};
pub use run::verify;

#[cfg(test)]
mod tests;
