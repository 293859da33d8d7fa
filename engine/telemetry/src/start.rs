//! Start and end of telemetry.

use std::sync::mpsc;
use std::time::Duration;

use tracing::Dispatch;

use crate::export::{Export, Providers, providers};
use crate::resource::resource;
use crate::scrape::Scrape;
use crate::subscriber::{LogOptions, dispatch};
use crate::{Instruments, TelemetryError};

/// How telemetry is started.
#[derive(Debug, Clone)]
pub struct TelemetryOptions {
    /// `service.name`.
    pub service: String,
    /// `service.version`.
    pub version: String,
    /// Where signals go; `None` sends nothing.
    pub export: Option<Export>,
    /// Log records.
    pub log: LogOptions,
}

/// Running telemetry. What still waits is sent by [`Telemetry::shutdown`]; dropping it loses that.
#[derive(Debug)]
pub struct Telemetry {
    providers: Providers,
    registry: prometheus::Registry,
    instruments: Instruments,
}

impl Default for TelemetryOptions {
    fn default() -> Self {
        Self {
            service: "nestr".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            export: None,
            log: LogOptions::default(),
        }
    }
}

/// Starts telemetry for the whole process; once per process.
pub fn init(options: &TelemetryOptions) -> Result<Telemetry, TelemetryError> {
    let (telemetry, dispatch) = Telemetry::build(options)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::Twice)?;
    Ok(telemetry)
}

impl Telemetry {
    /// Builds telemetry and the `tracing` subscriber that feeds it, without installing that; for tests in one process.
    pub fn build(options: &TelemetryOptions) -> Result<(Self, Dispatch), TelemetryError> {
        let resource = resource(&options.service, &options.version)?;
        let registry = prometheus::Registry::new();
        let providers = providers(&resource, options.export.as_ref(), &registry)?;
        let dispatch = dispatch(&providers, &options.log);
        let instruments = Instruments::new(&providers.meters);
        Ok((Self { providers, registry, instruments }, dispatch))
    }

    /// The instruments.
    #[must_use]
    pub fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// What `/metrics` is served from.
    #[must_use]
    pub fn scrape(&self) -> Scrape {
        Scrape::new(self.registry.clone())
    }

    /// All metrics in Prometheus' text format 0.0.4.
    pub fn metrics_text(&self) -> Result<String, TelemetryError> {
        self.scrape().text()
    }

    /// Sends what waits, waiting no longer than `deadline`; returns whether all of it was delivered. Blocks.
    pub fn flush(&self, deadline: Duration) -> bool {
        let Providers { traces, meters, logs } = self.providers.clone();
        within(
            deadline,
            vec![
                Box::new(move || traces.force_flush().is_ok()),
                Box::new(move || meters.force_flush().is_ok()),
                Box::new(move || logs.force_flush().is_ok()),
            ],
        )
    }

    /// Sends what waits and ends the exporters, waiting no longer than `deadline`; returns whether all was delivered.
    ///
    /// Blocks; called after the async runtime has ended or from a blocking thread of it.
    pub fn shutdown(self, deadline: Duration) -> bool {
        let Providers { traces, meters, logs } = self.providers;
        within(
            deadline,
            vec![
                Box::new(move || traces.shutdown_with_timeout(deadline).is_ok()),
                Box::new(move || meters.shutdown_with_timeout(deadline).is_ok()),
                Box::new(move || logs.shutdown_with_timeout(deadline).is_ok()),
            ],
        )
    }
}

type Step = Box<dyn FnOnce() -> bool + Send>;

/// Runs the steps side by side; one that is late is left behind.
fn within(deadline: Duration, steps: Vec<Step>) -> bool {
    let started = std::time::Instant::now();
    let n_steps = steps.len();
    let (done, outcomes) = mpsc::channel();
    for step in steps {
        let done = done.clone();
        std::thread::spawn(move || done.send(step()));
    }
    (0..n_steps).all(|_| {
        let left = deadline.saturating_sub(started.elapsed());
        outcomes.recv_timeout(left).unwrap_or(false)
    })
}
