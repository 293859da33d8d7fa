//! Settings that nodes share: where to, with which headers, credentials and certificates, and never in the clear by
//! mistake.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::{At, Finding, Interval, Tree};
use collector_otlp::BearerTokens;
use collector_otlp::tls::{ClientFiles, ClientTls, ServerFiles, ServerTls};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// How often a file of tokens is looked at, at most; one is exchanged by hand, and seldom.
const TOKENS_RELOAD: Duration = Duration::from_secs(10);

/// `tls` of whoever connects, as the OpenTelemetry Collector spells it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTls {
    insecure: bool,
    insecure_skip_verify: bool,
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    server_name_override: Option<String>,
    reload_interval: Option<Interval>,
}

/// `tls` of whoever listens.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawServerTls {
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    client_ca_file: Option<PathBuf>,
    reload_interval: Option<Interval>,
}

/// `auth` once the extension it names stands in its place.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAuth {
    scheme: Option<String>,
    token: Option<String>,
    tokens: Vec<String>,
    filename: Option<PathBuf>,
}

/// Where to, and how.
#[derive(Debug, Clone)]
pub struct Way {
    /// `http://…` or `https://…`.
    pub endpoint: String,
    /// TLS for the second.
    pub tls: Option<ClientTls>,
}

/// The way to `endpoint`. Plain text only where it is asked for in so many words: a configuration that means TLS
/// must never send in the clear. `settings` hold both, for their places.
pub fn way(endpoint: String, tls: Option<RawTls>, settings: &Tree) -> Result<Way, Finding> {
    way_of("endpoint", endpoint, tls, settings)
}

/// The same for an endpoint under another key.
pub fn way_of(
    key: &str,
    endpoint: String,
    tls: Option<RawTls>,
    settings: &Tree,
) -> Result<Way, Finding> {
    let at = |key: &str| settings.get(key).map_or(settings.at, |t| t.at);
    let about_tls = |what: &str| Finding::new(at("tls"), what.to_owned()).within("tls");
    let raw = tls.unwrap_or_default();
    if raw.insecure_skip_verify {
        let hint = "name the authority of the server's certificate as ca_file";
        return Err(about_tls("certificates are always verified here").hint(hint));
    }
    let names_files = raw.ca_file.is_some() || raw.cert_file.is_some() || raw.key_file.is_some();
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", &endpoint));
    let plain = match scheme {
        "http" => true,
        "https" if raw.insecure => {
            return Err(about_tls("`insecure` asks for plain text, the endpoint for TLS")
                .hint(format!("write http://{rest}, or leave `insecure` out")));
        }
        "https" => false,
        "" => raw.insecure,
        other => {
            let fault = Finding::new(at(key), format!("the scheme `{other}` is not spoken here"));
            return Err(fault.within(key).hint("write http://HOST:PORT or https://HOST:PORT"));
        }
    };
    if plain && names_files {
        return Err(about_tls("files for TLS, and an endpoint that is sent to in the clear")
            .hint(format!("write https://{rest}")));
    }
    if plain {
        return Ok(Way { endpoint: format!("http://{rest}"), tls: None });
    }
    let cert_and_key = both(raw.cert_file, raw.key_file).map_err(about_tls)?;
    let files = ClientFiles {
        ca_file: raw.ca_file,
        cert_and_key,
        server_name: raw.server_name_override,
        reload_interval: raw.reload_interval.map(|i| i.0),
    };
    let tls = ClientTls::load(files).map_err(|error| about_tls(&error.to_string()))?;
    Ok(Way { endpoint: format!("https://{rest}"), tls: Some(tls) })
}

/// Where to listen: `endpoint` in `tree`, or `port` on loopback without one. Names are not looked up: what a listener
/// is open to should be read from the file alone.
pub fn listen_address(
    endpoint: Option<&str>,
    port: u16,
    tree: &Tree,
) -> Result<SocketAddr, Finding> {
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    let Some(endpoint) = endpoint else { return Ok(SocketAddr::new(loopback, port)) };
    let parsed = endpoint.parse().ok().or_else(|| {
        let port = endpoint.strip_prefix("localhost:")?.parse().ok()?;
        Some(SocketAddr::new(loopback, port))
    });
    parsed.ok_or_else(|| {
        let at = tree.get("endpoint").map_or(tree.at, |t| t.at);
        Finding::new(at, format!("`{endpoint}` is not an address to listen on"))
            .within("endpoint")
            .hint(format!("write 127.0.0.1:{port}, [::1]:{port}, or 0.0.0.0:{port} for everyone"))
    })
}

/// TLS of a listener, out of `tls` in `settings`.
pub fn listener_tls(
    raw: Option<RawServerTls>,
    settings: &Tree,
) -> Result<Option<ServerTls>, Finding> {
    let Some(raw) = raw else { return Ok(None) };
    let at = settings.get("tls").map_or(settings.at, |t| t.at);
    let fault = |what: &str| Finding::new(at, what.to_owned()).within("tls");
    let Some((cert_file, key_file)) = both(raw.cert_file, raw.key_file).map_err(fault)? else {
        return Err(fault("a listener needs `cert_file` and `key_file`"));
    };
    let reload_interval = raw.reload_interval.map(|i| i.0);
    let files =
        ServerFiles { cert_file, key_file, client_ca_file: raw.client_ca_file, reload_interval };
    ServerTls::load(files).map(Some).map_err(|error| fault(&error.to_string()))
}

fn both(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, &'static str> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        (Some(_), None) => Err("`cert_file` without its `key_file`"),
        (None, Some(_)) => Err("`key_file` without its `cert_file`"),
    }
}

/// The tokens that `auth` in `settings` names.
pub fn tokens(raw: Option<RawAuth>, settings: &Tree) -> Result<Option<BearerTokens>, Finding> {
    let Some(raw) = raw else { return Ok(None) };
    let at = settings.get("auth").map_or(settings.at, |t| t.at);
    let fault = |what: &str| Finding::new(at, what.to_owned()).within("auth");
    if raw.scheme.as_ref().is_some_and(|scheme| !scheme.eq_ignore_ascii_case("bearer")) {
        return Err(fault("the only scheme spoken here is `Bearer`"));
    }
    if let Some(file) = raw.filename {
        let loaded = BearerTokens::load(file, Some(TOKENS_RELOAD));
        return loaded.map(Some).map_err(|error| fault(&error.to_string()));
    }
    let given: Vec<_> = raw.token.into_iter().chain(raw.tokens).collect();
    if given.is_empty() || given.iter().any(|token| token.trim().is_empty()) {
        return Err(
            fault("there is no token, or an empty one").hint("write token, tokens or filename")
        );
    }
    let tokens = BearerTokens::of(given);
    if tokens.to_header().is_none() {
        return Err(fault("the token holds what no header may hold"));
    }
    Ok(Some(tokens))
}

/// Headers as they are sent; their values never reach a log.
pub fn headers(
    raw: BTreeMap<String, String>,
    at: At,
) -> Result<Vec<(HeaderName, HeaderValue)>, Finding> {
    raw.into_iter().map(|(name, value)| header(&name, &value, at)).collect()
}

fn header(name: &str, value: &str, at: At) -> Result<(HeaderName, HeaderValue), Finding> {
    let fault = |what: &str| Finding::new(at, format!("{what} of header `{name}` cannot be sent"));
    let parsed: HeaderName = name.parse().map_err(|_| fault("the name"))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| fault("the value"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// Without the tokens.
impl std::fmt::Debug for RawAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawAuth").finish_non_exhaustive()
    }
}
