//! From arguments and environment to a configuration and running telemetry.

use std::io::IsTerminal as _;
use std::net::TcpStream;
use std::time::Duration;

use nestr_config::{Config, Key, LogFormat, LogLevel, Origin, Sources};
use nestr_telemetry::{Export, Instruments, LogForm, LogOptions, Telemetry, TelemetryOptions};
use tracing::level_filters::LevelFilter;

use crate::args::ConfigArgs;
use crate::failure::{Exit, Failure};

const DEFAULT_FILE: &str = "nestr.yaml";
const PROFILE_VARIABLE: &str = "NESTR_PROFILE";
/// A collector on this machine answers at once; a command does not wait for one elsewhere.
const PROBE: Duration = Duration::from_millis(200);

/// Telemetry of a command that ends.
pub(crate) struct CommandTelemetry {
    telemetry: Telemetry,
    exported: bool,
}

/// Time that the telemetry of a finished command may take to leave.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);

impl CommandTelemetry {
    pub(crate) fn instruments(&self) -> &Instruments {
        self.telemetry.instruments()
    }

    /// Whether somebody has its traces.
    pub(crate) fn is_exported(&self) -> bool {
        self.exported
    }

    pub(crate) fn into_inner(self) -> Telemetry {
        self.telemetry
    }

    /// Sends what waits, of a failed command above all; a failure names its trace only where somebody has it.
    pub(crate) fn end(self, done: Result<(), Failure>) -> Result<(), Failure> {
        self.telemetry.shutdown(FLUSH);
        match self.exported {
            true => done,
            false => done.map_err(|failure| failure.in_trace(None)),
        }
    }
}

/// The layers that every command shares.
pub(crate) fn sources(args: &ConfigArgs) -> Result<Sources, Failure> {
    let folder = std::env::current_dir().map_err(|e| {
        Failure::new(
            Exit::NotFound,
            "folder-missing",
            format!("the current folder cannot be told: {e}"),
        )
        .hint("it was removed or replaced; cd \"$PWD\" leads into what stands there now")
    })?;
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    // Services and `env -i` have no HOME; the account has one all the same.
    let home = std::env::home_dir().filter(|_| std::env::var_os("HOME").is_none());
    let home =
        home.and_then(|home| Some(("HOME".to_owned(), home.into_os_string().into_string().ok()?)));
    let mut sources = Sources::new(&folder).variables(variables.chain(home));
    sources = match &args.config {
        Some(file) => sources.file(file),
        None => sources.file_if_there(folder.join(DEFAULT_FILE)),
    };
    if let Ok(profile) = std::env::var(PROFILE_VARIABLE) {
        sources = sources.profile(Some(profile));
    }
    if let Some(dir) = &args.state_dir {
        sources = sources.flag(Key::StateDir, "--state-dir", dir.display().to_string());
    }
    if let Some(endpoint) = &args.otlp_endpoint {
        sources = sources.flag(Key::TelemetryOtlpEndpoint, "--otlp-endpoint", endpoint);
    }
    Ok(sources)
}

/// The checked configuration.
pub(crate) fn load(sources: Sources) -> Result<Config, Failure> {
    sources.load().map_err(|e| {
        Failure::new(Exit::Usage, "config-invalid", e.to_string())
            .hint("each line says where the value stands; docs/reference/nestr-configuration.md lists all keys")
    })
}

/// Starts telemetry of a long-running server.
pub(crate) fn server_telemetry(config: &Config) -> Result<Telemetry, Failure> {
    let export =
        config.telemetry.enabled.then(|| Export::to(config.telemetry.otlp_endpoint.as_str()));
    start(config, export, level(config.log.level))
}

/// Starts telemetry of a command: it is exported only where somebody listens, and only warnings are shown unless asked.
pub(crate) fn command_telemetry(config: &Config) -> Result<CommandTelemetry, Failure> {
    let endpoint = &config.telemetry.otlp_endpoint;
    let listening = config.telemetry.enabled && is_listening(endpoint.socket_addrs(|| Some(4318)));
    let export = listening.then(|| Export::to(endpoint.as_str()));
    let asked = config.describe().iter().find(|value| value.key == Key::LogLevel);
    let log = match asked.map(|value| &value.origin) {
        None | Some(Origin::Default) => LevelFilter::WARN,
        Some(_) => level(config.log.level),
    };
    let telemetry = start(config, export, log)?;
    Ok(CommandTelemetry { telemetry, exported: listening })
}

fn is_listening(addresses: std::io::Result<Vec<std::net::SocketAddr>>) -> bool {
    addresses.is_ok_and(|found| {
        found.iter().any(|address| TcpStream::connect_timeout(address, PROBE).is_ok())
    })
}

fn start(
    config: &Config,
    export: Option<Export>,
    level: LevelFilter,
) -> Result<Telemetry, Failure> {
    let form = match config.log.format {
        LogFormat::Text => LogForm::Text,
        LogFormat::Json => LogForm::Json,
    };
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = LogOptions { level, form, colour };
    let options = TelemetryOptions { export, log, ..TelemetryOptions::default() };
    nestr_telemetry::init(&options).map_err(|e| Failure::of(&e))
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// The mtime of all entries, by the convention of reproducible builds.
pub(crate) fn source_date_epoch() -> Result<u64, Failure> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(0) };
    value.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "environment-invalid",
            "SOURCE_DATE_EPOCH is not a number of seconds since 1970",
        )
        .hint("unset it, or set it to a number")
    })
}
