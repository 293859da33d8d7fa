//! Why a data point has no form in Prometheus.

use std::fmt;

/// Why a data point was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Its metric has no letter or digit in its name.
    Unnamed,
    /// It says no time.
    NoTime,
    /// It has no value, or a delta that is not finite.
    NoValue,
    /// It says neither delta nor cumulative.
    NoTemporality,
    /// Its bounds do not ascend, or its counts do not fit them.
    Buckets,
    /// Its buckets are wider than Prometheus' widest.
    Scale,
    /// A delta that is not newer than the one before.
    LateDelta,
    /// A delta of one series more than are kept.
    TooManyDeltas,
    /// Another value of the same series and millisecond stands before it.
    Duplicate,
}

impl Refusal {
    /// The reason in a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unnamed => "metric without a usable name",
            Self::NoTime => "point without a time",
            Self::NoValue => "point without a usable value",
            Self::NoTemporality => "neither delta nor cumulative",
            Self::Buckets => "buckets that contradict each other",
            Self::Scale => "exponential buckets wider than schema -4",
            Self::LateDelta => "delta not newer than the one before",
            Self::TooManyDeltas => "too many delta series",
            Self::Duplicate => "second value for the same series and time",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
