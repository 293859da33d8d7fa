//! A configuration whose names all resolve.

use super::memory::MemoryLimit;
use super::own::OwnTracesConfig;
use super::types::{ApiConfig, Component, Note, PipelineConfig, StorageConfig};

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file's name as given.
    pub file: String,
    /// Receivers that a pipeline uses.
    pub receivers: Vec<Component>,
    /// Processors that a pipeline uses, but for those that are the pipeline's own.
    pub processors: Vec<Component>,
    /// Exporters that a pipeline uses.
    pub exporters: Vec<Component>,
    /// Pipelines in the order of the file.
    pub pipelines: Vec<PipelineConfig>,
    /// Where the log lives; absent, in memory.
    pub storage: Option<StorageConfig>,
    /// Whether trace and log pipelines keep a log for the local store, which costs it an index; otherwise
    /// the store stays empty.
    pub keeps_log: bool,
    /// How much memory the process may use; absent, its cgroup and the machine decide.
    pub memory: Option<MemoryLimit>,
    /// The API listener.
    pub api: ApiConfig,
    /// The process's log level, a `tracing` filter.
    pub log_level: String,
    /// Where spans of the process's own go; absent, there are none.
    pub own_traces: Option<OwnTracesConfig>,
    /// What was understood but means something else here.
    pub notes: Vec<Note>,
}
