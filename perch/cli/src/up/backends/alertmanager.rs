//! Alertmanager: takes Prometheus' alerts and keeps them for looking at. Its routes are those that are
//! generated; their receivers notify nobody.

use super::{Kind, Parts, Site, text};
use crate::shipped;

const HEAD: &str = "# Written by `perch up`; changes are lost at its next start.\n";

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
        files: vec![(config, format!("{HEAD}{}", shipped::alertmanager()))],
        ready_path: "/-/ready",
        ..Parts::default()
    }
}
