//! `service.pipelines`.

use serde::Deserialize;

use super::components::Section;
use super::error::Finding;
use super::parse::Findings;
use super::tree::{At, Tree, Value};
use super::types::{ComponentId, PipelineConfig, PipelineId};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawPipeline {
    receivers: Vec<String>,
    processors: Vec<String>,
    exporters: Vec<String>,
}

pub(super) fn read_pipelines(
    service: &Tree,
    receivers: &Section,
    processors: &Section,
    exporters: &Section,
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
            found
                .faults
                .push(fault.hint("write traces, metrics or logs, or one of them with `/name`"));
            continue;
        };
        let raw = tree.read::<RawPipeline>().map_err(|e| e.within(&key.text).within("pipelines"));
        if found.keep(raw).is_none() {
            continue;
        }
        let pipeline = PipelineConfig {
            at: key.at,
            receivers: members(tree, "receivers", receivers, found),
            exporters: members(tree, "exporters", exporters, found),
            id,
        };
        members(tree, "processors", processors, found);
        let empty = |key: &str| {
            tree.get(key).is_none_or(|t| {
                matches!(&t.value, Value::Null) || t.value == Value::List(Vec::new())
            })
        };
        if empty("receivers") {
            let fault =
                Finding::new(pipeline.at, format!("pipeline `{}` has no receiver", pipeline.id));
            found.faults.push(fault);
        }
        if empty("exporters") {
            let (at, id) = (pipeline.at, &pipeline.id);
            found.note(
                at,
                format!(
                    "pipeline `{id}` has no exporter: what it takes goes to the local store only"
                ),
            );
        }
        pipelines.push(pipeline);
    }
    pipelines
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
