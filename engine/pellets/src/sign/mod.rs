//! Who packed a Pellet: an ed25519 signature in the sidecar, with keys from files.
//!
//! A signature covers the digest of the archive, the digest of the tree and the *head* of the sidecar: all
//! of it that says how the archive is to be read. What the tree's digest follows from (paths, modes,
//! contents, targets, attributes) is covered through it, so whoever trusts a signature also computes that
//! digest from the entries.
//!
//! # Not here
//! Times and origin: the same tree packed twice has one signature.

mod head;
mod key;
mod signature;

pub use key::{KeyError, SigningKey, VerifyingKey};
pub use signature::SidecarSignature;
pub(crate) use signature::{authenticate, sign};

#[cfg(test)]
pub(crate) mod tests;
