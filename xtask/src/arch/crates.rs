//! Arrows between crates, read from their manifests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::repo;

/// Which crates of ours a folder's crates may know, by the prefix of their names.
const OURS: &[(&str, &[&str])] = &[
    ("durable-fs", &[]),
    ("slo", &[]),
    ("engine/", &["nestr-", "durable-fs"]),
    ("collector/", &["collector-", "durable-fs"]),
    ("perch/", &["collector-", "perch-", "slo", "durable-fs"]),
    ("xtask", &["slo"]),
    ("journeys", &[]),
    // It links every parser of the house to feed it; nobody links it, so no arrow turns round.
    ("fuzz", &["collector-", "nestr-pellets", "perch-slo-tracker", "slo", "durable-fs"]),
];

/// Crates of others that only the named folders may know.
const FOREIGN: &[(&str, &[&str])] = &[
    ("opentelemetry-proto", &["collector/otlp"]),
    ("tonic", &["collector/otlp", "engine/server", "engine/plugins"]),
    ("prost", &["collector/otlp", "collector/prom", "collector/nodes", "engine/plugins"]),
    ("loki-api", &["collector/nodes"]),
    ("axum", &["engine/server", "collector/otlp", "collector/prom", "perch/cli"]),
    ("opentelemetry-otlp", &["engine/telemetry"]),
];

/// Arrows inside one folder that would turn the flow round: from, to.
const INSIDE: &[(&str, &str)] = &[
    ("engine/pellets", "nestr-events"),
    ("engine/pellets", "nestr-server"),
    ("engine/assembler", "nestr-events"),
    ("engine/events", "nestr-server"),
    ("engine/config", "nestr-server"),
    ("engine/telemetry", "nestr-server"),
    ("collector/otlp", "collector-pipeline"),
    ("collector/prom", "collector-pipeline"),
    ("collector/telemetry", "collector-pipeline"),
    ("collector/pipeline", "collector-nodes"),
    ("perch/store", "perch-cli"),
];

/// Manifest folder → names in `[dependencies]` and `[build-dependencies]`.
type Manifests = BTreeMap<String, Vec<String>>;

/// Every forbidden arrow between crates.
pub fn check(root: &Path) -> Result<Vec<String>> {
    Ok(findings(&manifests(root)?))
}

fn manifests(root: &Path) -> Result<Manifests> {
    let mut manifests = Manifests::new();
    for file in repo::files(root)?.iter().filter(|f| f.ends_with("Cargo.toml")) {
        let folder = file.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
        if folder.is_empty() {
            continue;
        }
        let text = fs::read_to_string(root.join(file))?;
        let table: toml::Table =
            toml::from_str(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        manifests.insert(folder, dependencies(&table));
    }
    Ok(manifests)
}

fn dependencies(table: &toml::Table) -> Vec<String> {
    ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| table.get(*section)?.as_table())
        .flat_map(|section| section.keys().cloned())
        .collect()
}

fn findings(manifests: &Manifests) -> Vec<String> {
    let ours: Vec<String> = manifests.keys().map(|folder| crate_name(folder)).collect();
    let mut findings = Vec::new();
    for (folder, dependencies) in manifests {
        for dependency in dependencies {
            if let Some(reason) = forbidden(folder, dependency, &ours) {
                findings.push(format!("{folder} may not know {dependency}: {reason}"));
            }
        }
    }
    findings
}

fn forbidden(folder: &str, dependency: &str, ours: &[String]) -> Option<&'static str> {
    if ours.iter().any(|name| name == dependency) {
        let known = OURS.iter().find(|(prefix, _)| folder.starts_with(prefix));
        let allowed =
            known.is_some_and(|(_, names)| names.iter().any(|n| dependency.starts_with(n)));
        if !allowed {
            return Some("the two sides meet on the wire only");
        }
        if is_processor(folder) && is_processor_name(dependency) {
            return Some("a processor does not know another processor");
        }
    }
    if INSIDE.contains(&(folder, dependency)) {
        return Some("data flows the other way");
    }
    let owners = FOREIGN.iter().find(|(name, _)| *name == dependency)?.1;
    (!owners.contains(&folder)).then_some("its types belong to another part")
}

fn is_processor(folder: &str) -> bool {
    folder.strip_prefix("perch/").is_some_and(|name| name != "cli" && name != "store")
}

fn is_processor_name(name: &str) -> bool {
    name.strip_prefix("perch-").is_some_and(|rest| rest != "store")
}

/// The name of the crate in a folder, by the design's rule.
fn crate_name(folder: &str) -> String {
    folder
        .strip_prefix("engine/")
        .map_or_else(|| folder.replace('/', "-"), |part| format!("nestr-{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arrows: &[(&str, &[&str])]) -> Vec<String> {
        let manifests = arrows
            .iter()
            .map(|(folder, names)| {
                ((*folder).to_owned(), names.iter().map(|n| (*n).to_owned()).collect())
            })
            .collect();
        findings(&manifests)
    }

    #[test]
    fn the_engine_knows_neither_collector_nor_perch() {
        let found = check(&[
            ("engine/server", &["collector-otlp", "perch-store"]),
            ("collector/otlp", &[]),
            ("perch/store", &[]),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn the_collector_knows_neither_perch_nor_the_engine() {
        let found = check(&[
            ("collector/pipeline", &["perch-store", "nestr-events"]),
            ("perch/store", &[]),
            ("engine/events", &[]),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn processors_do_not_know_each_other() {
        assert_eq!(
            check(&[("perch/bridge", &["perch-slo-tracker"]), ("perch/slo-tracker", &[])]).len(),
            1
        );
        assert_eq!(
            check(&[("perch/bridge", &["collector-pipeline"]), ("collector/pipeline", &[])]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn wire_types_stay_at_home() {
        assert_eq!(check(&[("collector/pipeline", &["tonic"])]).len(), 1);
        assert!(check(&[("collector/otlp", &["tonic"])]).is_empty());
    }

    #[test]
    fn everyone_may_know_durable_fs_and_it_knows_nobody() {
        assert!(check(&[("engine/pellets", &["durable-fs"]), ("durable-fs", &[])]).is_empty());
        assert_eq!(check(&[("durable-fs", &["nestr-events"]), ("engine/events", &[])]).len(), 1);
    }
}
