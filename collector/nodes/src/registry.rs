//! Every node kind there is, one line each.

use collector_pipeline::node::Registry;

use crate::{exporters, receivers};

/// What a configuration may name.
pub static REGISTRY: Registry = Registry {
    receivers: &[receivers::otlp::KIND],
    processors: &[],
    exporters: &[
        exporters::debug::KIND,
        exporters::loki::KIND,
        exporters::otlp::GRPC,
        exporters::otlp::HTTP,
        exporters::prometheusremotewrite::KIND,
    ],
};
