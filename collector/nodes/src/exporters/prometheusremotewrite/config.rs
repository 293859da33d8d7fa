//! Settings of `prometheusremotewrite`.

use std::collections::BTreeMap;

use collector_pipeline::config::{ByteSize, Finding, Interval, Tree};
use collector_prom::mapping::{DeltaLimits, Options, name};
use collector_prom::remote_write::Label;
use serde::Deserialize;

use collector_pipeline::node::settings::{RawAuth, RawTls};
use collector_pipeline::push::{RawTarget, Target};

/// Settings as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    endpoint: Option<String>,
    timeout: Option<Interval>,
    headers: BTreeMap<String, String>,
    tls: Option<RawTls>,
    auth: Option<RawAuth>,
    external_labels: BTreeMap<String, String>,
    target_info: Option<RawSwitch>,
    send_metadata: bool,
    max_batch_size_bytes: Option<ByteSize>,
    delta: RawDelta,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSwitch {
    enabled: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDelta {
    max_series: Option<usize>,
    expiry: Option<Interval>,
}

/// Settings as used.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) target: Target,
    /// How metrics become series. `target_info` by default, metadata not: remote-write 1.0 receivers
    /// pass over it.
    pub(super) options: Options,
    /// Bytes of a request before compression. Default 3 MB, as the OpenTelemetry Collector has it.
    pub(super) max_request_bytes: usize,
}

impl Raw {
    pub(super) fn resolve(self, settings: &Tree) -> Result<Config, Finding> {
        let at = |key: &str| settings.get(key).map_or(settings.at, |t| t.at);
        let Self { endpoint, timeout, headers, tls, auth, .. } = self;
        let target = RawTarget { endpoint, timeout, headers, tls, auth }
            .resolve(settings, "/api/v1/write")?;
        let default = DeltaLimits::default();
        let delta = DeltaLimits {
            max_series: self.delta.max_series.unwrap_or(default.max_series),
            expiry: self.delta.expiry.map_or(default.expiry, |i| i.0),
        };
        if delta.max_series == 0 || delta.expiry.is_zero() {
            let fault = Finding::new(at("delta"), "no deltas could be added up with that");
            return Err(fault.within("delta").hint("max_series and expiry lie above zero"));
        }
        let external_labels: Vec<Label> =
            self.external_labels.into_iter().map(|(name, value)| Label { name, value }).collect();
        if let Some(bad) = external_labels.iter().find(|l| !is_label(l)) {
            let message = format!("`{}` is not a label with a value", bad.name);
            return Err(Finding::new(at("external_labels"), message)
                .within("external_labels")
                .hint("letters, digits and underscores, a letter first; the value not empty"));
        }
        let max_request_bytes = match self.max_batch_size_bytes {
            None => 3_000_000,
            Some(ByteSize(n)) => usize::try_from(n).unwrap_or(usize::MAX),
        };
        let target_info = self.target_info.is_none_or(|switch| switch.enabled);
        let metadata = self.send_metadata;
        let options = Options { external_labels, target_info, metadata, delta };
        Ok(Config { target, options, max_request_bytes })
    }
}

fn is_label(label: &Label) -> bool {
    !label.value.is_empty() && !label.name.is_empty() && name::label(&label.name) == label.name
}
