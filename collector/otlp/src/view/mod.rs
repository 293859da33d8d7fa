//! Lazy read-only views over OTLP bytes.
//!
//! A view reads the scalar fields of its own message once, and walks nested messages only when asked.
//!
//! *Invariants*
//! 1. Iterating allocates nothing.
//! 2. Over a proven request a view shows what a protobuf decoder shows. Over anything else it shows defaults
//!    and short iterations, never a panic.

mod common;
mod logs;
mod messages;
mod metrics;
mod points;
mod traces;
mod value;

pub use common::{ResourceView, ScopeView};
pub use logs::{LogRecordView, LogsView, ResourceLogsView, ScopeLogsView};
pub use messages::{Doubles, Fixed64s, Messages, Scalars, Varints, View};
pub use metrics::{
    MetricData, MetricView, MetricsView, ResourceMetricsView, ScopeMetricsView, Temporality,
};
pub use points::{
    BucketsView, ExemplarView, ExponentialHistogramPointView, HistogramPointView, Number,
    NumberPointView, QuantileView, SummaryPointView,
};
pub use traces::{
    EventView, LinkView, ResourceSpansView, ScopeSpansView, SpanKind, SpanView, StatusCode,
    TracesView,
};
pub use value::{AnyValueView, KeyValueView};
