//! Prometheus over the wire: remote-write 1.0 and the mapping from OTLP.
//!
//! *Not here*
//! Scraping, remote-write 2.0 and the text formats: they come with what needs them. HTTP is the
//! exporter's.

pub mod mapping;
pub mod remote_write;
