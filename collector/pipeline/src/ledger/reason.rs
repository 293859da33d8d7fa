//! Why items are dropped: the closed list of the catalogue.

use collector_telemetry::names;
use serde::{Serialize, Serializer};

/// Why items were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

    /// The label value, as the catalogue spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.name().as_str()
    }

    fn name(self) -> names::Reason {
        match self {
            Self::Permanent => names::Reason::Permanent,
            Self::Partial => names::Reason::Partial,
            Self::Retention => names::Reason::Retention,
            Self::RetriesExhausted => names::Reason::RetriesExhausted,
            Self::Unsupported => names::Reason::Unsupported,
            Self::Shutdown => names::Reason::Shutdown,
            Self::Damaged => names::Reason::Damaged,
            Self::Panic => names::Reason::Panic,
            Self::Unwritten => names::Reason::Unwritten,
        }
    }
}

/// As it is spelt everywhere else.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_catalogue_is_one_here() {
        let ours: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        let all: Vec<_> =
            names::Reason::ALL.iter().filter(|r| **r != names::Reason::None).collect();
        assert_eq!(ours.iter().collect::<Vec<_>>(), all);
        assert_eq!(
            serde_json::to_string(&Reason::RetriesExhausted).unwrap(),
            "\"retries_exhausted\""
        );
    }
}
