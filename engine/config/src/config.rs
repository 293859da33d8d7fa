//! The checked configuration.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use url::Url;

use crate::{Key, Origin};

/// A configuration whose every value has been checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `server`.
    pub server: Server,
    /// `roots`, absolute; whether they exist is seen when a tree is packed.
    pub roots: Vec<PathBuf>,
    /// `state_dir`, absolute.
    pub state_dir: PathBuf,
    /// `pellets`.
    pub pellets: Pellets,
    /// `telemetry`.
    pub telemetry: Telemetry,
    /// `perch`.
    pub perch: Perch,
    /// `log`.
    pub log: Log,
    pub(crate) described: Vec<Described>,
}

/// Listeners.
#[derive(Debug, Clone)]
pub struct Server {
    /// REST, WebSocket and the page.
    pub listen: SocketAddr,
    /// Metrics alone.
    pub metrics_listen: SocketAddr,
    /// Host names beside the loopback's, lower-case, without port.
    pub allowed_hosts: Vec<String>,
}

/// Packing.
#[derive(Debug, Clone)]
pub struct Pellets {
    /// Where Pellets lie, absolute.
    pub store_dir: PathBuf,
    /// Threads that compress one Pellet.
    pub threads: NonZeroUsize,
    /// Bytes that the archives of the store may take together.
    pub quota: Option<u64>,
    /// The private key that signs new Pellets, absolute.
    pub sign_key: Option<PathBuf>,
    /// Public keys of which one must have signed a Pellet that is brought back, absolute.
    pub trusted_keys: Vec<PathBuf>,
    /// Whether a restore may run the tools that a tree belongs to.
    pub verify_build: bool,
}

/// Telemetry of the Engine itself.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Whether anything is sent.
    pub enabled: bool,
    /// Base of the OTLP paths, plain HTTP.
    pub otlp_endpoint: Url,
}

/// The Perch that the Engine's page reads from.
#[derive(Debug, Clone)]
pub struct Perch {
    /// Base of its API.
    pub url: Url,
}

/// Log records on standard error.
#[derive(Debug, Clone)]
pub struct Log {
    /// The least severe record that is kept.
    pub level: LogLevel,
    /// How they are written.
    pub format: LogFormat,
}

/// Severity of log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The operation failed.
    Error,
    /// Something deserves a look.
    Warn,
    /// What an operator follows.
    Info,
    /// What a developer follows.
    Debug,
    /// Everything.
    Trace,
}

/// Form of log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for a person.
    Text,
    /// One JSON object for a program.
    Json,
}

/// A value as it stands, with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The key.
    pub key: Key,
    /// The value as text; the items of a list separated by commas.
    pub value: String,
    /// What set it.
    pub origin: Origin,
}

impl Config {
    /// Every value in the order of the reference.
    #[must_use]
    pub fn describe(&self) -> &[Described] {
        &self.described
    }
}

impl LogLevel {
    /// The name used in files and by `tracing`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
