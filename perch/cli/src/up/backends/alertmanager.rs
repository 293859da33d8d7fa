//! Alertmanager: takes Prometheus' alerts and keeps them for looking at; it notifies nobody.

use super::{Kind, Parts, Site, text};

const CONFIG: &str = "\
# Written by `perch up`; changes are lost at its next start.
route:
  receiver: nobody
receivers:
  - name: nobody
";

pub(super) fn plan(site: &Site<'_>) -> Parts {
    let config = site.own(Kind::Alertmanager, "alertmanager.yml");
    Parts {
        args: vec![
            format!("--config.file={}", text(&config)),
            format!("--storage.path={}", text(&site.own(Kind::Alertmanager, "data"))),
            format!("--web.listen-address={}", site.listen.alertmanager.addr),
            // Turns gossip off; without it the server listens on every interface.
            "--cluster.listen-address=".into(),
            "--log.level=warn".into(),
        ],
        files: vec![(config, CONFIG.into())],
        ready_path: "/-/ready",
        ..Parts::default()
    }
}
