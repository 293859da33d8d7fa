//! One request per batch.

use collector_otlp::client::{ClientOptions, GrpcClient, HttpClient};
use collector_pipeline::Batch;
use collector_pipeline::config::{At, Finding};
use collector_pipeline::node::{Delivered, ExportError, Exporter};
use futures_util::future::BoxFuture;

use super::config::{Config, Protocol};
use super::error::judge;

/// Sends OTLP.
pub(super) enum Otlp {
    Grpc(GrpcClient),
    Http(HttpClient),
}

impl Otlp {
    /// A client that connects when it first sends.
    pub(super) fn new(protocol: Protocol, config: Config) -> Result<Self, Finding> {
        let Config { endpoint, tls, token, encoding, timeout, headers } = config;
        let options = ClientOptions {
            encoding,
            timeout,
            connect_timeout: timeout,
            headers,
            token,
            tls,
            ..Default::default()
        };
        match protocol {
            Protocol::Grpc => GrpcClient::new(&endpoint, options).map(Self::Grpc),
            Protocol::Http => HttpClient::new(&endpoint, options).map(Self::Http),
        }
        .map_err(|e| Finding::new(At::default(), e.to_string()).within("endpoint"))
    }
}

impl Exporter for Otlp {
    fn export<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(async move {
            let outcome = match self {
                Self::Grpc(client) => client.export(batch).await,
                Self::Http(client) => client.export(batch).await,
            };
            let taken = outcome.map_err(judge)?;
            Ok(Delivered::partial(taken.n_rejected, taken.message))
        })
    }
}
