//! `service.telemetry.traces`: which pipeline carries the process's own spans.

use super::error::Finding;
use super::nearest::nearest;
use super::parse::Findings;
use super::tree::Tree;
use super::types::{PipelineConfig, PipelineId};
use crate::Signal;

/// The pipeline named under `service.telemetry.traces.pipeline`.
pub(super) fn read(
    service: &Tree,
    pipelines: &[PipelineConfig],
    found: &mut Findings,
) -> Option<PipelineId> {
    let traces = service.get("telemetry")?.get("traces")?;
    let within = |fault: Finding| fault.within("traces").within("telemetry").within("service");
    for (key, _) in found.keep(traces.entries().map_err(within)).unwrap_or_default() {
        if key.text != "pipeline" {
            let message = format!("service.telemetry.traces.{} has no effect here", key.text);
            found.note(key.at, format!("{message}: name a `pipeline` for own spans"));
        }
    }
    let tree = traces.get("pipeline")?;
    let name: String = found.keep(tree.read().map_err(within))?;
    let known: Vec<String> = pipelines
        .iter()
        .filter(|p| p.id.signal == Signal::Traces)
        .map(|p| p.id.to_string())
        .collect();
    if known.contains(&name) {
        return PipelineId::parse(&name);
    }
    let fault = Finding::new(tree.at, format!("`{name}` is no traces pipeline"));
    let hint = match nearest(&name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    };
    found.faults.push(within(fault.hint(hint)));
    None
}
