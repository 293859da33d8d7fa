//! What became of a request, and how far it is translated.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use crate::remote_write::{MetricMetadata, Weighed};

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translated {
    /// The series, in the order they first appeared.
    pub series: Vec<Weighed>,
    /// Descriptions of the families, if asked for.
    pub metadata: Vec<MetricMetadata>,
    /// Data points that have no form in Prometheus, by reason.
    pub refused: BTreeMap<Refusal, u64>,
}

/// How far a request is translated; the default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Data points before.
    pub(super) n_points: u64,
    /// The latest time among those of the resource it stands in.
    pub(super) latest: u64,
}
