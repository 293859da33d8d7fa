//! The flags that both halves share.

use std::time::Duration;

use clap::ValueEnum;
use collector_otlp::{Encoding, Signal};
use collector_pipeline::config::Interval;

/// The transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Protocol {
    Grpc,
    Http,
}

/// Compression on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    Traces,
    Metrics,
    Logs,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
        }
    }
}

impl Compression {
    pub(super) fn encoding(self) -> Option<Encoding> {
        match self {
            Self::None => None,
            Self::Gzip => Some(Encoding::Gzip),
            Self::Zstd => Some(Encoding::Zstd),
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.encoding().map_or("none", Encoding::token)
    }
}

impl Kind {
    pub(super) fn signal(self) -> Signal {
        match self {
            Self::Traces => Signal::Traces,
            Self::Metrics => Signal::Metrics,
            Self::Logs => Signal::Logs,
        }
    }
}

/// Reads `500ms`, `1m30s`, or a bare number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    Interval::parse(text)
        .map(|interval| interval.0)
        .or_else(seconds)
        .ok_or_else(|| "write it like 500ms, 10s or 1m30s".to_owned())
}

/// Reads an amount per second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "it must be a number above 0".to_owned())
}
