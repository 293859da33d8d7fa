//! OTLP metrics become Prometheus series.
//!
//! Source: the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".
//!
//! *Invariants*
//! 1. Labels of a series are sorted by name, legal and without empty values.
//! 2. Samples of a series are in time order, one per millisecond.
//! 3. Every data point is either in exactly one [`Weighed`] or in [`Translated::refused`].
//!
//! *Not here*
//! What a resource says beyond `job` and `instance` is in `target_info` alone. Scope attributes are left out.

mod classic;
mod delta;
mod exemplar;
mod labels;
pub mod name;
mod native;
mod options;
mod points;
mod refusal;
mod series;
mod split;
mod summary;
#[cfg(test)]
pub(crate) mod tests;
mod translate;
mod translated;
mod walk;

pub use delta::DeltaLimits;
pub use labels::{PointLabels, point_labels};
pub use options::Options;
pub use refusal::Refusal;
pub use split::{Piece, shard, split};
pub use translate::Translator;
pub use translated::{Cursor, Translated};

pub use crate::remote_write::Weighed;

/// The NaN that says "this series ended", as its bits.
pub const STALE_NAN: u64 = 0x7ff0_0000_0000_0002;
