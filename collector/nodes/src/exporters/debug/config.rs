//! Settings of `debug`.

use serde::Deserialize;

/// How much to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verbosity {
    /// One line per batch.
    #[default]
    Basic,
    /// One more per span, metric or log record.
    Normal,
    /// The same with attributes.
    Detailed,
}

/// Settings as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    verbosity: Verbosity,
    max_lines: Option<usize>,
}

/// Settings as used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) verbosity: Verbosity,
    /// Lines per batch beyond its first. Default 50: enough to see, too few to drown in.
    pub(super) max_lines: usize,
}

impl Raw {
    pub(super) fn resolve(self) -> Config {
        Config { verbosity: self.verbosity, max_lines: self.max_lines.unwrap_or(50) }
    }
}
