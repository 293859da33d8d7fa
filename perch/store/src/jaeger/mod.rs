//! Jaeger's query API: its JSON, its parameters, its answers, without a web server.
//!
//! Names and shapes are those that Jaeger's own page and Grafana's Jaeger source read. The mapping
//! from OTLP follows OpenTelemetry's "Jaeger" compatibility page and what Jaeger itself does.

mod answer;
mod convert;
mod model;
mod query;

pub use answer::{Answer, Question, answer, refusal};
pub use model::{KeyValue, Log, Process, Reference, Span, Trace};
pub use query::QueryError;

pub(crate) use convert::{process_of, span_of};
