//! What a configuration is made of.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::at::At;
use super::tree::Tree;
use crate::Signal;

/// `type` or `type/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentId {
    /// What it is.
    pub kind: String,
    /// Which one of several.
    pub name: Option<String>,
}

/// A receiver or exporter and its settings.
#[derive(Debug, Clone)]
pub struct Component {
    /// Its name.
    pub id: ComponentId,
    /// Where it is defined.
    pub at: At,
    /// Its own settings, the pipeline's taken out.
    pub settings: Tree,
    /// How its queue is set; exporters only.
    pub queue: QueueConfig,
    /// How it retries; exporters only.
    pub retry: RetryConfig,
}

/// `signal` or `signal/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId {
    /// What flows in it.
    pub signal: Signal,
    /// Which one of several.
    pub name: Option<String>,
}

/// One pipeline; its names resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineConfig {
    /// Its name.
    pub id: PipelineId,
    /// Where it is defined.
    pub at: At,
    /// When its receivers reply. Default [`Ack::Durable`] where `storage.directory` is set, so that
    /// a folder named for keeping things keeps what was acknowledged; [`Ack::Memory`] otherwise.
    pub ack: Ack,
    /// Names in the configuration's `receivers`.
    pub receivers: Vec<ComponentId>,
    /// Names in the configuration's `exporters`.
    pub exporters: Vec<ComponentId>,
    /// Those of them whose full share refuses new batches, and that `ack: delivered` waits for; the
    /// others lose their oldest. Default all.
    pub primary: Vec<ComponentId>,
    /// Names in the configuration's `processors`, in the order of the file.
    pub processors: Vec<ComponentId>,
    /// How long `ack: delivered` waits. Default 10 s, as long as most senders wait for a reply.
    pub ack_timeout: Duration,
}

/// When a receiver replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// At once; what was taken may go with the process.
    Memory,
    /// When the log on disk has it and an fsync is through.
    Durable,
    /// When every primary exporter has delivered it, or dropped it for good; it is in the log as well.
    Delivered,
}

/// The log on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    /// The folder; created if missing.
    pub directory: PathBuf,
    /// Bytes that all logs may fill together. Default 1 GiB: hours of a busy machine, little of a disk.
    pub max_bytes: u64,
    /// Age past which records go; absent, they stay until room is needed.
    pub max_age: Option<Duration>,
    /// Where the folder is written.
    pub at: At,
}

/// The API listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiConfig {
    /// Where it listens. Default 127.0.0.1:8888.
    pub listen: SocketAddr,
}

/// What may wait for an exporter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueConfig {
    /// Bytes of a pipeline's log that may wait for it, those under way included; absent, it has an
    /// equal share of the log.
    pub max_bytes: Option<u64>,
    /// Requests that may be under way at once; absent, the exporter's own default.
    pub n_in_flight: Option<usize>,
}

/// An exporter's retries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryConfig {
    /// Whether a failed attempt is repeated at all.
    pub enabled: bool,
    /// Ceiling of the first wait. Default 500 ms.
    pub initial: Duration,
    /// Ceiling of all waits; a backend that asks for longer is granted it. Default 30 s.
    pub max: Duration,
    /// How long to go on with one batch. Default without end: a full share of the log refuses at the
    /// door, where the sender hears of it.
    pub give_up_after: Option<Duration>,
}

/// A remark on something accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub at: At,
    /// What it means here.
    pub message: String,
}

impl ComponentId {
    /// Reads `type` or `type/name`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let sound = |s: &str| {
            !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        };
        match text.split_once('/') {
            None => sound(text).then(|| Self { kind: text.to_owned(), name: None }),
            Some((kind, name)) => (sound(kind) && sound(name))
                .then(|| Self { kind: kind.to_owned(), name: Some(name.to_owned()) }),
        }
    }
}

impl PipelineId {
    /// Reads `signal` or `signal/name`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let ComponentId { kind, name } = ComponentId::parse(text)?;
        let signal = Signal::ALL.into_iter().find(|s| s.name() == kind)?;
        Some(Self { signal, name })
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8888)) }
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            give_up_after: None,
        }
    }
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Durable => "durable",
            Self::Delivered => "delivered",
        })
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => f.write_str(&self.kind),
            Some(name) => write!(f, "{}/{name}", self.kind),
        }
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => f.write_str(self.signal.name()),
            Some(name) => write!(f, "{}/{name}", self.signal),
        }
    }
}
