//! Where `tracing` goes: spans to OpenTelemetry, records to standard error and to OpenTelemetry.

use opentelemetry::trace::TracerProvider;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::export::Providers;

/// Libraries below our own HTTP and telemetry, whose records would feed on themselves.
const PLUMBING: &[&str] =
    &["h2", "hyper", "hyper_util", "mio", "opentelemetry", "reqwest", "tokio", "tower", "want"];

/// How records are written to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogForm {
    /// One line for a person.
    #[default]
    Text,
    /// One JSON object for a program.
    Json,
}

/// Log records of this process.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// The least severe record that is kept, here and in what is exported.
    pub level: LevelFilter,
    /// The form on standard error.
    pub form: LogForm,
    /// Whether text is coloured; the caller knows the terminal and NO_COLOR.
    pub colour: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { level: LevelFilter::INFO, form: LogForm::Text, colour: false }
    }
}

/// Builds the subscriber over `providers`.
pub(crate) fn dispatch(providers: &Providers, log: &LogOptions) -> Dispatch {
    // What the layer adds of its own accord is not in the catalogue, so it is switched off.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(providers.traces.tracer(env!("CARGO_PKG_NAME")))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_our_span));
    let level = log.level;
    let records = OpenTelemetryTracingBridge::new(&providers.logs)
        .with_filter(filter_fn(move |about| is_record(about, level)));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<_> + Send + Sync> = match log.form {
        LogForm::Text => Box::new(lines.with_ansi(log.colour)),
        LogForm::Json => Box::new(lines.json()),
    };
    let lines = lines.with_filter(filter_fn(move |about| {
        is_record(about, level) || (about.is_span() && is_our_span(about))
    }));
    Dispatch::new(Registry::default().with(spans).with(records).with(lines))
}

/// Spans are kept whatever the level of the log is.
fn is_our_span(about: &Metadata<'_>) -> bool {
    about.is_span() && *about.level() <= tracing::Level::INFO && !is_plumbing(about)
}

fn is_record(about: &Metadata<'_>, level: LevelFilter) -> bool {
    about.is_event() && *about.level() <= level && !is_plumbing(about)
}

fn is_plumbing(about: &Metadata<'_>) -> bool {
    let library = about.target().split("::").next().unwrap_or_default();
    PLUMBING.contains(&library) || library.starts_with("opentelemetry")
}
