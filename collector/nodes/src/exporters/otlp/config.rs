//! Settings of `otlp_grpc` and `otlp_http`.

use std::collections::BTreeMap;
use std::time::Duration;

use collector_otlp::client::Form;
use collector_otlp::{BearerTokens, Encoding, Signal};
use collector_pipeline::config::{Finding, Interval, Tree};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use collector_otlp::tls::ClientTls;
use collector_pipeline::node::settings::{RawAuth, RawTls, Way, headers, tokens, way, way_of};

/// Which transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    Http,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    Gzip,
    Zstd,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawForm {
    Proto,
    Json,
}

/// Settings of `otlp_grpc` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawGrpc {
    endpoint: Option<String>,
    compression: Option<Compression>,
    timeout: Option<Interval>,
    headers: BTreeMap<String, String>,
    tls: Option<RawTls>,
    auth: Option<RawAuth>,
}

/// Settings of `otlp_http` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHttp {
    endpoint: Option<String>,
    traces_endpoint: Option<String>,
    metrics_endpoint: Option<String>,
    logs_endpoint: Option<String>,
    encoding: Option<RawForm>,
    compression: Option<Compression>,
    timeout: Option<Interval>,
    headers: BTreeMap<String, String>,
    tls: Option<RawTls>,
    auth: Option<RawAuth>,
}

/// Settings as used.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// `http://host:port`, or `https`; with a path of its own in front of OTLP's, if any.
    pub(super) endpoint: Option<String>,
    /// Whole URLs of signals that have one of their own.
    pub(super) urls: Vec<(Signal, String)>,
    /// How bodies are written. Default protobuf: what came so leaves as it came.
    pub(super) form: Form,
    /// TLS for the second.
    pub(super) tls: Option<ClientTls>,
    /// The token that every request bears.
    pub(super) token: Option<BearerTokens>,
    /// Compression on the wire. Default none: what came compressed in another form, or plain, is
    /// not worth a processor's time on the way to a neighbour.
    pub(super) encoding: Option<Encoding>,
    /// Time for one attempt. Default 5 s, as the OpenTelemetry Collector has it.
    pub(super) timeout: Duration,
    /// Headers of every request; their values never reach a log.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl RawGrpc {
    pub(super) fn resolve(self, settings: &Tree) -> Result<Config, Finding> {
        let Some(endpoint) = self.endpoint.filter(|e| !e.is_empty()) else {
            return Err(Finding::new(settings.at, "`endpoint` is missing")
                .hint("for example endpoint: http://127.0.0.1:4317"));
        };
        let Way { endpoint, tls } = way(endpoint, self.tls, settings)?;
        let at = settings.get("headers").map_or(settings.at, |t| t.at);
        Ok(Config {
            endpoint: Some(endpoint),
            urls: Vec::new(),
            form: Form::Protobuf,
            tls,
            token: tokens(self.auth, settings)?,
            encoding: encoding(self.compression),
            timeout: self.timeout.map_or(Duration::from_secs(5), |t| t.0),
            headers: headers(self.headers, at)?,
        })
    }
}

impl RawHttp {
    pub(super) fn resolve(mut self, settings: &Tree) -> Result<Config, Finding> {
        let whole = [
            (Signal::Traces, "traces_endpoint", self.traces_endpoint.take()),
            (Signal::Metrics, "metrics_endpoint", self.metrics_endpoint.take()),
            (Signal::Logs, "logs_endpoint", self.logs_endpoint.take()),
        ];
        let endpoint = self.endpoint.take().filter(|e| !e.is_empty());
        if endpoint.is_none() && whole.iter().all(|(_, _, url)| url.is_none()) {
            return Err(Finding::new(settings.at, "`endpoint` is missing")
                .hint("for example endpoint: http://127.0.0.1:4318"));
        }
        let mut found = Config {
            endpoint: None,
            urls: Vec::new(),
            form: if self.encoding == Some(RawForm::Json) { Form::Json } else { Form::Protobuf },
            tls: None,
            token: tokens(self.auth.take(), settings)?,
            encoding: encoding(self.compression),
            timeout: self.timeout.map_or(Duration::from_secs(5), |t| t.0),
            headers: headers(
                std::mem::take(&mut self.headers),
                settings.get("headers").map_or(settings.at, |t| t.at),
            )?,
        };
        if let Some(endpoint) = endpoint {
            let Way { endpoint, tls } = way(endpoint, self.tls.clone(), settings)?;
            (found.endpoint, found.tls) = (Some(endpoint), tls);
        }
        for (signal, key, url) in whole {
            let Some(url) = url.filter(|url| !url.is_empty()) else { continue };
            let Way { endpoint, tls } = way_of(key, url, self.tls.clone(), settings)?;
            found.urls.push((signal, endpoint));
            found.tls = found.tls.or(tls);
        }
        Ok(found)
    }
}

fn encoding(compression: Option<Compression>) -> Option<Encoding> {
    match compression {
        Some(Compression::Gzip) => Some(Encoding::Gzip),
        Some(Compression::Zstd) => Some(Encoding::Zstd),
        Some(Compression::None) | None => None,
    }
}
