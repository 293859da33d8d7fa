//! Settings of `prometheusremotewrite`.

use std::collections::BTreeMap;

use collector_pipeline::config::{ByteSize, Finding, Interval, Tree};
use collector_prom::mapping::{DeltaLimits, Options, name};
use collector_prom::remote_write::{Label, Version};
use serde::Deserialize;

use collector_pipeline::node::settings::{RawAuth, RawTls};
use collector_pipeline::push::{RawTarget, Target, shards};

use super::negotiated::Wanted;

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
    version: Option<String>,
    protobuf_message: Option<Message>,
    shards: Option<usize>,
    add_metric_suffixes: Option<bool>,
    resource_to_telemetry_conversion: Option<RawSwitch>,
}

/// The message's name, as Prometheus' own configuration has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Message {
    #[serde(rename = "prometheus.WriteRequest")]
    First,
    #[serde(rename = "io.prometheus.write.v2.Request")]
    Second,
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
    /// Request streams at once; a series is always in the same one. Default 1.
    pub(super) n_shards: usize,
    /// Which version to speak. Default: what the endpoint takes.
    pub(super) wanted: Wanted,
}

impl Raw {
    pub(super) fn resolve(self, settings: &Tree) -> Result<Config, Finding> {
        let at = |key: &str| settings.get(key).map_or(settings.at, |t| t.at);
        self.refuse_what_differs(settings)?;
        let wanted = self.wanted(settings)?;
        let n_shards = shards(self.shards, settings)?;
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
        Ok(Config { target, options, max_request_bytes, n_shards, wanted })
    }

    /// Settings of the OpenTelemetry Collector that would make other series than ours.
    fn refuse_what_differs(&self, settings: &Tree) -> Result<(), Finding> {
        let refuse = |key: &str, message: &str, hint: &str| {
            let at = settings.get(key).map_or(settings.at, |t| t.at);
            Err(Finding::new(at, message).within(key).hint(hint))
        };
        if self.add_metric_suffixes == Some(false) {
            let hint = "leave it out: names carry unit and `_total`";
            return refuse("add_metric_suffixes", "names without suffixes do not exist here", hint);
        }
        if self.resource_to_telemetry_conversion.as_ref().is_some_and(|switch| switch.enabled) {
            let hint = "leave it out and join with target_info on job and instance";
            let message = "attributes of a resource are in target_info alone";
            return refuse("resource_to_telemetry_conversion", message, hint);
        }
        Ok(())
    }

    fn wanted(&self, settings: &Tree) -> Result<Wanted, Finding> {
        let by_message = self.protobuf_message.map(|message| match message {
            Message::First => Version::V1,
            Message::Second => Version::V2,
        });
        let at = settings.get("version").map_or(settings.at, |t| t.at);
        let fault = |message: &str| Finding::new(at, message).within("version");
        let by_version = match self.version.as_deref() {
            None => return Ok(by_message.map_or(Wanted::Auto, Wanted::Only)),
            Some("auto") => None,
            Some("1.0" | "1") => Some(Version::V1),
            Some("2.0" | "2") => Some(Version::V2),
            Some(_) => {
                return Err(fault("there is no such version of remote-write")
                    .hint("write auto, \"1.0\" or \"2.0\""));
            }
        };
        match (by_version, by_message) {
            (version, Some(message)) if version != Some(message) => {
                Err(fault("`protobuf_message` names another version").hint("leave one of them out"))
            }
            (Some(version), _) => Ok(Wanted::Only(version)),
            (None, _) => Ok(Wanted::Auto),
        }
    }
}

fn is_label(label: &Label) -> bool {
    !label.value.is_empty() && !label.name.is_empty() && name::label(&label.name) == label.name
}
