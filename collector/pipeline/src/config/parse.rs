//! From a file's text to a [`Config`] whose names all resolve.

use std::net::SocketAddr;

use serde::Deserialize;

use super::components::{Section, resolve_exporter, resolve_plain};
use super::env::{Env, expand};
use super::error::{ConfigError, Finding};
use super::findings::Findings;
use super::nearest::nearest;
use super::pipelines::{Known, read_pipelines};
use super::storage::read_storage;
use super::tree::Tree;
use super::types::{ApiConfig, Component, PipelineConfig};
use super::whole::Config;

const SECTIONS: [&str; 8] = [
    "receivers",
    "processors",
    "exporters",
    "extensions",
    "service",
    "storage",
    "api",
    "connectors",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawApi {
    listen: Option<SocketAddr>,
}

impl Config {
    /// Reads a configuration; `file` is only a name for messages.
    pub fn parse(file: &str, text: &str, env: Env<'_>) -> Result<Self, ConfigError> {
        let mut found = Findings::default();
        let config = found.keep(Tree::parse(text)).and_then(|mut tree| {
            expand(&mut tree, env, &mut found.faults);
            read(file, &tree, &mut found)
        });
        let Findings { faults: mut findings, mut notes } = found;
        notes.sort_by_key(|n| n.at);
        match config {
            Some(config) if findings.is_empty() => Ok(Self { notes, ..config }),
            _ => {
                findings.sort_by_key(|f| f.at);
                Err(ConfigError { file: file.to_owned(), findings })
            }
        }
    }
}

fn read(file: &str, tree: &Tree, found: &mut Findings) -> Option<Config> {
    check_sections(tree, found)?;
    let mut receivers = Section::read(tree, "receivers", found);
    let mut exporters = Section::read(tree, "exporters", found);
    let processors = Section::read(tree, "processors", found);
    let extensions = Section::read(tree, "extensions", found);
    let (storage, keeps_log) = read_storage(tree, found);
    let api = read_api(tree, found);

    let service = tree.get("service").cloned().unwrap_or_else(|| Tree::empty(tree.at));
    check_service_keys(&service, found);
    let log_level = read_log_level(&service, found);
    let started = super::extensions::started(&service, &extensions);
    for section in [&mut receivers, &mut exporters] {
        super::auth::hand_over(section, &extensions, &started, found);
    }
    let storage = super::extensions::apply(&service, &extensions, storage, found);
    processors.note_own_processors(found);
    let memory = super::memory::read(&processors, found);
    let known = Known {
        storage: storage.as_ref(),
        receivers: &receivers,
        processors: &processors,
        exporters: &exporters,
    };
    let pipelines = read_pipelines(&service, &known, found);
    let own_traces = super::own::read(&service, found);

    let used = |pick: fn(&PipelineConfig) -> &[_]| -> Vec<_> {
        let mut ids: Vec<_> = pipelines.iter().flat_map(|p| pick(p).iter().cloned()).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let used_receivers = used(|p| &p.receivers);
    let used_exporters = used(|p| &p.exporters);
    let used_processors = used(|p| &p.processors);
    receivers.note_unused(&used_receivers, found);
    exporters.note_unused(&used_exporters, found);
    processors.note_unused(&used_processors, found);
    let receivers: Vec<Component> =
        used_receivers.iter().filter_map(|id| resolve_plain(&receivers, id)).collect();
    let processors: Vec<Component> =
        used_processors.iter().filter_map(|id| resolve_plain(&processors, id)).collect();
    let exporters: Vec<Component> =
        used_exporters.iter().filter_map(|id| resolve_exporter(&exporters, id, found)).collect();
    let (file, notes) = (file.to_owned(), Vec::new());
    Some(Config {
        file,
        receivers,
        processors,
        exporters,
        pipelines,
        storage,
        keeps_log,
        memory,
        api,
        log_level,
        own_traces,
        notes,
    })
}

/// Nothing if there are no sections at all.
fn check_sections(tree: &Tree, found: &mut Findings) -> Option<()> {
    for (key, _) in found.keep(tree.entries())? {
        if !SECTIONS.contains(&key.text.as_str()) {
            let fault = Finding::new(key.at, format!("unknown section `{}`", key.text));
            found.faults.push(match nearest(&key.text, SECTIONS) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!("there are: {}", SECTIONS[..7].join(", "))),
            });
        }
    }
    if let Some(connectors) = tree.get("connectors") {
        let fault = Finding::new(connectors.at, "connectors do not exist here");
        found.faults.push(fault.hint("let both pipelines name the same receiver"));
    }
    Some(())
}

fn read_api(tree: &Tree, found: &mut Findings) -> ApiConfig {
    let raw =
        tree.get("api").and_then(|t| found.keep(t.read::<RawApi>().map_err(|e| e.within("api"))));
    let default = ApiConfig::default();
    ApiConfig { listen: raw.and_then(|r| r.listen).unwrap_or(default.listen) }
}

fn check_service_keys(service: &Tree, found: &mut Findings) {
    const KEYS: [&str; 3] = ["pipelines", "extensions", "telemetry"];
    let Some(entries) = found.keep(service.entries().map_err(|e| e.within("service"))) else {
        return;
    };
    for (key, _) in entries {
        if !KEYS.contains(&key.text.as_str()) {
            let fault =
                Finding::new(key.at, format!("unknown key `{}`", key.text)).within("service");
            let near = nearest(&key.text, KEYS).map(|n| format!("did you mean `{n}`?"));
            found
                .faults
                .push(fault.hint(near.unwrap_or(format!("known here: {}", KEYS.join(", ")))));
        }
    }
}

/// `service.telemetry.logs.level`; whatever else stands under `telemetry` is ours to decide.
fn read_log_level(service: &Tree, found: &mut Findings) -> String {
    let mut level = "info".to_owned();
    let Some(telemetry) = service.get("telemetry") else { return level };
    let entries = found.keep(telemetry.entries()).unwrap_or_default();
    for (key, value) in entries {
        let asked = value.get("level").and_then(|l| l.read::<String>().ok());
        match (key.text.as_str(), asked) {
            ("logs", Some(asked)) => level = asked.to_lowercase(),
            // Read by the module of that name.
            ("traces", _) => {}
            ("metrics", _) => {
                found.note(key.at, "own metrics are served by the API listener at /metrics")
            }
            (other, _) => {
                found.note(key.at, format!("service.telemetry.{other} has no effect here"))
            }
        }
    }
    level
}
