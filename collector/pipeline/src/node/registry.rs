//! Node kinds by the name they bear in a configuration.

use std::fmt;
use std::sync::Arc;

use collector_otlp::admission::Budget;
use collector_telemetry::Metrics;
use durable_fs::Clock;

use super::{Exporter, Observer, Receiver};
use crate::Signal;
use crate::config::{ComponentId, Finding, OWN_PROCESSORS, Tree, nearest};
use crate::consumer::Notices;

/// What every node may use.
#[derive(Clone)]
pub struct NodeContext {
    /// The name in the configuration.
    pub id: ComponentId,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The process's metrics.
    pub metrics: Metrics,
    /// Memory that requests may hold on their way in, all receivers together.
    pub budget: Budget,
    /// Bytes an exporter may hold of what it makes of one batch, beside the batch.
    pub part_bytes: usize,
}

/// A node, or what is wrong with its settings.
pub type Built<N> = Result<Arc<N>, Finding>;

/// A kind of receiver.
#[derive(Clone, Copy)]
pub struct ReceiverKind {
    /// The name in a configuration.
    pub name: &'static str,
    /// What it can take in.
    pub signals: &'static [Signal],
    /// Checks the settings and builds the node; no I/O but reading the files they name.
    pub build: fn(&Tree, &NodeContext) -> Built<dyn Receiver>,
}

/// A kind of processor.
#[derive(Clone, Copy)]
pub struct ProcessorKind {
    /// The name in a configuration.
    pub name: &'static str,
    /// What it can read.
    pub signals: &'static [Signal],
    /// Where it stands, and how it is built.
    pub shape: ProcessorShape,
}

/// Where a processor stands.
#[derive(Clone, Copy)]
pub enum ProcessorShape {
    /// Behind the log: checks the settings and builds the node; no I/O but reading the files they name.
    /// The notices tell it how far exporters are, once the graph runs.
    Observer(fn(&Tree, &NodeContext, &Notices) -> Built<dyn Observer>),
}

/// A kind of exporter.
#[derive(Clone, Copy)]
pub struct ExporterKind {
    /// The name in a configuration.
    pub name: &'static str,
    /// Older names of the same component.
    pub older_names: &'static [&'static str],
    /// What it can send.
    pub signals: &'static [Signal],
    /// Checks the settings (without `sending_queue` and `retry_on_failure`, which are the
    /// pipeline's) and builds the node; no I/O.
    pub build: fn(&Tree, &NodeContext) -> Built<dyn Exporter>,
}

/// All node kinds there are.
#[derive(Debug, Clone, Copy)]
pub struct Registry {
    /// Receivers.
    pub receivers: &'static [ReceiverKind],
    /// Processors, but for those that are the pipeline's own.
    pub processors: &'static [ProcessorKind],
    /// Exporters.
    pub exporters: &'static [ExporterKind],
}

impl Registry {
    /// The receiver called `name`, or what to say instead.
    pub fn receiver(&self, name: &str) -> Result<&'static ReceiverKind, Missing> {
        let known = || self.receivers.iter().map(|k| k.name);
        self.receivers.iter().find(|k| k.name == name).ok_or_else(|| missing(name, known))
    }

    /// The processor called `name`, or what to say instead.
    pub fn processor(&self, name: &str) -> Result<&'static ProcessorKind, Missing> {
        let known = || self.processors.iter().map(|k| k.name).chain(OWN_PROCESSORS);
        self.processors.iter().find(|k| k.name == name).ok_or_else(|| missing(name, known))
    }

    /// The exporter called `name` now or formerly, or what to say instead.
    pub fn exporter(&self, name: &str) -> Result<&'static ExporterKind, Missing> {
        let known = || self.exporters.iter().map(|k| k.name);
        self.exporters
            .iter()
            .find(|k| k.name == name || k.older_names.contains(&name))
            .ok_or_else(|| missing(name, known))
    }
}

/// A hint towards what exists instead of an unknown kind.
pub struct Missing(pub String);

fn missing<'a, I: Iterator<Item = &'a str>>(name: &str, known: impl Fn() -> I) -> Missing {
    Missing(match nearest(name, known()).or_else(|| kin(name)) {
        Some(near) => format!("the nearest thing here is `{near}`"),
        None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
    })
}

/// What does the work of a well-known component that does not exist here.
fn kin(name: &str) -> Option<&'static str> {
    Some(match name {
        "logging" => "debug",
        "lokipush" | "lokiexporter" => "loki",
        "jaeger" | "jaeger_thrift" | "otelarrow" | "zipkin" => "otlp_grpc",
        "prometheusexporter" | "openmetrics" => "prometheus",
        "prometheus_remote_write" | "remote_write" | "remotewrite" => "prometheusremotewrite",
        _ => return None,
    })
}

impl fmt::Debug for ReceiverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for ProcessorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for ExporterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
