//! `service.pipelines`.

use std::time::Duration;

use serde::Deserialize;

use super::at::At;
use super::components::{OWN_PROCESSORS, Section};
use super::error::Finding;
use super::findings::Findings;
use super::nearest::nearest;
use super::tree::{Key, Tree, Value};
use super::types::{Ack, ComponentId, PipelineConfig, PipelineId, StorageConfig};
use super::units::Interval;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawPipeline {
    receivers: Vec<String>,
    processors: Vec<String>,
    exporters: Vec<String>,
    ack: Option<RawAck>,
    ack_timeout: Option<Interval>,
    primary: Option<Vec<String>>,
}

/// How long a reply waits for its delivery where nothing else is asked for.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawAck {
    Memory,
    Durable,
    Delivered,
}

/// What pipelines may name.
pub(super) struct Known<'a> {
    pub(super) storage: Option<&'a StorageConfig>,
    pub(super) receivers: &'a Section,
    pub(super) processors: &'a Section,
    pub(super) exporters: &'a Section,
}

/// The pipelines, but for those whose name or `ack` cannot be read.
pub(super) fn read_pipelines(
    service: &Tree,
    known: &Known<'_>,
    found: &mut Findings,
) -> Vec<PipelineConfig> {
    let Some(section) = service.get("pipelines") else {
        found.faults.push(
            Finding::new(service.at, "there are no pipelines")
                .hint("name one under service.pipelines"),
        );
        return Vec::new();
    };
    let mut pipelines = Vec::new();
    for (key, tree) in found.keep(section.entries()).unwrap_or_default() {
        let Some(id) = PipelineId::parse(&key.text) else {
            let fault = Finding::new(key.at, format!("`{}` is not a pipeline's name", key.text));
            let hint = "write traces, metrics or logs, or one of them with `/name`";
            found.faults.push(fault.hint(hint));
            continue;
        };
        let Some(pipeline) = read_pipeline(id, key, tree, known, found) else { continue };
        check_ends(&pipeline, tree, found);
        pipelines.push(pipeline);
    }
    pipelines
}

fn read_pipeline(
    id: PipelineId,
    key: &Key,
    tree: &Tree,
    known: &Known<'_>,
    found: &mut Findings,
) -> Option<PipelineConfig> {
    let raw = tree.read::<RawPipeline>().map_err(|e| e.within(&key.text).within("pipelines"));
    let raw = found.keep(raw)?;
    let at = tree.get("ack").map_or(tree.at, |t| t.at);
    let ack = resolve_ack(raw.ack, known.storage, at).map_err(|e| e.within(&key.text));
    let ack = found.keep(ack)?;
    let exporters = members(tree, "exporters", known.exporters, found);
    let primary = match raw.primary {
        None => exporters.clone(),
        Some(_) => primaries(tree, &key.text, &exporters, found),
    };
    if ack == Ack::Delivered && primary.is_empty() {
        let fault = Finding::new(at, "`ack: delivered` has no exporter to wait for");
        found.faults.push(fault.within(&key.text).hint("name one, or write `ack: durable`"));
    }
    let own = |id: &ComponentId| OWN_PROCESSORS.contains(&id.kind.as_str());
    let processors = members(tree, "processors", known.processors, found);
    Some(PipelineConfig {
        at: key.at,
        ack,
        receivers: members(tree, "receivers", known.receivers, found),
        exporters,
        primary,
        processors: processors.into_iter().filter(|id| !own(id)).collect(),
        ack_timeout: raw.ack_timeout.map_or(ACK_TIMEOUT, |i| i.0),
        id,
    })
}

/// A pipeline that takes nothing is a mistake; one that leads nowhere may be meant.
fn check_ends(pipeline: &PipelineConfig, tree: &Tree, found: &mut Findings) {
    let (at, id) = (pipeline.at, &pipeline.id);
    let is_empty = |key: &str| {
        let empty = |t: &Tree| t.value == Value::Null || t.value == Value::List(Vec::new());
        tree.get(key).is_none_or(empty)
    };
    if is_empty("receivers") {
        found.faults.push(Finding::new(at, format!("pipeline `{id}` has no receiver")));
    }
    if is_empty("exporters") {
        let where_to = "what it takes goes to the local store only";
        found.note(at, format!("pipeline `{id}` has no exporter: {where_to}"));
    }
}

/// What is asked for, or the default; whoever asks for what cannot be kept is refused.
fn resolve_ack(
    raw: Option<RawAck>,
    storage: Option<&StorageConfig>,
    at: At,
) -> Result<Ack, Finding> {
    match (raw, storage) {
        (Some(RawAck::Memory), _) | (None, None) => Ok(Ack::Memory),
        (Some(RawAck::Durable) | None, Some(_)) => Ok(Ack::Durable),
        (Some(RawAck::Durable), None) => {
            let fault = Finding::new(at, "`ack: durable` has no disk to write to");
            Err(fault.hint("set storage.directory, or write `ack: memory`"))
        }
        (Some(RawAck::Delivered), _) => Ok(Ack::Delivered),
    }
}

/// The exporters listed under `primary`, all of which must be the pipeline's.
fn primaries(
    tree: &Tree,
    pipeline: &str,
    exporters: &[ComponentId],
    found: &mut Findings,
) -> Vec<ComponentId> {
    let mut ids = Vec::new();
    let Some(Value::List(items)) = tree.get("primary").map(|t| &t.value) else { return ids };
    for item in items {
        let name = item.read::<String>().unwrap_or_default();
        let known: Vec<String> = exporters.iter().map(ToString::to_string).collect();
        match exporters.iter().find(|id| id.to_string() == name) {
            Some(id) if ids.contains(id) => found.faults.push(twice(&name, item.at)),
            Some(id) => ids.push(id.clone()),
            None => {
                let fault =
                    Finding::new(item.at, format!("`{name}` is no exporter of the pipeline"));
                let near = nearest(&name, known.iter().map(String::as_str));
                let near = near.map(|near| format!("did you mean `{near}`?"));
                let all = || format!("its exporters: {}", known.join(", "));
                let fault = fault.hint(near.unwrap_or_else(all));
                found.faults.push(fault.within("primary").within(pipeline));
            }
        }
    }
    ids
}

/// The components that a pipeline lists under `key`; each name is judged at its own place.
fn members(tree: &Tree, key: &str, section: &Section, found: &mut Findings) -> Vec<ComponentId> {
    let mut ids: Vec<ComponentId> = Vec::new();
    let Some(Value::List(items)) = tree.get(key).map(|t| &t.value) else { return ids };
    for item in items {
        let name = item.read::<String>().unwrap_or_default();
        let Some(id) = found.keep(section.resolve(&name, item.at)) else { continue };
        if ids.contains(&id) {
            found.faults.push(twice(&name, item.at));
        } else {
            ids.push(id);
        }
    }
    ids
}

fn twice(name: &str, at: At) -> Finding {
    Finding::new(at, format!("`{name}` is named twice")).hint("leave one")
}
