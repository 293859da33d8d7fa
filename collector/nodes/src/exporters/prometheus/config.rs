//! Settings of `prometheus`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use collector_otlp::BearerTokens;
use collector_otlp::tls::ServerTls;
use collector_pipeline::config::{Finding, Interval, Tree};
use collector_pipeline::node::settings::{
    RawAuth, RawServerTls, listen_address, listener_tls, tokens,
};
use collector_prom::exposition::Bounds;
use collector_prom::mapping::{Options, name};
use collector_prom::remote_write::Label;
use serde::Deserialize;

/// Settings as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    endpoint: Option<String>,
    const_labels: BTreeMap<String, String>,
    metric_expiration: Option<Interval>,
    max_series: Option<usize>,
    send_timestamps: bool,
    enable_open_metrics: Option<bool>,
    target_info: Option<RawSwitch>,
    add_metric_suffixes: Option<bool>,
    resource_to_telemetry_conversion: Option<RawSwitch>,
    allowed_hosts: Vec<String>,
    max_connections: Option<usize>,
    tls: Option<RawServerTls>,
    auth: Option<RawAuth>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSwitch {
    enabled: bool,
}

/// Settings as used.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// How metrics become series.
    pub(super) options: Options,
    /// Series and their age. Default 100 000, a page of some 10 MB, and five minutes, as the OpenTelemetry Collector
    /// has it.
    pub(super) bounds: Bounds,
    /// Whether samples say when they were taken. Default not: a scraper's own time keeps staleness working.
    pub(super) send_timestamps: bool,
    /// Whether OpenMetrics is offered. Default yes: only there exemplars have a place.
    pub(super) open_metrics: bool,
    pub(super) listener: ListenerConfig,
}

/// Where pages are served, and to whom.
#[derive(Debug, Clone)]
pub(super) struct ListenerConfig {
    pub(super) address: SocketAddr,
    /// Names besides loopback's and the listener's own address that a request may name.
    pub(super) allowed_hosts: Vec<String>,
    /// Connections at once; more wait to be accepted. Default 64: scrapers are few.
    pub(super) max_connections: usize,
    pub(super) tls: Option<ServerTls>,
    pub(super) tokens: Option<BearerTokens>,
}

impl Raw {
    pub(super) fn resolve(self, settings: &Tree) -> Result<Config, Finding> {
        let at = |key: &str| settings.get(key).map_or(settings.at, |t| t.at);
        let fault = |key: &str, message: &str| Finding::new(at(key), message).within(key);
        if self.endpoint.is_none() {
            return Err(Finding::new(settings.at, "`endpoint` is missing")
                .hint("for example endpoint: 127.0.0.1:9464"));
        }
        if self.add_metric_suffixes == Some(false) {
            return Err(fault("add_metric_suffixes", "names without suffixes do not exist here")
                .hint("leave it out: names carry unit and `_total`"));
        }
        if self.resource_to_telemetry_conversion.is_some_and(|switch| switch.enabled) {
            let message = "attributes of a resource are in target_info alone";
            return Err(fault("resource_to_telemetry_conversion", message)
                .hint("leave it out and join with target_info on job and instance"));
        }
        let expiry = self.metric_expiration.map_or(Duration::from_secs(300), |i| i.0);
        let max_series = self.max_series.unwrap_or(100_000);
        if expiry.is_zero() {
            return Err(fault("metric_expiration", "nothing would be shown with that"));
        }
        if max_series == 0 {
            return Err(fault("max_series", "nothing would be shown with that"));
        }
        let external_labels: Vec<Label> =
            self.const_labels.into_iter().map(|(name, value)| Label { name, value }).collect();
        let is_label = |l: &&Label| l.value.is_empty() || name::label(&l.name) != l.name;
        if let Some(bad) = external_labels.iter().find(is_label) {
            let message = format!("`{}` is not a label with a value", bad.name);
            return Err(fault("const_labels", &message)
                .hint("letters, digits and underscores, a letter first; the value not empty"));
        }
        let target_info = self.target_info.is_none_or(|switch| switch.enabled);
        let options = Options { external_labels, target_info, ..Options::default() };
        Ok(Config {
            options,
            bounds: Bounds { max_series, expiry },
            send_timestamps: self.send_timestamps,
            open_metrics: self.enable_open_metrics.unwrap_or(true),
            listener: ListenerConfig {
                address: listen_address(self.endpoint.as_deref(), 9464, settings)?,
                allowed_hosts: self.allowed_hosts,
                max_connections: self.max_connections.filter(|n| *n > 0).unwrap_or(64),
                tls: listener_tls(self.tls, settings)?,
                tokens: tokens(self.auth, settings)?,
            },
        })
    }
}
