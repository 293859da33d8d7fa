//! Settings of `loki`.

use std::collections::BTreeMap;

use collector_pipeline::config::{ByteSize, Finding, Interval, Tree};
use serde::Deserialize;

use collector_pipeline::node::settings::{RawAuth, RawTls};
use collector_pipeline::push::{RawTarget, Target, shards};

/// Settings as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    endpoint: Option<String>,
    timeout: Option<Interval>,
    headers: BTreeMap<String, String>,
    tls: Option<RawTls>,
    auth: Option<RawAuth>,
    max_request_bytes: Option<ByteSize>,
    max_line_bytes: Option<ByteSize>,
    shards: Option<usize>,
}

/// Settings as used.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) target: Target,
    pub(super) limits: Limits,
    /// Request streams at once; a stream of Loki is always in the same one. Default 1.
    pub(super) n_shards: usize,
}

/// Sizes, all in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// A push before compression. Default 1 MiB: Loki hands a push on over gRPC, whose messages are
    /// bounded to 4 MiB unless told otherwise.
    pub(super) max_request_bytes: usize,
    /// A line; a longer one is cut. Default 256 KiB, above which Loki refuses lines.
    pub(super) max_line_bytes: usize,
    /// Names and values of one record's metadata. 60 KiB, just beneath Loki's own bound of 64 kB.
    pub(super) max_metadata_bytes: usize,
    /// Pairs of one record's metadata. 120, just beneath Loki's own bound of 128.
    pub(super) max_metadata_pairs: usize,
}

/// A shorter line would hold little beside the mark that it was cut.
const MIN_LINE_BYTES: usize = 256;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request_bytes: 1024 * 1024,
            max_line_bytes: 256 * 1024,
            max_metadata_bytes: 60 * 1024,
            max_metadata_pairs: 120,
        }
    }
}

impl Raw {
    pub(super) fn resolve(self, settings: &Tree) -> Result<Config, Finding> {
        let Self { endpoint, timeout, headers, tls, auth, .. } = self;
        let target = RawTarget { endpoint, timeout, headers, tls, auth }
            .resolve(settings, "/loki/api/v1/push")?;
        let bytes = |size: Option<ByteSize>, default: usize| {
            size.map_or(default, |size| usize::try_from(size.0).unwrap_or(usize::MAX))
        };
        let default = Limits::default();
        let limits = Limits {
            max_request_bytes: bytes(self.max_request_bytes, default.max_request_bytes),
            max_line_bytes: bytes(self.max_line_bytes, default.max_line_bytes),
            ..default
        };
        if limits.max_line_bytes < MIN_LINE_BYTES {
            let at = settings.get("max_line_bytes").map_or(settings.at, |t| t.at);
            let message = format!("a line has room for {MIN_LINE_BYTES} bytes at least");
            return Err(Finding::new(at, message).within("max_line_bytes"));
        }
        Ok(Config { target, limits, n_shards: shards(self.shards, settings)? })
    }
}
