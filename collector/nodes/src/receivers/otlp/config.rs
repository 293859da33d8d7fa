//! Settings of the `otlp` receiver.

use collector_otlp::admission::Budget;
use collector_otlp::server::ServerOptions;
use collector_pipeline::config::{ByteSize, Finding, Interval, Tree};
use collector_pipeline::node::settings::{
    RawAuth, RawServerTls, listen_address, listener_tls, tokens,
};
use serde::Deserialize;

/// Settings as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    protocols: Option<RawProtocols>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawProtocols {
    grpc: Option<RawGrpc>,
    http: Option<RawHttp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawGrpc {
    endpoint: Option<String>,
    max_recv_msg_size_mib: Option<u32>,
    max_concurrent_streams: Option<u32>,
    max_connections: Option<usize>,
    tls: Option<RawServerTls>,
    auth: Option<RawAuth>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawHttp {
    endpoint: Option<String>,
    max_request_body_size: Option<ByteSize>,
    allowed_hosts: Vec<String>,
    max_connections: Option<usize>,
    read_header_timeout: Option<Interval>,
    read_timeout: Option<Interval>,
    idle_timeout: Option<Interval>,
    tls: Option<RawServerTls>,
    auth: Option<RawAuth>,
}

/// Settings as used: one server per transport.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// gRPC, by default on 127.0.0.1:4317; absent where it is not named.
    pub(super) grpc: Option<ServerOptions>,
    /// HTTP, by default on 127.0.0.1:4318; absent where it is not named.
    pub(super) http: Option<ServerOptions>,
}

impl Raw {
    /// Both transports take their tickets from `budget`.
    pub(super) fn resolve(self, settings: &Tree, budget: &Budget) -> Result<Config, Finding> {
        let protocols = settings.get("protocols");
        let named = |key: &str| protocols.and_then(|p| p.get(key));
        if named("grpc").is_none() && named("http").is_none() {
            return Err(Finding::new(settings.at, "no protocol is named")
                .hint("write protocols: {grpc: {}, http: {}}, or one of them"));
        }
        let raw = self.protocols.unwrap_or_default();
        let mut config = Config { grpc: None, http: None };
        if let Some(tree) = named("grpc") {
            config.grpc = Some(raw.grpc.unwrap_or_default().resolve(tree, budget)?);
        }
        if let Some(tree) = named("http") {
            config.http = Some(raw.http.unwrap_or_default().resolve(tree, budget)?);
        }
        Ok(config)
    }
}

impl RawGrpc {
    fn resolve(self, tree: &Tree, budget: &Budget) -> Result<ServerOptions, Finding> {
        let mut options = ServerOptions {
            grpc: Some(listen_address(self.endpoint.as_deref(), 4317, tree)?),
            budget: budget.clone(),
            tls: listener_tls(self.tls, tree)?,
            tokens: tokens(self.auth, tree)?,
            ..Default::default()
        };
        at_least_one(&mut options.max_streams, self.max_concurrent_streams);
        at_least_one(&mut options.max_connections, self.max_connections);
        limit(&mut options, self.max_recv_msg_size_mib.map(|mib| u64::from(mib) << 20), tree)?;
        Ok(options)
    }
}

impl RawHttp {
    fn resolve(self, tree: &Tree, budget: &Budget) -> Result<ServerOptions, Finding> {
        let mut options = ServerOptions {
            http: Some(listen_address(self.endpoint.as_deref(), 4318, tree)?),
            allowed_hosts: self.allowed_hosts,
            budget: budget.clone(),
            tls: listener_tls(self.tls, tree)?,
            tokens: tokens(self.auth, tree)?,
            ..Default::default()
        };
        at_least_one(&mut options.max_connections, self.max_connections);
        at_least_one(&mut options.header_timeout, self.read_header_timeout.map(|i| i.0));
        at_least_one(&mut options.body_timeout, self.read_timeout.map(|i| i.0));
        at_least_one(&mut options.idle_timeout, self.idle_timeout.map(|i| i.0));
        limit(&mut options, self.max_request_body_size.map(|b| b.0), tree)?;
        Ok(options)
    }
}

/// Nothing and zero both mean the default, as in the OpenTelemetry Collector; there is no way to have no limit.
fn at_least_one<T: Default + PartialEq>(limit: &mut T, asked: Option<T>) {
    if let Some(asked) = asked.filter(|asked| *asked != T::default()) {
        *limit = asked;
    }
}

/// Bounds a request's bytes; without a word from the configuration the default of 20 MiB stands.
fn limit(options: &mut ServerOptions, max: Option<u64>, tree: &Tree) -> Result<(), Finding> {
    let Some(max) = max.filter(|n| *n > 0) else { return Ok(()) };
    let max = usize::try_from(max).ok().filter(|n| *n <= 1 << 30);
    let Some(max) = max else {
        return Err(Finding::new(tree.at, "a request of more than 1 GiB is never read"));
    };
    (options.limits.max_wire_bytes, options.limits.max_decoded_bytes) = (max, max);
    Ok(())
}
