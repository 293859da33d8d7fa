//! Defaults as they are written out are those that are used.

use collector_pipeline::config::{Tree, with_defaults};

use super::*;

/// Settings that say as little as they may.
fn least(section: &str, kind: &str) -> &'static str {
    match (section, kind) {
        ("receivers", _) => "protocols: {grpc: , http: }",
        (_, "debug") => "{}",
        (_, "prometheus") => "endpoint: 127.0.0.1:9464",
        (_, "otlp_grpc" | "otlp_http") => "endpoint: http://127.0.0.1:1",
        _ => "endpoint: http://127.0.0.1:1/path",
    }
}

fn kinds() -> Vec<(&'static str, &'static str)> {
    let receivers = REGISTRY.receivers.iter().map(|kind| ("receivers", kind.name));
    receivers.chain(REGISTRY.exporters.iter().map(|kind| ("exporters", kind.name))).collect()
}

#[test]
fn every_kind_has_defaults_that_change_nothing() {
    for (section, kind) in kinds() {
        let defaults = Tree::parse(Known.defaults(section, kind)).unwrap();
        assert!(!defaults.entries().unwrap().is_empty(), "{section}.{kind} has no defaults");
        let least = Tree::parse(least(section, kind)).unwrap();
        let whole = with_defaults(&least, &defaults);
        let used = |tree: &Tree| match (section, kind) {
            ("receivers", _) => receivers::otlp::resolved(tree),
            (_, "debug") => exporters::debug::resolved(tree),
            (_, "loki") => exporters::loki::resolved(tree),
            (_, "otlp_grpc") => exporters::otlp::resolved(true, tree),
            (_, "otlp_http") => exporters::otlp::resolved(false, tree),
            (_, "prometheus") => exporters::prometheus::resolved(tree),
            (_, "prometheusremotewrite") => exporters::prometheusremotewrite::resolved(tree),
            other => panic!("{other:?} is not looked at"),
        };
        assert_eq!(used(&whole), used(&least), "{section}.{kind}: {}", whole.to_yaml());
    }
}
