//! Prometheus: takes remote-write from the collector and scrapes Perch's own metrics;
//! evaluates the rules of the objectives that come with Perch.

use super::{Kind, Parts, Site, text};
use crate::shipped::{self, Links};

pub(super) fn plan(site: &Site<'_>) -> Parts {
    let config = site.own(Kind::Prometheus, "prometheus.yml");
    let data = site.own(Kind::Prometheus, "data");
    let mut yaml = format!(
        "# Written by `perch up`; changes are lost at its next start.\n\
         global:\n  scrape_interval: 15s\n\
         scrape_configs:\n  - job_name: perch/perch\n    static_configs:\n      - targets: [\"{}\"]\n",
        site.listen.api.reach()
    );
    if site.found.has(Kind::Alertmanager) {
        yaml.push_str(&format!(
            "alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: [\"{}\"]\n",
            site.listen.alertmanager.reach()
        ));
    }
    yaml.push_str("rule_files:\n");
    let mut files = Vec::new();
    for (name, rules) in shipped::rules(&links(site)) {
        let path = site.own(Kind::Prometheus, &format!("rules/{name}"));
        yaml.push_str(&format!("  - \"{}\"\n", text(&path)));
        files.push((path, rules));
    }
    files.push((config.clone(), yaml));
    Parts {
        args: vec![
            format!("--config.file={}", text(&config)),
            format!("--storage.tsdb.path={}", text(&data)),
            format!("--web.listen-address={}", site.listen.prometheus.addr),
            "--web.enable-remote-write-receiver".into(),
            "--enable-feature=exemplar-storage,native-histograms".into(),
            "--log.level=warn".into(),
        ],
        files,
        ready_path: "/-/ready",
        ..Parts::default()
    }
}

/// What alerts link to, of what runs: a link to what does not would be dead.
fn links(site: &Site<'_>) -> Links {
    let listen = site.listen;
    let traces = match site.found.has(Kind::Jaeger) {
        true => format!("{}/search", listen.jaeger.url()),
        false => format!("{}/api/traces", listen.api.url()),
    };
    Links {
        runbooks: format!("{}/runbooks", listen.api.url()),
        grafana: site.found.has(Kind::Grafana).then(|| listen.grafana.url()),
        traces,
    }
}
