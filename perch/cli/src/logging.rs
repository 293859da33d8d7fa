//! Log lines and fatal errors go to standard error, so that standard output stays for results.

use std::io::Write;

use collector_telemetry::{LogFormat, start_logs};

/// Starts logging to standard error. `PERCH_LOG` is a `tracing` filter and goes before `level`;
/// `PERCH_LOG_FORMAT=json` gives one JSON object per line.
pub(crate) fn start(level: &str) {
    let chosen = std::env::var("PERCH_LOG");
    let json = std::env::var("PERCH_LOG_FORMAT").is_ok_and(|format| format == "json");
    let format = if json { LogFormat::Json } else { LogFormat::Text };
    start_logs(chosen.as_deref().unwrap_or(level), format);
}

/// Prints an error with its causes, one per line.
pub(crate) fn fatal(error: &anyhow::Error) {
    let mut text = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("  because {cause}\n"));
    }
    // Nobody is left to tell when standard error itself is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
