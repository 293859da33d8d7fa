//! The servers that take what the collector sends: where they are found and how each is started.
//!
//! Each server has a file that turns addresses and a folder into a [`Component`], without I/O.
//!
//! # Invariants
//! 1. Every listener of every server is on loopback: the one it is started for on its own port, the
//!    rest off or on port 0.

mod alertmanager;
mod grafana;
mod jaeger;
mod loki;
mod prometheus;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::options::{Listeners, is_executable, on_path};
use super::state_dir::StateDir;
use super::supervisor::Component;

/// How long a server may take to become ready; Loki on a busy machine is the slowest.
const READY_WITHIN: Duration = Duration::from_secs(90);
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The servers we can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Alertmanager,
    Prometheus,
    Jaeger,
    Loki,
    Grafana,
}

/// Which servers were found, and which not.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Servers with their binaries, in the order they are started.
    pub(super) present: Vec<(Kind, PathBuf)>,
    /// Servers without.
    pub(super) missing: Vec<Kind>,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::Alertmanager, Self::Prometheus, Self::Jaeger, Self::Loki, Self::Grafana];

    /// The name in the cache, in the table and in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Prometheus => "prometheus",
            Self::Jaeger => "jaeger",
            Self::Loki => "loki",
            Self::Grafana => "grafana",
        }
    }

    /// Whether `make backends` can build it.
    pub(super) fn buildable(self) -> bool {
        self != Self::Grafana
    }

    /// The names it may bear on PATH; Debian prefixes Alertmanager's.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Alertmanager => &["alertmanager", "prometheus-alertmanager"],
            Self::Prometheus => &["prometheus"],
            Self::Jaeger => &["jaeger", "jaeger-all-in-one"],
            Self::Loki => &["loki"],
            Self::Grafana => &["grafana"],
        }
    }

    fn find(self, cache: &Path) -> Option<PathBuf> {
        // `NAME` is the link to the build obtained last, `NAME-debian` the unpacked package.
        let built = [self.name().to_owned(), format!("{}-debian", self.name())]
            .into_iter()
            .map(|folder| cache.join(folder).join("bin").join(self.name()))
            .find(|path| is_executable(path));
        built.or_else(|| self.programs().iter().find_map(|name| on_path(name)))
    }
}

impl Found {
    /// Looks in the cache, then on PATH.
    pub(super) fn search(cache: &Path) -> Self {
        let mut found = Self::default();
        for kind in Kind::ALL {
            match kind.find(cache) {
                Some(path) => found.present.push((kind, path)),
                None => found.missing.push(kind),
            }
        }
        found
    }

    /// Whether the server was found.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.present.iter().any(|(k, _)| *k == kind)
    }
}

/// What the servers need to know of each other and of us.
#[derive(Debug)]
pub(super) struct Site<'a> {
    /// All addresses, claimed.
    pub(super) listen: &'a Listeners,
    /// Where servers keep their files.
    pub(super) state: &'a StateDir,
    /// Which servers run.
    pub(super) found: &'a Found,
}

impl Site<'_> {
    /// The component that runs `binary` as this kind of server.
    pub(super) fn component(&self, kind: Kind, binary: &Path) -> std::io::Result<Component> {
        let (listener, parts) = match kind {
            Kind::Alertmanager => (&self.listen.alertmanager, alertmanager::plan(self)),
            Kind::Prometheus => (&self.listen.prometheus, prometheus::plan(self)),
            Kind::Jaeger => (&self.listen.jaeger, jaeger::plan(self)),
            Kind::Loki => (&self.listen.loki, loki::plan(self)),
            Kind::Grafana => (&self.listen.grafana, grafana::plan(self, binary)),
        };
        Ok(Component {
            name: kind.name(),
            address: listener.url(),
            required: false,
            program: super::process::Program {
                path: binary.to_owned(),
                args: parts.args,
                env: parts.env,
                log: self.state.fresh_log(kind.name())?,
            },
            ready_url: format!("{}{}", listener.url(), parts.ready_path),
            ready_within: READY_WITHIN,
            stop_within: STOP_WITHIN,
            files: parts.files,
        })
    }

    /// A file or folder of the server's own.
    fn own(&self, kind: Kind, name: &str) -> PathBuf {
        self.state.at(&format!("backends/{}/{name}", kind.name()))
    }
}

/// What differs from server to server.
#[derive(Debug, Default)]
struct Parts {
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
    files: Vec<(PathBuf, String)>,
    ready_path: &'static str,
}

/// A path as text inside a generated file or flag.
fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
