//! Flags of `perch up` as typed, and what they resolve to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::listeners::Listener;

/// Flags of `perch up`. An address with port 0 picks a free one, which is printed.
#[derive(Debug, clap::Args)]
pub(crate) struct UpArgs {
    /// Pack a sample tree, so that the page is not empty
    #[arg(long)]
    demo: bool,
    /// A folder beneath which the Engine may pack, beside the current one; may be repeated
    #[arg(long = "root", value_name = "DIR")]
    roots: Vec<PathBuf>,
    /// Where state lies: DIR/nestr and DIR/perch [default: $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR", env = "PERCH_UP_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// Start no servers beside the Engine and the collector
    #[arg(long)]
    no_backends: bool,
    /// Where built servers lie [default: $XDG_CACHE_HOME/nestr-perch/backends]
    #[arg(long, value_name = "DIR", env = "PERCH_UP_BACKENDS_DIR")]
    backends_dir: Option<PathBuf>,
    /// Print one line of JSON when ready, instead of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    addresses: Addresses,
}

/// One flag per listener of every process.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Addresses")]
pub(crate) struct Addresses {
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_ENGINE_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    engine_listen: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_ENGINE_METRICS_LISTEN",
        default_value = "127.0.0.1:9090"
    )]
    engine_metrics_listen: SocketAddr,
    #[arg(long, value_name = "ADDR", env = "PERCH_UP_OTLP_GRPC", default_value = "127.0.0.1:4317")]
    otlp_grpc: SocketAddr,
    #[arg(long, value_name = "ADDR", env = "PERCH_UP_OTLP_HTTP", default_value = "127.0.0.1:4318")]
    otlp_http: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_API_LISTEN",
        default_value = "127.0.0.1:8888"
    )]
    api_listen: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_PROMETHEUS_LISTEN",
        default_value = "127.0.0.1:9091"
    )]
    prometheus_listen: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_ALERTMANAGER_LISTEN",
        default_value = "127.0.0.1:9093"
    )]
    alertmanager_listen: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_LOKI_LISTEN",
        default_value = "127.0.0.1:3100"
    )]
    loki_listen: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_JAEGER_LISTEN",
        default_value = "127.0.0.1:16686"
    )]
    jaeger_listen: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_JAEGER_OTLP_GRPC",
        default_value = "127.0.0.1:14317"
    )]
    jaeger_otlp_grpc: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_JAEGER_OTLP_HTTP",
        default_value = "127.0.0.1:14318"
    )]
    jaeger_otlp_http: SocketAddr,
    #[arg(
        long,
        value_name = "ADDR",
        env = "PERCH_UP_GRAFANA_LISTEN",
        default_value = "127.0.0.1:3000"
    )]
    grafana_listen: SocketAddr,
}

/// What `perch up` is to do, every path absolute.
#[derive(Debug)]
pub(super) struct Options {
    /// Whether a sample tree is packed.
    pub(super) demo: bool,
    /// Whether the result is one line of JSON.
    pub(super) json: bool,
    /// Folders the Engine may pack beneath, without the demo's.
    pub(super) roots: Vec<PathBuf>,
    /// The Engine's state folder.
    pub(super) engine_state: PathBuf,
    /// Our own state folder.
    pub(super) perch_state: PathBuf,
    /// The Engine's binary.
    pub(super) nestr: PathBuf,
    /// Where built servers lie; none starts no servers.
    pub(super) backends_dir: Option<PathBuf>,
    /// Every listener.
    pub(super) listen: Listeners,
}

/// The listeners by what they serve.
#[derive(Debug, Clone)]
pub(super) struct Listeners {
    pub(super) engine: Listener,
    pub(super) engine_metrics: Listener,
    pub(super) otlp_grpc: Listener,
    pub(super) otlp_http: Listener,
    pub(super) api: Listener,
    pub(super) prometheus: Listener,
    pub(super) alertmanager: Listener,
    pub(super) loki: Listener,
    pub(super) jaeger: Listener,
    pub(super) jaeger_otlp_grpc: Listener,
    pub(super) jaeger_otlp_http: Listener,
    pub(super) grafana: Listener,
}

impl UpArgs {
    /// Finds folders and binaries; errors name what is missing and the flag that helps.
    pub(super) fn resolve(self) -> anyhow::Result<Options> {
        let state = match self.state_dir {
            Some(dir) => std::path::absolute(dir)?,
            None => base_dir("XDG_STATE_HOME", ".local/state")
                .context("no home folder is known; name a folder with --state-dir")?,
        };
        let backends_dir =
            if self.no_backends { None } else { self.backends_dir.or_else(cache_dir) };
        let mut roots = vec![std::env::current_dir().context("the current folder is gone")?];
        for root in self.roots {
            let found = root.canonicalize();
            roots.push(found.with_context(|| format!("--root {} is not there", root.display()))?);
        }
        Ok(Options {
            demo: self.demo,
            json: self.json,
            roots,
            engine_state: state.join("nestr"),
            perch_state: state.join("perch"),
            nestr: find_nestr()?,
            backends_dir,
            listen: self.addresses.into(),
        })
    }
}

impl From<Addresses> for Listeners {
    fn from(a: Addresses) -> Self {
        let l = Listener::new;
        Self {
            engine: l("engine", "--engine-listen", a.engine_listen),
            engine_metrics: l("engine metrics", "--engine-metrics-listen", a.engine_metrics_listen),
            otlp_grpc: l("OTLP gRPC", "--otlp-grpc", a.otlp_grpc),
            otlp_http: l("OTLP HTTP", "--otlp-http", a.otlp_http),
            api: l("perch API", "--api-listen", a.api_listen),
            prometheus: l("prometheus", "--prometheus-listen", a.prometheus_listen),
            alertmanager: l("alertmanager", "--alertmanager-listen", a.alertmanager_listen),
            loki: l("loki", "--loki-listen", a.loki_listen),
            jaeger: l("jaeger", "--jaeger-listen", a.jaeger_listen),
            jaeger_otlp_grpc: l("jaeger OTLP gRPC", "--jaeger-otlp-grpc", a.jaeger_otlp_grpc),
            jaeger_otlp_http: l("jaeger OTLP HTTP", "--jaeger-otlp-http", a.jaeger_otlp_http),
            grafana: l("grafana", "--grafana-listen", a.grafana_listen),
        }
    }
}

/// The Engine's binary: `NESTR_BIN`, else beside this program, else on PATH.
fn find_nestr() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("NESTR_BIN").map(PathBuf::from) {
        if is_executable(&path) {
            return Ok(path);
        }
        bail!("NESTR_BIN names {}, which is no program", path.display());
    }
    let beside = std::env::current_exe()?.with_file_name("nestr");
    if is_executable(&beside) {
        return Ok(beside);
    }
    on_path("nestr").with_context(|| {
        format!(
            "the Engine's program `nestr` is neither at {} nor on PATH; build it with \
             `cargo build -p nestr-cli` or name it in NESTR_BIN",
            beside.display()
        )
    })
}

/// The first program of that name on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| is_executable(path))
}

/// Whether `path` is a file that somebody may run.
pub(crate) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Where the servers that were built lie.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    base_dir("XDG_CACHE_HOME", ".cache").map(|dir| dir.join("nestr-perch/backends"))
}

fn base_dir(variable: &str, beneath_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.is_absolute());
    set.or_else(|| std::env::home_dir().map(|home| home.join(beneath_home)))
}
