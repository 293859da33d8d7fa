//! What a receiver, a processor and an exporter are to the pipeline, and how they are found by name.
//!
//! A node is built from its settings and from the files of certificates and tokens they name, without any other
//! I/O, so that a configuration can be checked; it touches the network only when it is started (receivers) or
//! asked to send (exporters).

mod begun;
mod exporter;
mod panic;
mod processor;
mod receiver;
mod registry;
pub mod settings;

pub use begun::Begun;
pub use exporter::{Delivered, ExportError, Exporter};
pub(crate) use panic::panic_message;
pub use processor::{Observation, Observer};
pub use receiver::{Bound, NodeError, Receiver, Started};
pub(crate) use registry::Missing;
pub use registry::{
    Built, ExporterKind, NodeContext, ProcessorKind, ProcessorShape, ReceiverKind, Registry,
};
