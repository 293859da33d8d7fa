//! From settings to nodes, without any I/O but reading the files they name.

use std::collections::BTreeMap;
use std::sync::Arc;

use collector_otlp::admission::Budget;

use super::host::Host;
use crate::Signal;
use crate::config::{Component, ComponentId, Config, ConfigError, Finding, MemoryLimit};
use crate::consumer::Notices;
use crate::node::{
    Built, Exporter, Missing, NodeContext, Observer, ProcessorShape, Receiver, Registry,
};
use crate::own;

/// Nodes built from their settings.
#[derive(Default)]
pub(super) struct Nodes {
    pub(super) receivers: BTreeMap<ComponentId, Arc<dyn Receiver>>,
    pub(super) observers: BTreeMap<ComponentId, Arc<dyn Observer>>,
    pub(super) exporters: BTreeMap<ComponentId, Arc<dyn Exporter>>,
}

/// The three kinds of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Receiver,
    Processor,
    Exporter,
}

/// What nodes are built with, and what was found wrong on the way.
struct Building<'a> {
    host: &'a Host,
    budget: &'a Budget,
    part_bytes: usize,
    findings: Vec<Finding>,
    kinds: BTreeMap<(Part, ComponentId), &'static [Signal]>,
}

/// Finds whatever is wrong with `config` short of starting it: unknown kinds, settings its nodes
/// refuse, signals they cannot carry.
pub fn check(config: &Config, registry: &Registry, host: &Host) -> Result<(), ConfigError> {
    let budget = MemoryLimit::budget(config.memory.as_ref());
    build_nodes(config, registry, host, &budget, &Notices::default(), &|_, _| true)?;
    let own = config.own_traces.as_ref().map_or(Ok(()), own::check);
    own.map_err(|finding| ConfigError { file: config.file.clone(), findings: vec![finding] })
}

/// The nodes of `config` that are `wanted`.
pub(super) fn build_nodes(
    config: &Config,
    registry: &Registry,
    host: &Host,
    budget: &Budget,
    notices: &Notices,
    wanted: &dyn Fn(Part, &ComponentId) -> bool,
) -> Result<Nodes, ConfigError> {
    let part_bytes = MemoryLimit::part_bytes(config.memory.as_ref());
    let (findings, kinds) = Default::default();
    let mut building = Building { host, budget, part_bytes, findings, kinds };
    let mut nodes = Nodes::default();
    for component in config.receivers.iter().filter(|c| wanted(Part::Receiver, &c.id)) {
        let kind = registry.receiver(&component.id.kind).map(|kind| (kind.signals, kind.build));
        let node = building.one(Part::Receiver, component, kind, |build, context| {
            build(&component.settings, context)
        });
        nodes.receivers.extend(node.map(|node| (component.id.clone(), node)));
    }
    for component in config.processors.iter().filter(|c| wanted(Part::Processor, &c.id)) {
        let kind = registry.processor(&component.id.kind).map(|kind| (kind.signals, kind.shape));
        let node = building.one(Part::Processor, component, kind, |shape, context| {
            let ProcessorShape::Observer(build) = shape;
            build(&component.settings, context, notices)
        });
        nodes.observers.extend(node.map(|node| (component.id.clone(), node)));
    }
    for component in config.exporters.iter().filter(|c| wanted(Part::Exporter, &c.id)) {
        let kind = registry.exporter(&component.id.kind).map(|kind| (kind.signals, kind.build));
        let node = building.one(Part::Exporter, component, kind, |build, context| {
            build(&component.settings, context)
        });
        nodes.exporters.extend(node.map(|node| (component.id.clone(), node)));
    }
    building.judge_pipelines(config, &nodes);
    let mut findings = building.findings;
    if findings.is_empty() {
        return Ok(nodes);
    }
    findings.sort_by_key(|f| f.at);
    Err(ConfigError { file: config.file.clone(), findings })
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Exporter => "exporter",
        }
    }

    fn section(self) -> &'static str {
        match self {
            Self::Receiver => "receivers",
            Self::Processor => "processors",
            Self::Exporter => "exporters",
        }
    }
}

impl Building<'_> {
    /// The node of `component`, or a finding.
    fn one<How, N: ?Sized>(
        &mut self,
        part: Part,
        component: &Component,
        kind: Result<(&'static [Signal], How), Missing>,
        build: impl FnOnce(How, &NodeContext) -> Built<N>,
    ) -> Option<Arc<N>> {
        let built = match kind {
            Err(missing) => {
                let said = format!("there is no {} `{}`", part.word(), component.id.kind);
                Err(Finding::new(component.at, said).hint(missing.0))
            }
            Ok((signals, how)) => {
                self.kinds.insert((part, component.id.clone()), signals);
                let context = NodeContext {
                    id: component.id.clone(),
                    clock: Arc::clone(&self.host.clock),
                    metrics: self.host.metrics.clone(),
                    budget: self.budget.clone(),
                    part_bytes: self.part_bytes,
                };
                build(how, &context).map_err(|finding| {
                    let finding = finding.or_at(component.at).within(&component.id.to_string());
                    finding.within(part.section())
                })
            }
        };
        built.map_err(|finding| self.findings.push(finding)).ok()
    }

    /// Finds members of pipelines that cannot carry what flows there.
    fn judge_pipelines(&mut self, config: &Config, nodes: &Nodes) {
        for p in &config.pipelines {
            for id in &p.exporters {
                let carries = nodes.exporters.get(id).map(|e| e.carries(p.id.signal));
                if let Some(Err(hint)) = carries {
                    let said = format!("exporter `{id}` has nowhere to send {}", p.id.signal);
                    let fault = Finding::new(p.at, said).within(&p.id.to_string()).hint(hint);
                    self.findings.push(fault);
                }
            }
            let of = |part, ids: &[ComponentId]| -> Vec<_> {
                ids.iter().map(|id| (part, id.clone())).collect()
            };
            let members = of(Part::Receiver, &p.receivers)
                .into_iter()
                .chain(of(Part::Processor, &p.processors))
                .chain(of(Part::Exporter, &p.exporters));
            for member in members {
                if self.kinds.get(&member).is_some_and(|signals| !signals.contains(&p.id.signal)) {
                    let (part, id) = member;
                    let said = format!("{} `{id}` does not carry {}", part.word(), p.id.signal);
                    let fault = Finding::new(p.at, said).within(&p.id.to_string());
                    self.findings.push(fault);
                }
            }
        }
    }
}
