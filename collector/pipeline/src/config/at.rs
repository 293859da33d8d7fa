//! A place in a configuration.

use std::fmt;

/// A place in the file, both counted from one; `0:0` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At {
    /// Line.
    pub line: u64,
    /// Column, in characters.
    pub column: u64,
}

impl From<&serde_saphyr::Location> for At {
    fn from(l: &serde_saphyr::Location) -> Self {
        Self { line: l.line(), column: l.column() }
    }
}

impl From<serde_saphyr::Location> for At {
    fn from(l: serde_saphyr::Location) -> Self {
        Self::from(&l)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
