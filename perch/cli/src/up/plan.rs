//! The Engine and the collector as components, and the configuration the collector runs with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::backends::{Found, Kind};
use super::options::{Listeners, Options};
use super::process::Program;
use super::state_dir::StateDir;
use super::supervisor::Component;
use crate::shipped;

const READY_WITHIN: Duration = Duration::from_secs(20);
const ENGINE_STOPS_WITHIN: Duration = Duration::from_secs(10);
/// The collector drains to its backends before it ends.
const COLLECTOR_STOPS_WITHIN: Duration = Duration::from_secs(15);

/// The Engine's name in the table.
pub(super) const ENGINE: &str = "engine";
/// The collector's name in the table.
pub(super) const COLLECTOR: &str = "collector";

/// `perch collect` with a generated configuration.
pub(super) fn collector(
    options: &Options,
    found: &Found,
    state: &StateDir,
) -> std::io::Result<Component> {
    let listen = &options.listen;
    let config = state.at("perch.yaml");
    let objectives = state.at("objectives/engine.yaml");
    let yaml = configuration(listen, found, &state.at("storage"), &objectives);
    let args = ["collect", "--config", &config.display().to_string(), "--api-listen"];
    let mut args: Vec<String> = args.map(Into::into).into();
    args.push(listen.api.addr.to_string());
    Ok(Component {
        name: COLLECTOR,
        address: listen.otlp_http.url(),
        required: true,
        program: Program {
            path: std::env::current_exe()?,
            args,
            env: Vec::new(),
            log: state.fresh_log(COLLECTOR)?,
        },
        ready_url: format!("{}/readyz", listen.api.url()),
        ready_within: READY_WITHIN,
        stop_within: COLLECTOR_STOPS_WITHIN,
        // What the collector promises it counts in metrics of its own, which do not pass through it.
        files: vec![(objectives, shipped::ENGINE.to_owned()), (config, yaml)],
    })
}

/// `nestr serve`, pointed at the collector.
pub(super) fn engine(
    options: &Options,
    roots: &[PathBuf],
    state: &StateDir,
) -> std::io::Result<Component> {
    let listen = &options.listen;
    let mut args: Vec<String> = vec!["serve".into()];
    let flags = [
        ("--listen", listen.engine.addr.to_string()),
        ("--metrics-listen", listen.engine_metrics.addr.to_string()),
        ("--state-dir", options.engine_state.display().to_string()),
        ("--otlp-endpoint", listen.otlp_http.url()),
        ("--perch-url", listen.api.url()),
    ];
    let roots = roots.iter().map(|root| ("--root", root.display().to_string()));
    for (flag, value) in flags.into_iter().chain(roots) {
        args.push(flag.into());
        args.push(value);
    }
    Ok(Component {
        name: ENGINE,
        address: listen.engine.url(),
        required: true,
        program: Program {
            path: options.nestr.clone(),
            args,
            env: Vec::new(),
            log: state.fresh_log(ENGINE)?,
        },
        ready_url: format!("{}/readyz", listen.engine.url()),
        ready_within: READY_WITHIN,
        stop_within: ENGINE_STOPS_WITHIN,
        files: Vec::new(),
    })
}

/// The collector's configuration: one receiver, an exporter for each server that runs.
fn configuration(listen: &Listeners, found: &Found, log: &Path, objectives: &Path) -> String {
    let exporters: Vec<(Kind, &str, String)> = [
        (Kind::Jaeger, "otlp_grpc/jaeger", listen.jaeger_otlp_grpc.url()),
        (
            Kind::Prometheus,
            "prometheusremotewrite",
            format!("{}/api/v1/write", listen.prometheus.url()),
        ),
        (Kind::Loki, "loki", format!("{}/loki/api/v1/push", listen.loki.url())),
    ]
    .into_iter()
    .filter(|(kind, ..)| found.has(*kind))
    .collect();
    let mut yaml = format!(
        "# Written by `perch up`; changes are lost at its next start. Copy it to keep it, and run it\n\
         # with `perch collect --config FILE`.\n\
         receivers:\n  otlp:\n    protocols:\n      grpc: {{ endpoint: \"{}\" }}\n      http: {{ endpoint: \"{}\" }}\n\n",
        listen.otlp_grpc.addr, listen.otlp_http.addr
    );
    if exporters.is_empty() {
        yaml.push_str("# No server was found: the local store alone keeps what comes in.\n\n");
    } else {
        yaml.push_str("exporters:\n");
        for (kind, name, endpoint) in &exporters {
            yaml.push_str(&format!("  {name}:\n    endpoint: \"{endpoint}\"\n"));
            if *kind == Kind::Jaeger {
                yaml.push_str("    tls: { insecure: true }\n");
            }
        }
        yaml.push('\n');
    }
    yaml.push_str(&format!(
        "# Counts what the objectives call good and bad, before anything is left out.\nprocessors:\n  \
         slo_tracker:\n    objectives: [\"{}\"]\n\n",
        objectives.display()
    ));
    yaml.push_str(&format!(
        "# The local store reads traces and logs back from here.\nstorage:\n  directory: \"{}\"\n  \
         max_bytes: 1GiB\n\nservice:\n",
        log.display()
    ));
    yaml.push_str(&format!(
        "  # The collector's own spans, through its own front door; they never make others of themselves.\n  \
         telemetry:\n    traces:\n      processors:\n        - batch:\n            exporter:\n              \
         otlp: {{ protocol: http/protobuf, endpoint: \"{}\" }}\n      \
         sampler: {{ parent_based: {{ root: {{ trace_id_ratio_based: {{ ratio: 0.05 }} }} }} }}\n      \
         max_spans_per_second: 10\n  pipelines:\n",
        listen.otlp_http.url()
    ));
    for (signal, kind) in
        [("traces", Kind::Jaeger), ("metrics", Kind::Prometheus), ("logs", Kind::Loki)]
    {
        let to = exporters.iter().find(|(k, ..)| *k == kind).map_or("", |(_, name, _)| name);
        let through = if signal == "logs" { "" } else { "processors: [slo_tracker], " };
        yaml.push_str(&format!(
            "    {signal}: {{ receivers: [otlp], {through}exporters: [{to}] }}\n"
        ));
    }
    yaml
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::options::Addresses;
    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        addresses: Addresses,
    }

    fn configuration_with(kinds: &[Kind]) -> String {
        let listen = Flags::parse_from(["perch"]).addresses.into();
        let present = kinds.iter().map(|k| (*k, PathBuf::new())).collect();
        let found = Found { present, missing: Vec::new() };
        let state = Path::new("/state/perch");
        configuration(
            &listen,
            &found,
            &state.join("storage"),
            &state.join("objectives/engine.yaml"),
        )
    }

    #[test]
    fn without_servers() {
        insta::assert_snapshot!(configuration_with(&[]));
    }

    #[test]
    fn with_all_servers() {
        insta::assert_snapshot!(configuration_with(&[Kind::Jaeger, Kind::Prometheus, Kind::Loki]));
    }
}
