//! The collector's node kinds and the processors that are Perch's.

use collector_nodes::registry as nodes;
use collector_pipeline::config::Kinds;
use collector_pipeline::node::Registry;

/// What a configuration may name.
pub(crate) static REGISTRY: Registry = Registry {
    receivers: nodes::REGISTRY.receivers,
    processors: &[perch_slo_tracker::KIND],
    exporters: nodes::REGISTRY.exporters,
};

/// What is known about the kinds of [`REGISTRY`] beyond what building them needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known;

impl Kinds for Known {
    fn present_name(&self, section: &str, kind: &str) -> Option<&'static str> {
        match section {
            "processors" => REGISTRY.processor(kind).ok().map(|kind| kind.name),
            _ => nodes::Known.present_name(section, kind),
        }
    }

    fn defaults(&self, section: &str, kind: &str) -> &'static str {
        match (section, self.present_name(section, kind)) {
            ("processors", Some("slo_tracker")) => perch_slo_tracker::DEFAULTS,
            _ => nodes::Known.defaults(section, kind),
        }
    }
}
