//! Log lines go to standard error, so that standard output stays for results.

use collector_telemetry::{LogFormat, start_logs};

/// Starts logging to standard error. `PERCH_LOG` is a `tracing` filter and goes before `level`;
/// `PERCH_LOG_FORMAT=json` gives one JSON object per line.
pub(crate) fn start(level: &str) {
    let chosen = std::env::var("PERCH_LOG");
    let json = std::env::var("PERCH_LOG_FORMAT").is_ok_and(|format| format == "json");
    let format = if json { LogFormat::Json } else { LogFormat::Text };
    start_logs(chosen.as_deref().unwrap_or(level), format);
}
