//! What is wrong with a request, and where.

use std::borrow::Cow;

/// A request that is not what it claims to be; the sender must not repeat it unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {offset}")]
pub struct Malformed {
    /// Byte offset into the decoded request at which it was noticed.
    pub offset: usize,
    /// What was found there, lower-case, without values of the sender's.
    pub what: Cow<'static, str>,
}

impl Malformed {
    /// A fault at `offset`.
    pub fn new(offset: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self { offset, what: what.into() }
    }
}
