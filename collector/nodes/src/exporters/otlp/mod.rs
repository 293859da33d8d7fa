//! Sends OTLP over gRPC or HTTP; bytes leave as they came.
//!
//! *Ack*: the other side answered with success; items it refused are counted as `partial`.
//! *Refusal*: an answer that says so is final (`permanent`), everything else is tried again, after
//! the wait the other side names. *Drain*: nothing waits here.

mod config;
mod error;
mod exporter;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use collector_pipeline::Signal;
use collector_pipeline::config::Tree;
use collector_pipeline::node::{Built, Exporter, ExporterKind, NodeContext};

use config::{Protocol, RawGrpc, RawHttp};
use exporter::Otlp;

/// The `otlp_grpc` exporter.
pub const GRPC: ExporterKind = ExporterKind {
    name: "otlp_grpc",
    older_names: &["otlp"],
    signals: &Signal::ALL,
    build: |settings, _: &NodeContext| build(Protocol::Grpc, settings),
};

/// The `otlp_http` exporter.
pub const HTTP: ExporterKind = ExporterKind {
    name: "otlp_http",
    older_names: &["otlphttp"],
    signals: &Signal::ALL,
    build: |settings, _: &NodeContext| build(Protocol::Http, settings),
};

/// Settings of `otlp_grpc` where nobody says otherwise.
pub const GRPC_DEFAULTS: &str = "{compression: none, timeout: 5s}";

/// Settings of `otlp_http` where nobody says otherwise.
pub const HTTP_DEFAULTS: &str = "{encoding: proto, compression: none, timeout: 5s}";

fn build(protocol: Protocol, settings: &Tree) -> Built<dyn Exporter> {
    let config = match protocol {
        Protocol::Grpc => settings.read::<RawGrpc>()?.resolve(settings)?,
        Protocol::Http => settings.read::<RawHttp>()?.resolve(settings)?,
    };
    Ok(Arc::new(Otlp::new(protocol, config).map_err(|f| f.or_at(settings.at))?))
}

/// The settings as used, for comparison.
#[cfg(test)]
pub(crate) fn resolved(grpc: bool, settings: &Tree) -> String {
    let config = match grpc {
        true => settings.read::<RawGrpc>().unwrap().resolve(settings),
        false => settings.read::<RawHttp>().unwrap().resolve(settings),
    };
    format!("{:?}", config.unwrap())
}
