//! `service.telemetry.traces`: where spans of the process's own go, in the OpenTelemetry Collector's shape.
//!
//! ```yaml
//! traces:
//!   processors:
//!     - batch:
//!         exporter:
//!           otlp: {protocol: http/protobuf, endpoint: "http://127.0.0.1:4318"}
//!   sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 0.1}}}}
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use collector_otlp::Encoding;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::at::At;
use super::error::Finding;
use super::findings::Findings;
use super::nearest::nearest;
use super::tree::{Key, Tree, Value};

/// Where spans of the process's own go, and how many of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnTracesConfig {
    /// Where it stands.
    pub at: At,
    /// What is spoken there.
    pub protocol: OwnProtocol,
    /// `http://HOST:PORT`, with a path where it is the whole URL of OTLP/HTTP.
    pub endpoint: String,
    /// Headers of every request.
    pub headers: BTreeMap<String, String>,
    /// Compression on the wire.
    pub encoding: Option<Encoding>,
    /// `tls` as exporters have it.
    pub tls: Tree,
    /// Time for one request. Default 10 s, as in the OpenTelemetry SDKs.
    pub timeout: Duration,
    /// How long spans wait for company. Default 5 s, as there.
    pub delay: Duration,
    /// The share of traces that begin here which is kept; those that come from elsewhere bring their own verdict.
    /// Default all, as there.
    pub ratio: f64,
    /// Spans per second at most. Default 100: enough to look at, nothing beside what any collector moves.
    pub max_per_second: u32,
    /// As it was written.
    pub written: Tree,
}

/// What is spoken where own spans go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum OwnProtocol {
    /// OTLP/HTTP.
    #[serde(rename = "http/protobuf")]
    Http,
    /// OTLP/gRPC.
    #[serde(rename = "grpc")]
    Grpc,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    processors: Vec<RawProcessor>,
    /// Read by [`ratio`].
    #[serde(rename = "sampler")]
    _sampler: Option<IgnoredAny>,
    max_spans_per_second: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProcessor {
    batch: RawBatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBatch {
    /// Milliseconds.
    schedule_delay: Option<u64>,
    exporter: RawExporter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExporter {
    otlp: RawOtlp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOtlp {
    protocol: OwnProtocol,
    endpoint: String,
    #[serde(default)]
    headers: Vec<RawHeader>,
    /// Milliseconds.
    timeout: Option<u64>,
    compression: Option<RawCompression>,
    #[serde(default)]
    insecure: bool,
    certificate: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_key: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawCompression {
    None,
    Gzip,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRatio {
    ratio: f64,
}

/// The share of traces that a sampler keeps of those that begin here.
fn ratio(sampler: &Tree) -> Result<f64, Finding> {
    const KINDS: [&str; 4] = ["always_on", "always_off", "trace_id_ratio_based", "parent_based"];
    let [(key, value)] = sampler.entries()? else {
        let fault = Finding::new(sampler.at, "one sampler is wanted");
        return Err(fault.hint(format!("there are: {}", KINDS.join(", "))));
    };
    let within = |fault: Finding| fault.within(&key.text);
    match key.text.as_str() {
        "always_on" => Ok(1.0),
        "always_off" => Ok(0.0),
        "trace_id_ratio_based" => {
            let RawRatio { ratio } = value.read().map_err(within)?;
            let is_share = (0.0..=1.0).contains(&ratio);
            let fault = || within(Finding::new(value.at, "`ratio` is not between 0 and 1"));
            is_share.then_some(ratio).ok_or_else(fault)
        }
        "parent_based" => {
            let root = value.get("root").ok_or_else(|| Finding::new(value.at, "`root` is missing"));
            root.and_then(ratio).map_err(within)
        }
        other => {
            let fault = Finding::new(key.at, format!("there is no sampler `{other}`"));
            Err(match nearest(other, KINDS) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!("there are: {}", KINDS.join(", "))),
            })
        }
    }
}

/// What stands under `service.telemetry.traces`; nothing where no processor is named.
pub(super) fn read(service: &Tree, found: &mut Findings) -> Option<OwnTracesConfig> {
    let traces = service.get("telemetry")?.get("traces")?;
    let within = |fault: Finding| fault.within("traces").within("telemetry").within("service");
    let fault = |what: &str| within(Finding::new(traces.at, what.to_owned()));
    let raw: Raw = found.keep(traces.read().map_err(within))?;
    let mut processors = raw.processors.into_iter();
    let RawProcessor { batch: RawBatch { schedule_delay, exporter } } = processors.next()?;
    if processors.next().is_some() {
        found.faults.push(fault("own spans go to one place only").hint("name one processor"));
    }
    let sampler = traces.get("sampler").map_or(Ok(1.0), ratio);
    let ratio = found.keep(sampler.map_err(|fault| within(fault.within("sampler"))))?;
    let RawOtlp { protocol, endpoint, headers, timeout, compression, .. } = exporter.otlp;
    let files = [
        ("ca_file", exporter.otlp.certificate),
        ("cert_file", exporter.otlp.client_certificate),
        ("key_file", exporter.otlp.client_key),
    ];
    let mut tls = vec![("insecure", Value::Bool(exporter.otlp.insecure))];
    let files = files.into_iter().filter_map(|(key, file)| Some((key, file?)));
    tls.extend(files.map(|(key, file)| (key, Value::Text(file.display().to_string()))));
    let leaf = |value| Tree { value, at: traces.at };
    let tls = tls
        .into_iter()
        .map(|(key, value)| (Key { text: key.to_owned(), at: traces.at }, leaf(value)));
    Some(OwnTracesConfig {
        at: traces.at,
        protocol,
        endpoint,
        headers: headers.into_iter().map(|RawHeader { name, value }| (name, value)).collect(),
        encoding: matches!(compression, Some(RawCompression::Gzip)).then_some(Encoding::Gzip),
        tls: leaf(Value::Map(tls.collect())),
        timeout: Duration::from_millis(timeout.unwrap_or(10_000)),
        delay: Duration::from_millis(schedule_delay.unwrap_or(5_000)),
        ratio,
        max_per_second: raw.max_spans_per_second.unwrap_or(100),
        written: traces.clone(),
    })
}
