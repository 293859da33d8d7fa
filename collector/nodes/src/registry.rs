//! Every node kind there is, one line each.

use collector_pipeline::config::Kinds;
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
        exporters::prometheus::KIND,
        exporters::prometheusremotewrite::KIND,
    ],
};

/// What is known about the kinds of [`REGISTRY`] beyond what building them needs.
#[derive(Debug, Clone, Copy)]
pub struct Known;

impl Kinds for Known {
    fn present_name(&self, section: &str, kind: &str) -> Option<&'static str> {
        match section {
            "exporters" => REGISTRY.exporter(kind).ok().map(|kind| kind.name),
            "processors" => REGISTRY.processor(kind).ok().map(|kind| kind.name),
            _ => REGISTRY.receiver(kind).ok().map(|kind| kind.name),
        }
    }

    fn defaults(&self, section: &str, kind: &str) -> &'static str {
        match (section, self.present_name(section, kind)) {
            ("receivers", Some("otlp")) => receivers::otlp::DEFAULTS,
            ("exporters", Some("debug")) => exporters::debug::DEFAULTS,
            ("exporters", Some("loki")) => exporters::loki::DEFAULTS,
            ("exporters", Some("otlp_grpc")) => exporters::otlp::GRPC_DEFAULTS,
            ("exporters", Some("otlp_http")) => exporters::otlp::HTTP_DEFAULTS,
            ("exporters", Some("prometheus")) => exporters::prometheus::DEFAULTS,
            ("exporters", Some("prometheusremotewrite")) => {
                exporters::prometheusremotewrite::DEFAULTS
            }
            _ => "{}",
        }
    }
}

#[cfg(test)]
mod tests;
