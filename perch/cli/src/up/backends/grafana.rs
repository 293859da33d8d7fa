//! Grafana: reads from the servers that run, and from Perch through its Jaeger-shaped API.

use std::path::Path;

use super::{Kind, Parts, Site, text};
use crate::up::listeners::Listener;

pub(super) fn plan(site: &Site<'_>, binary: &Path) -> Parts {
    let sources = site.own(Kind::Grafana, "provisioning/datasources/perch.yaml");
    // Its pages lie beside `bin/`; a packaged one keeps them in a folder of their own.
    let beside = binary.parent().and_then(Path::parent).filter(|home| home.join("public").is_dir());
    let home = beside.map_or_else(|| "/usr/share/grafana".into(), text);
    let listener = &site.listen.grafana;
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
        files: vec![(sources, datasources(site))],
        ready_path: "/api/health",
    }
}

fn datasources(site: &Site<'_>) -> String {
    let listen = site.listen;
    let running: [(Kind, &Listener); 3] = [
        (Kind::Prometheus, &listen.prometheus),
        (Kind::Jaeger, &listen.jaeger),
        (Kind::Loki, &listen.loki),
    ];
    let mut yaml = String::from(
        "# Written by `perch up`; changes are lost at its next start.\napiVersion: 1\ndatasources:\n",
    );
    yaml.push_str(&source("Perch", "perch", "jaeger", &listen.api.url()));
    for (kind, listener) in running.into_iter().filter(|(kind, _)| site.found.has(*kind)) {
        yaml.push_str(&source(kind.name(), kind.name(), kind.name(), &listener.url()));
    }
    yaml
}

fn source(name: &str, uid: &str, kind: &str, url: &str) -> String {
    format!(
        "  - {{name: {name}, uid: {uid}, type: {kind}, access: proxy, url: \"{url}\", \
         editable: false}}\n"
    )
}
