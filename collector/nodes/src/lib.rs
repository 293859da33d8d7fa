//! Receivers and exporters, one folder each, all of one shape.
//!
//! Adding a node: copy a folder, add its line to [`registry`].

#[cfg(test)]
mod conformance;
pub mod exporters;
pub mod receivers;
pub mod registry;
#[cfg(test)]
#[allow(dead_code, reason = "a box of tools; no node needs all of them")]
mod sink;

pub use registry::REGISTRY;
