//! Spans of the collector about itself, sent through a pipeline of its own where the configuration names one.
//!
//! *Invariants*
//! 1. Nothing that happens over these spans makes another: what passes through pipelines is never traced, and
//!    exporters of the pipeline that carries them are left out.
//! 2. Spans are few: starts, reloads, ends, and failures to export, of which an exporter tells one in ten seconds.
//!
//! *Not here*
//! A reply: a span that the pipeline does not take is gone.

mod span;
mod traces;

pub use span::Begun;
pub use traces::OwnTraces;
