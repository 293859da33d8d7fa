//! Jaeger 1.x all-in-one: takes OTLP, keeps traces in memory, answers its query API.

use super::{Parts, Site};

/// Listeners it opens by default and we do not want.
const UNWANTED: [&str; 8] = [
    "admin.http.host-port",
    "http-server.host-port",
    "processor.jaeger-binary.server-host-port",
    "processor.jaeger-compact.server-host-port",
    "processor.zipkin-compact.server-host-port",
    "collector.grpc-server.host-port",
    "collector.http-server.host-port",
    "query.grpc-server.host-port",
];

pub(super) fn plan(site: &Site<'_>) -> Parts {
    let wanted = [
        ("query.http-server.host-port", &site.listen.jaeger),
        ("collector.otlp.grpc.host-port", &site.listen.jaeger_otlp_grpc),
        ("collector.otlp.http.host-port", &site.listen.jaeger_otlp_http),
    ];
    let mut args: Vec<String> =
        wanted.iter().map(|(flag, listener)| format!("--{flag}={}", listener.addr)).collect();
    args.extend(UNWANTED.iter().map(|flag| format!("--{flag}=127.0.0.1:0")));
    args.push("--memory.max-traces=100000".into());
    // Its agent cannot reach a collector on port 0 and warns about that for ever.
    args.push("--log-level=error".into());
    Parts {
        args,
        env: vec![
            ("SPAN_STORAGE_TYPE", "memory".into()),
            ("COLLECTOR_OTLP_ENABLED", "true".into()),
            // Keeps it from tracing itself.
            ("JAEGER_DISABLED", "true".into()),
        ],
        ready_path: "/api/services",
        ..Parts::default()
    }
}
