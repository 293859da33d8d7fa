//! Prometheus over the wire: remote-write 1.0 and 2.0, the text formats, and the mapping from OTLP.
//!
//! *Not here*
//! Scraping: it comes with what needs it. HTTP is the exporter's.

pub mod exposition;
pub mod mapping;
pub mod remote_write;
