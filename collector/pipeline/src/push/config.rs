//! Where to push, as written and as used.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{At, Finding, Interval, Tree};
use collector_otlp::BearerTokens;
use collector_otlp::tls::ClientTls;
use http::{HeaderName, HeaderValue};

use crate::node::settings::{RawAuth, RawTls, Way, headers, tokens, way};

/// Headers that are the protocol's: sent by hand they would contradict the body.
const RESERVED: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "x-prometheus-remote-write-version",
];

/// Settings as written.
#[derive(Debug, Default)]
pub struct RawTarget {
    /// `endpoint`.
    pub endpoint: Option<String>,
    /// `timeout`.
    pub timeout: Option<Interval>,
    /// `headers`.
    pub headers: BTreeMap<String, String>,
    /// `tls`.
    pub tls: Option<RawTls>,
    /// `auth`.
    pub auth: Option<RawAuth>,
}

/// Settings as used.
#[derive(Debug, Clone)]
pub struct Target {
    /// `http://host:port/path`, or `https`.
    pub endpoint: String,
    /// TLS for the second.
    pub tls: Option<ClientTls>,
    /// The token that every request bears.
    pub token: Option<BearerTokens>,
    /// Time for one body and its answer. Default 5 s, as the OpenTelemetry Collector has it.
    pub timeout: Duration,
    /// Headers of every request; their values never reach a log.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Where the endpoint is written.
    pub at: At,
}

/// Request streams at once, at most: each is a connection to the backend.
const MAX_SHARDS: usize = 64;

/// `shards` as used. Default 1: order of everything is then that of the log.
pub fn shards(raw: Option<usize>, settings: &Tree) -> Result<usize, Finding> {
    let n = raw.unwrap_or(1);
    if (1..=MAX_SHARDS).contains(&n) {
        return Ok(n);
    }
    let at = settings.get("shards").map_or(settings.at, |t| t.at);
    let message = format!("{n} is not a number of request streams");
    Err(Finding::new(at, message).within("shards").hint(format!("write 1 to {MAX_SHARDS}")))
}

impl RawTarget {
    /// Checks the settings, read from `settings`; `path` is what the backend listens on as a rule.
    pub fn resolve(self, settings: &Tree, path: &str) -> Result<Target, Finding> {
        let at = |key: &str| settings.get(key).map_or(settings.at, |t| t.at);
        let Some(endpoint) = self.endpoint.filter(|e| !e.is_empty()) else {
            return Err(Finding::new(settings.at, "`endpoint` is missing")
                .hint(format!("for example endpoint: http://127.0.0.1:9090{path}")));
        };
        let Way { endpoint, tls } = way(endpoint, self.tls, settings)?;
        let authority = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, rest)| rest);
        if authority.split_once('/').is_none_or(|(_, path)| path.is_empty()) {
            let base = endpoint.trim_end_matches('/');
            return Err(Finding::new(at("endpoint"), "the endpoint has no path")
                .within("endpoint")
                .hint(format!("did you mean {base}{path}?")));
        }
        let headers = headers(self.headers, at("headers"))?;
        if let Some((name, _)) = headers.iter().find(|(n, _)| RESERVED.contains(&n.as_str())) {
            let message = format!("header `{name}` is the protocol's own");
            return Err(Finding::new(at("headers"), message)
                .within("headers")
                .hint("leave it out"));
        }
        let timeout = self.timeout.map_or(Duration::from_secs(5), |t| t.0);
        if timeout.is_zero() {
            return Err(Finding::new(at("timeout"), "no time is too little").within("timeout"));
        }
        let token = tokens(self.auth, settings)?;
        Ok(Target { endpoint, tls, token, timeout, headers, at: at("endpoint") })
    }
}
