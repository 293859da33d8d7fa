//! The objectives and alerts that come with Perch: compiled for a site, and the pages about them.

use std::collections::BTreeMap;

use collector_telemetry::names::metric;
use slo::compile::{Compiled, compile};
use slo::plan::{Options, Profile};
use slo::spec::Source;

/// The objectives of the Engine, which tells Perch how it fares.
pub(crate) const ENGINE: &str = include_str!("../../../slo/objectives/engine.yaml");
/// All objectives, by file name.
const OBJECTIVES: [(&str, &str); 2] = [
    ("collector.yaml", include_str!("../../../slo/objectives/collector.yaml")),
    ("engine.yaml", ENGINE),
];
/// The alerts on the health of collector and Engine, written by hand.
const HEALTH: &str = include_str!("../../../alerts/rules/health.yaml");
/// What stands before the name of a page in [`HEALTH`].
const PAGES: &str = "runbook_url: runbooks/";
/// The pages of [`HEALTH`].
const HEALTH_PAGES: [(&str, &str); 6] = [
    (
        "NestrPackingInterrupted.md",
        include_str!("../../../alerts/runbooks/NestrPackingInterrupted.md"),
    ),
    ("PerchItemsDropped.md", include_str!("../../../alerts/runbooks/PerchItemsDropped.md")),
    ("PerchLogDamaged.md", include_str!("../../../alerts/runbooks/PerchLogDamaged.md")),
    ("PerchNodeRestarts.md", include_str!("../../../alerts/runbooks/PerchNodeRestarts.md")),
    ("PerchQueueStuck.md", include_str!("../../../alerts/runbooks/PerchQueueStuck.md")),
    ("PerchTargetDown.md", include_str!("../../../alerts/runbooks/PerchTargetDown.md")),
];

/// Where a site serves what alerts link to.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// The folder of runbooks.
    pub(crate) runbooks: String,
    /// A Grafana's address, where there is one.
    pub(crate) grafana: Option<String>,
    /// The address of a search for traces in Jaeger's form, up to its question mark.
    pub(crate) traces: String,
}

impl Links {
    fn options(&self) -> Options {
        Options {
            runbooks: self.runbooks.clone(),
            dashboard: self.grafana.as_ref().map(|base| {
                format!("{base}/d/perch-slo?var-service={{service}}&var-slo={{slo}}&from={{from}}&to={{to}}")
            }),
            traces: Some(format!(
                "{}?service={{service}}&{{filter}}&start={{start}}&end={{end}}&limit=100",
                self.traces
            )),
            ..options()
        }
    }
}

fn options() -> Options {
    Options::new(Profile::Exact, metric::SLO_EVENTS.prometheus)
}

fn compiled(options: &Options) -> Compiled {
    compile(&OBJECTIVES.map(|(name, text)| Source { name, text }), options)
}

/// The rules by file name: those of the objectives, and those on health.
pub(crate) fn rules(links: &Links) -> Vec<(String, String)> {
    let options = links.options();
    let pages = format!("runbook_url: {}/", links.runbooks);
    vec![
        ("objectives.yaml".to_owned(), compiled(&options).rules(&options)),
        ("health.yaml".to_owned(), HEALTH.replace(PAGES, &pages)),
    ]
}

/// Alertmanager's configuration: every receiver by name, none of them tells anybody.
pub(crate) fn alertmanager() -> String {
    let options = options();
    slo::routes::alertmanager(&compiled(&options).plans, &options)
}

/// The runbooks by file name.
pub(crate) fn runbooks() -> BTreeMap<String, String> {
    let options = options();
    let mut pages = slo::runbook::runbooks(&compiled(&options).plans, &options);
    pages.extend(HEALTH_PAGES.map(|(name, text)| (name.to_owned(), text.to_owned())));
    pages
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_runbook_of_the_repository_is_here_and_every_link_names_one() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alerts/runbooks");
        let committed: BTreeMap<String, String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect();
        let pages = runbooks();
        assert_eq!(pages, committed);
        let links = Links {
            runbooks: "http://p/runbooks".into(),
            grafana: Some("http://g".into()),
            traces: "http://j/search".into(),
        };
        let mut n_links = 0;
        for (file, text) in rules(&links) {
            for link in text.split("runbook_url: ").skip(1).filter_map(|t| t.lines().next()) {
                let link = link.trim_matches('"');
                let page = link.strip_prefix("http://p/runbooks/");
                assert!(page.is_some_and(|page| pages.contains_key(page)), "{file}: {link}");
                n_links += 1;
            }
        }
        assert!(n_links > pages.len(), "{n_links}");
    }

    #[test]
    fn the_shipped_objectives_are_sound() {
        let compiled = compiled(&options());
        assert!(compiled.sound, "{:?}", compiled.findings);
    }
}
