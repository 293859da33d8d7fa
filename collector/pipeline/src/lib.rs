//! The pipeline: configuration, wiring, log, queues, ledger, supervision.
//!
//! A receiver offers a [`Batch`] to its [`graph::Intake`]; that puts it into the [`log`] of each
//! pipeline and the [`queue`] of each exporter, or refuses it whole. Everything is accounted for in
//! the [`ledger`].

pub mod config;
pub mod consumer;
pub mod graph;
pub mod ledger;
pub mod log;
pub mod node;
pub mod push;
pub mod queue;

pub use collector_otlp::{Request as Batch, Signal};
