//! Settings of `otlp_grpc` and `otlp_http`.

use std::collections::BTreeMap;
use std::time::Duration;

use collector_otlp::{BearerTokens, Encoding};
use collector_pipeline::config::{Finding, Interval, Tree};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use collector_otlp::tls::ClientTls;
use collector_pipeline::node::settings::{RawAuth, RawTls, Way, headers, tokens, way};

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

/// Settings as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    endpoint: Option<String>,
    compression: Option<Compression>,
    timeout: Option<Interval>,
    headers: BTreeMap<String, String>,
    tls: Option<RawTls>,
    auth: Option<RawAuth>,
}

/// Settings as used.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// `http://host:port`, or `https`.
    pub(super) endpoint: String,
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

impl Raw {
    pub(super) fn resolve(self, protocol: Protocol, settings: &Tree) -> Result<Config, Finding> {
        let at = |key: &str| settings.get(key).map_or(settings.at, |t| t.at);
        let Some(endpoint) = self.endpoint.filter(|e| !e.is_empty()) else {
            let example = match protocol {
                Protocol::Grpc => "http://127.0.0.1:4317",
                Protocol::Http => "http://127.0.0.1:4318",
            };
            return Err(Finding::new(settings.at, "`endpoint` is missing")
                .hint(format!("for example endpoint: {example}")));
        };
        let Way { endpoint, tls } = way(endpoint, self.tls, settings)?;
        Ok(Config {
            endpoint,
            tls,
            token: tokens(self.auth, settings)?,
            encoding: match self.compression {
                Some(Compression::Gzip) => Some(Encoding::Gzip),
                Some(Compression::Zstd) => Some(Encoding::Zstd),
                Some(Compression::None) | None => None,
            },
            timeout: self.timeout.map_or(Duration::from_secs(5), |t| t.0),
            headers: headers(self.headers, at("headers"))?,
        })
    }
}
