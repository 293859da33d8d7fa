//! Grafana: reads from the servers that run, and from Perch through its Jaeger-shaped API; shows our dashboards.
//!
//! Its data sources lead from one to the other: exemplar to trace, trace to log lines, log line to trace.
//!
//! # Invariants
//! 1. A data source names only data sources that stand in the same file.

use std::path::Path;

use super::{Kind, Parts, Site, text};
use crate::up::listeners::Listener;

/// The rendered dashboards, by file name.
const DASHBOARDS: [(&str, &str); 1] =
    [("slo.json", include_str!("../../../../../dashboards/rendered/slo.json"))];

/// The uid of Perch's own trace API.
const PERCH: &str = "perch";

pub(super) fn plan(site: &Site<'_>, binary: &Path) -> Parts {
    // Its pages lie beside `bin/`; a packaged one keeps them in a folder of their own.
    let beside = binary.parent().and_then(Path::parent).filter(|home| home.join("public").is_dir());
    let home = beside.map_or_else(|| "/usr/share/grafana".into(), text);
    let listener = &site.listen.grafana;
    let mut files = vec![
        (site.own(Kind::Grafana, "provisioning/datasources/perch.yaml"), datasources(site)),
        (site.own(Kind::Grafana, "provisioning/dashboards/perch.yaml"), provider(site)),
    ];
    files.extend(DASHBOARDS.map(|(name, json)| {
        (site.own(Kind::Grafana, &format!("dashboards/{name}")), json.to_owned())
    }));
    Parts {
        args: vec!["server".into(), format!("--homepath={home}")],
        env: vec![
            ("GF_SERVER_HTTP_ADDR", listener.addr.ip().to_string()),
            ("GF_SERVER_HTTP_PORT", listener.port().to_string()),
            ("GF_PATHS_DATA", text(&site.own(Kind::Grafana, "data"))),
            ("GF_PATHS_LOGS", text(&site.own(Kind::Grafana, "data/log"))),
            ("GF_PATHS_PROVISIONING", text(&site.own(Kind::Grafana, "provisioning"))),
            ("GF_AUTH_ANONYMOUS_ENABLED", "true".into()),
            ("GF_ANALYTICS_REPORTING_ENABLED", "false".into()),
            ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false".into()),
            ("GF_PLUGINS_PREINSTALL_DISABLED", "true".into()),
        ],
        files,
        ready_path: "/api/health",
    }
}

/// Tells Grafana where the dashboards lie.
fn provider(site: &Site<'_>) -> String {
    format!(
        "{HEAD}providers:\n  - {{name: perch, folder: \"Nestr and Perch\", type: file, \
         allowUiUpdates: false, options: {{path: \"{}\"}}}}\n",
        text(&site.own(Kind::Grafana, "dashboards"))
    )
}

const HEAD: &str = "# Written by `perch up`; changes are lost at its next start.\napiVersion: 1\n";

fn datasources(site: &Site<'_>) -> String {
    let listen = site.listen;
    let has = |kind| site.found.has(kind);
    // Jaeger keeps what Perch's log may have let go of.
    let traces = if has(Kind::Jaeger) { Kind::Jaeger.name() } else { PERCH };
    let logs = has(Kind::Loki).then_some(Kind::Loki.name());
    let mut yaml = format!("{HEAD}datasources:\n");
    yaml.push_str(&source("Perch", PERCH, "jaeger", &listen.api.url()));
    yaml.push_str(&from_traces(logs));
    let running: [(Kind, &Listener, String); 3] = [
        (Kind::Prometheus, &listen.prometheus, from_metrics(traces)),
        (Kind::Jaeger, &listen.jaeger, from_traces(logs)),
        (Kind::Loki, &listen.loki, from_logs(traces)),
    ];
    for (kind, listener, links) in running.into_iter().filter(|(kind, ..)| has(*kind)) {
        yaml.push_str(&source(kind.name(), kind.name(), kind.name(), &listener.url()));
        yaml.push_str(&links);
    }
    yaml
}

fn source(name: &str, uid: &str, kind: &str, url: &str) -> String {
    let default = kind == Kind::Prometheus.name();
    format!(
        "  - name: {name}\n    uid: {uid}\n    type: {kind}\n    access: proxy\n    \
         url: \"{url}\"\n    editable: false\n    isDefault: {default}\n"
    )
}

/// Exemplar to trace, under the name of today and the one of older libraries.
fn from_metrics(traces: &str) -> String {
    let destinations: String = ["trace_id", "traceID"]
        .map(|name| {
            format!(
                "        - {{name: {name}, datasourceUid: {traces}, urlDisplayLabel: Open the trace}}\n"
            )
        })
        .concat();
    // The scrape interval, from which Grafana reckons `$__rate_interval`.
    format!(
        "    jsonData:\n      httpMethod: POST\n      prometheusType: Prometheus\n      \
         timeInterval: 15s\n      exemplarTraceIdDestinations:\n{destinations}"
    )
}

/// Span to the log lines of its trace. A dollar that is to reach Grafana's links is written twice.
fn from_traces(logs: Option<&str>) -> String {
    let mut yaml = String::from("    jsonData:\n      nodeGraph: {enabled: true}\n");
    if let Some(logs) = logs {
        yaml.push_str(&format!(
            "      tracesToLogsV2:\n        datasourceUid: {logs}\n        \
             spanStartTimeShift: -5m\n        spanEndTimeShift: 5m\n        customQuery: true\n        \
             query: '{{service_name=~\".+\"}} | trace_id=\"$${{__trace.traceId}}\"'\n"
        ));
    }
    yaml
}

/// Log line to trace: by structured metadata, or by what stands in the line itself.
fn from_logs(traces: &str) -> String {
    let field = |name: &str, matcher: &str| {
        format!(
            "        - name: {name}\n{matcher}          url: \"$${{__value.raw}}\"\n          \
             datasourceUid: {traces}\n          urlDisplayLabel: Open the trace\n"
        )
    };
    let by_label = "          matcherType: label\n          matcherRegex: trace_id\n";
    let by_line = "          matcherRegex: 'trace_?[iI][dD]\"?[:=] ?\"?([0-9a-f]{32})'\n";
    format!(
        "    jsonData:\n      derivedFields:\n{}{}",
        field("trace", by_label),
        field("trace in the line", by_line)
    )
}
