//! One request per batch.

use collector_otlp::client::{ClientOptions, EndpointError, GrpcClient, HttpClient};
use collector_pipeline::config::{At, Finding};
use collector_pipeline::node::{Begun, Delivered, ExportError, Exporter};
use collector_pipeline::{Batch, Signal};
use futures_util::future::BoxFuture;

use super::config::{Config, Protocol};
use super::error::judge;

/// Sends OTLP.
pub(super) struct Otlp {
    client: Client,
    /// Signals that have somewhere to go.
    signals: Vec<Signal>,
}

enum Client {
    Grpc(GrpcClient),
    Http(HttpClient),
}

impl Otlp {
    /// A client that connects when it first sends.
    pub(super) fn new(protocol: Protocol, config: Config) -> Result<Self, Finding> {
        let Config { endpoint, urls, form, tls, token, encoding, timeout, headers } = config;
        let options = ClientOptions {
            encoding,
            timeout,
            connect_timeout: timeout,
            headers,
            token,
            tls,
            ..Default::default()
        };
        let signals = match endpoint {
            Some(_) => Signal::ALL.to_vec(),
            None => urls.iter().map(|(signal, _)| *signal).collect(),
        };
        // Without an endpoint every signal that is sent has a URL of its own; any of them names the client.
        let named =
            endpoint.or_else(|| urls.first().map(|(_, url)| url.clone())).unwrap_or_default();
        let client = match protocol {
            Protocol::Grpc => GrpcClient::new(&named, options).map(Client::Grpc),
            Protocol::Http => http(&named, &urls, options).map(|c| Client::Http(c.speaking(form))),
        };
        let client =
            client.map_err(|e| Finding::new(At::default(), e.to_string()).within("endpoint"))?;
        Ok(Self { client, signals })
    }
}

fn http(
    named: &str,
    urls: &[(Signal, String)],
    options: ClientOptions,
) -> Result<HttpClient, EndpointError> {
    let client = HttpClient::new(named, options)?;
    urls.iter().try_fold(client, |client, (signal, url)| client.sending(*signal, url))
}

impl Exporter for Otlp {
    fn carries(&self, signal: Signal) -> Result<(), String> {
        if self.signals.contains(&signal) {
            return Ok(());
        }
        Err(format!("write `endpoint` or `{signal}_endpoint`"))
    }

    fn export<'a>(
        &'a self,
        batch: &'a Batch,
        _: &'a Begun,
    ) -> BoxFuture<'a, Result<Delivered, ExportError>> {
        Box::pin(async move {
            let outcome = match &self.client {
                Client::Grpc(client) => client.export(batch).await,
                Client::Http(client) => client.export(batch).await,
            };
            let taken = outcome.map_err(judge)?;
            Ok(Delivered::partial(taken.n_rejected, taken.message))
        })
    }
}
