//! Reads a configuration in the OpenTelemetry Collector's shape and finds everything wrong in it.
//!
//! # Invariants
//! 1. Nothing is ignored in silence: an unknown key, name or component is a fault at its line and
//!    column; what is understood but maps onto something of the pipeline's own leaves a note.
//! 2. All faults of a file are reported together, in its order.
//!
//! # Not here
//! The settings of each node: the node reads its own [`Tree`].

mod at;
mod auth;
mod components;
mod de;
mod env;
mod error;
mod expand;
mod extensions;
mod findings;
mod memory;
mod nearest;
mod own;
mod parse;
mod pipelines;
mod storage;
#[cfg(test)]
mod tests;
mod tree;
mod types;
mod understood;
mod units;
mod whole;
mod written;

pub use at::At;
pub(crate) use components::OWN_PROCESSORS;
pub use env::Env;
pub use error::{ConfigError, Finding};
pub use expand::{Kinds, with_defaults};
pub use memory::{MemoryLimit, Share};
pub use nearest::nearest;
pub use own::{OwnProtocol, OwnTracesConfig};
pub use tree::{Key, Tree, Value};
pub use types::{
    Ack, ApiConfig, Component, ComponentId, Note, PipelineConfig, PipelineId, QueueConfig,
    RetryConfig, StorageConfig,
};
pub use units::{ByteSize, Interval};
pub use whole::Config;
