//! Why items are dropped: the closed list of the catalogue.

use serde::Serialize;

/// Why items were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The far end refused the batch for good.
    Permanent,
    /// The far end took the batch but refused these items.
    Partial,
    /// Their place in the log was needed.
    Retention,
    /// They were tried for as long as configured.
    RetriesExhausted,
    /// The far end has no form for them.
    Unsupported,
    /// The process ended before they were delivered.
    Shutdown,
    /// Their bytes could not be read back.
    Damaged,
    /// The node that held them panicked.
    Panic,
    /// The log could not write them after the reply was given.
    Unwritten,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Permanent,
        Self::Partial,
        Self::Retention,
        Self::RetriesExhausted,
        Self::Unsupported,
        Self::Shutdown,
        Self::Damaged,
        Self::Panic,
        Self::Unwritten,
    ];

    /// The number that stands for it in a checkpoint; see `docs/formats/log.md`.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Permanent => 1,
            Self::Partial => 2,
            Self::Retention => 3,
            Self::RetriesExhausted => 4,
            Self::Unsupported => 5,
            Self::Shutdown => 6,
            Self::Damaged => 7,
            Self::Panic => 8,
            Self::Unwritten => 9,
        }
    }

    /// The reason of a number.
    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Partial => "partial",
            Self::Retention => "retention",
            Self::RetriesExhausted => "retries_exhausted",
            Self::Unsupported => "unsupported",
            Self::Shutdown => "shutdown",
            Self::Damaged => "damaged",
            Self::Panic => "panic",
            Self::Unwritten => "unwritten",
        }
    }
}
