//! Names generated from the catalogue and the start-up of the OpenTelemetry SDK.

#[rustfmt::skip]
pub mod names;
