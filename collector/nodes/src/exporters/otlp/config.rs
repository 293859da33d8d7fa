//! Settings of `otlp_grpc` and `otlp_http`.

use std::collections::BTreeMap;
use std::time::Duration;

use collector_otlp::Encoding;
use collector_pipeline::config::{At, Finding, Interval, Tree};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTls {
    insecure: bool,
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
}

/// Settings as used.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// `http://host:port`.
    pub(super) endpoint: String,
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
        let plain = self.tls.is_some_and(|tls| tls.insecure);
        let endpoint = with_scheme(endpoint, plain, at("endpoint"))?;
        let headers = self.headers.into_iter().map(|(k, v)| header(&k, &v, at("headers")));
        Ok(Config {
            endpoint,
            encoding: match self.compression {
                Some(Compression::Gzip) => Some(Encoding::Gzip),
                Some(Compression::Zstd) => Some(Encoding::Zstd),
                Some(Compression::None) | None => None,
            },
            timeout: self.timeout.map_or(Duration::from_secs(5), |t| t.0),
            headers: headers.collect::<Result<_, _>>()?,
        })
    }
}

/// Plain text only where it is asked for in so many words: a configuration that means TLS must
/// never send in the clear.
fn with_scheme(endpoint: String, plain: bool, at: At) -> Result<String, Finding> {
    if endpoint.starts_with("http://") {
        return Ok(endpoint);
    }
    if endpoint.starts_with("https://") {
        return Err(Finding::new(at, "TLS towards a backend is not spoken here")
            .hint("send to a local http:// endpoint"));
    }
    if endpoint.contains("://") {
        let scheme = endpoint.split("://").next().unwrap_or_default();
        return Err(Finding::new(at, format!("the scheme `{scheme}` is not spoken here"))
            .hint("write http://HOST:PORT"));
    }
    if !plain {
        return Err(Finding::new(
            at,
            "an endpoint without a scheme means TLS, which is not spoken here",
        )
        .hint(format!("write http://{endpoint}, or add tls: {{insecure: true}}")));
    }
    Ok(format!("http://{endpoint}"))
}

fn header(name: &str, value: &str, at: At) -> Result<(HeaderName, HeaderValue), Finding> {
    let fault = |what: &str| Finding::new(at, format!("{what} of header `{name}` cannot be sent"));
    let parsed: HeaderName = name.parse().map_err(|_| fault("the name"))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| fault("the value"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}
