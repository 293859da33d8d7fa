//! Log lines and fatal errors go to standard error, so that standard output stays for results.

use std::io::Write;

use collector_telemetry::{LogFormat, start_logs};

/// Starts logging to standard error. `PERCH_LOG` is a `tracing` filter, `info` by default;
/// `PERCH_LOG_FORMAT=json` gives one JSON object per line.
pub(crate) fn start() {
    let level = std::env::var("PERCH_LOG").unwrap_or_else(|_| "info".to_owned());
    let json = std::env::var("PERCH_LOG_FORMAT").is_ok_and(|format| format == "json");
    start_logs(&level, if json { LogFormat::Json } else { LogFormat::Text });
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
