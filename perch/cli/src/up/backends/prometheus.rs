//! Prometheus: takes remote-write from the collector and scrapes Perch's own metrics.

use super::{Kind, Parts, Site, text};

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
    Parts {
        args: vec![
            format!("--config.file={}", text(&config)),
            format!("--storage.tsdb.path={}", text(&data)),
            format!("--web.listen-address={}", site.listen.prometheus.addr),
            "--web.enable-remote-write-receiver".into(),
            "--enable-feature=exemplar-storage,native-histograms".into(),
            "--log.level=warn".into(),
        ],
        files: vec![(config, yaml)],
        ready_path: "/-/ready",
        ..Parts::default()
    }
}
