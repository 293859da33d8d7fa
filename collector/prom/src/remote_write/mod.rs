//! Remote-write 1.0 and 2.0: messages, bodies, headers, and what a receiver says it wrote.

mod body;
#[cfg(test)]
mod tests;
pub mod v1;
pub mod v2;
mod version;
mod weighed;
mod written;

pub use body::{BodyError, decode, decode_v2, encode};
pub use v1::{
    BucketSpan, Exemplar, Histogram, Label, MetricMetadata, MetricType, ResetHint, Sample,
    TimeSeries, WriteRequest,
};
pub use version::Version;
pub use weighed::Weighed;
pub use written::{Counts, Written};
