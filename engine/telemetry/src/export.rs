//! The three providers, with or without exporters.

use std::time::Duration;

use opentelemetry_otlp::{
    LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder as LogBatch, BatchLogProcessor, SdkLoggerProvider,
};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder as SpanBatch, BatchSpanProcessor, SdkTracerProvider,
};

use crate::client::WatchedClient;
use crate::error::TelemetryError;
use crate::stamp::Stamp;

/// One attempt to send may take this long.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Spans and log records that wait at most, each; beyond it new ones are lost.
const QUEUE: usize = 8192;
/// Spans or log records per request.
const BATCH: usize = 512;
/// How long a span or record waits for company. Short: somebody may be looking at the operation's trace.
const LINGER: Duration = Duration::from_millis(500);

/// Where signals go and how often.
#[derive(Debug, Clone)]
pub struct Export {
    /// Base of the OTLP paths, such as `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// Time between two exports of the metrics.
    pub metric_interval: Duration,
}

/// The SDK's providers.
#[derive(Debug, Clone)]
pub(crate) struct Providers {
    pub(crate) traces: SdkTracerProvider,
    pub(crate) meters: SdkMeterProvider,
    pub(crate) logs: SdkLoggerProvider,
}

impl Export {
    /// Export to `endpoint` with metrics every 10 s, what a person who looks at a panel is ready to wait.
    #[must_use]
    pub fn to(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), metric_interval: Duration::from_secs(10) }
    }
}

/// Builds the providers; without `export` they make ids and numbers and send nothing.
pub(crate) fn providers(
    resource: &Resource,
    export: Option<&Export>,
    registry: &prometheus::Registry,
) -> Result<Providers, TelemetryError> {
    // It would repeat a unit that the name ends with; `scrape` gives the families the catalogue's names.
    let scrape = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .without_units()
        .without_counter_suffixes()
        .build()
        .map_err(|e| TelemetryError::Metrics(e.to_string()))?;
    let mut traces = SdkTracerProvider::builder().with_resource(resource.clone());
    let mut meters =
        SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(scrape);
    let mut logs = SdkLoggerProvider::builder().with_resource(resource.clone());

    if let Some(export) = export {
        let exporters = Exporters::new(export).map_err(|cause| TelemetryError::Exporter {
            endpoint: export.endpoint.clone(),
            cause,
        })?;
        traces = traces.with_span_processor(
            BatchSpanProcessor::builder(exporters.spans)
                .with_batch_config(
                    SpanBatch::default()
                        .with_max_queue_size(QUEUE)
                        .with_max_export_batch_size(BATCH)
                        .with_scheduled_delay(LINGER)
                        .build(),
                )
                .build(),
        );
        meters = meters.with_reader(
            PeriodicReader::builder(exporters.metrics)
                .with_interval(export.metric_interval)
                .build(),
        );
        logs = logs.with_log_processor(Stamp).with_log_processor(
            BatchLogProcessor::builder(exporters.records)
                .with_batch_config(
                    LogBatch::default()
                        .with_max_queue_size(QUEUE)
                        .with_max_export_batch_size(BATCH)
                        .with_scheduled_delay(LINGER)
                        .build(),
                )
                .build(),
        );
    }
    Ok(Providers { traces: traces.build(), meters: meters.build(), logs: logs.build() })
}

struct Exporters {
    spans: SpanExporter,
    metrics: MetricExporter,
    records: LogExporter,
}

impl Exporters {
    fn new(export: &Export) -> Result<Self, String> {
        let client = WatchedClient::new(&export.endpoint, ATTEMPT)?;
        let base = export.endpoint.trim_end_matches('/');
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/traces"))
            .with_timeout(ATTEMPT)
            .build()
            .map_err(|e| e.to_string())?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/metrics"))
            .with_timeout(ATTEMPT)
            .with_temporality(Temporality::Cumulative)
            .build()
            .map_err(|e| e.to_string())?;
        let records = LogExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/logs"))
            .with_timeout(ATTEMPT)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self { spans, metrics, records })
    }
}
