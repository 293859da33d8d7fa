//! Sends own spans, a batch at a time.

use std::time::Duration;

use collector_otlp::client::{ClientOptions, GrpcClient, HttpClient};
use collector_otlp::{Signal, TraceId};
use collector_telemetry::Counter;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::span::{Span, request};
use crate::Batch;
use crate::config::{Finding, OwnProtocol, OwnTracesConfig};
use crate::node::settings::{RawTls, headers, way};

/// Spans of one request.
const MAX_BATCH: usize = 512;

/// Where spans go.
#[derive(Debug, Clone)]
pub(super) enum Client {
    Http(Box<HttpClient>),
    Grpc(Box<GrpcClient>),
}

/// Whether spans could be sent as `config` says, as far as that shows without sending.
pub fn check(config: &OwnTracesConfig) -> Result<(), Finding> {
    Client::of(config).map(|_| ())
}

impl Client {
    pub(super) fn of(config: &OwnTracesConfig) -> Result<Self, Finding> {
        let place = |fault: Finding| {
            fault.or_at(config.at).within("traces").within("telemetry").within("service")
        };
        let tls: RawTls = config.tls.read().map_err(place)?;
        let way = way(config.endpoint.clone(), Some(tls), &config.tls).map_err(place)?;
        let mut all = headers(config.headers.clone(), config.at).map_err(place)?;
        // A trace of nothing, which asks whoever receives it not to record what follows.
        let silent = format!("00-{}-0000000000000001-00", TraceId(rand::random()));
        if let Ok(silent) = silent.parse() {
            all.push((http::HeaderName::from_static("traceparent"), silent));
        }
        let options = ClientOptions {
            encoding: config.encoding,
            timeout: config.timeout,
            headers: all,
            tls: way.tls,
            ..ClientOptions::default()
        };
        let wrong = |e: collector_otlp::client::EndpointError| {
            place(Finding::new(config.at, e.to_string()))
        };
        let endpoint = way.endpoint.as_str();
        match config.protocol {
            OwnProtocol::Grpc => {
                let client = GrpcClient::new(endpoint, options).map_err(wrong)?;
                Ok(Self::Grpc(Box::new(client)))
            }
            OwnProtocol::Http => {
                let client = HttpClient::new(endpoint, options).map_err(wrong)?;
                let path = endpoint.splitn(4, '/').nth(3).unwrap_or_default();
                let client = match path {
                    "" => client,
                    _ => client.sending(Signal::Traces, endpoint).map_err(wrong)?,
                };
                Ok(Self::Http(Box::new(client)))
            }
        }
    }

    async fn send(&self, request: &Batch) -> Result<(), String> {
        let sent = match self {
            Self::Http(client) => client.export(request).await,
            Self::Grpc(client) => client.export(request).await,
        };
        sent.map(|_| ()).map_err(|e| e.to_string())
    }
}

/// Sends what comes, until nobody is left who could hand anything over.
pub(super) async fn run(
    client: Client,
    delay: Duration,
    mut spans: mpsc::Receiver<Span>,
    told: Counter,
) {
    let mut batch = Vec::new();
    let mut tick = tokio::time::interval(delay.max(Duration::from_millis(10)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        let ended = tokio::select! {
            n = spans.recv_many(&mut batch, MAX_BATCH) => n == 0,
            _ = tick.tick() => {
                flush(&client, &mut batch, &told, &mut fails).await;
                false
            }
        };
        if ended || batch.len() >= MAX_BATCH {
            flush(&client, &mut batch, &told, &mut fails).await;
        }
        if ended {
            return;
        }
    }
}

async fn flush(client: &Client, batch: &mut Vec<Span>, told: &Counter, fails: &mut bool) {
    let spans = std::mem::take(batch);
    let Some(request) = request(&spans).filter(|_| !spans.is_empty()) else { return };
    let sent = client.send(&request).await;
    told.add(&[if sent.is_ok() { "delivered" } else { "dropped" }], spans.len() as u64);
    // Told when it begins, not every five seconds.
    match &sent {
        Err(error) if !*fails => {
            tracing::warn!(error, n_spans = spans.len(), "own spans are not taken and are gone");
        }
        _ => {}
    }
    *fails = sent.is_err();
}
