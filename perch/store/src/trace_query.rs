//! What traces are looked for by.

use crate::scope::TimeRange;

/// What is looked for; one span has to fit all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceQuery {
    /// The service of the span; any without.
    pub service: Option<String>,
    /// The span's name.
    pub operation: Option<String>,
    /// Tags of the span, its process or its logs, compared as text.
    pub tags: Vec<(String, String)>,
    /// When the span started.
    pub range: TimeRange,
    /// Shortest duration of the span, in microseconds.
    pub min_duration: Option<u64>,
    /// Longest duration of the span, in microseconds.
    pub max_duration: Option<u64>,
    /// How many traces at most.
    pub limit: usize,
}
