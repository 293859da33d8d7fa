//! Names generated from the catalogue; the collector's own metrics.

#[rustfmt::skip]
pub mod names;
