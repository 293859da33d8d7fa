//! Queues and lanes with a scripted exporter.
