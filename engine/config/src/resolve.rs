//! From what was written to what is meant: defaults, types, ranges.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use url::Url;

use crate::yaml::{Entry, Value};
use crate::{
    Config, Described, Key, Log, LogFormat, LogLevel, Origin, Pellets, Perch, Problem, Server,
    Telemetry,
};

/// More threads than this are a typing error.
const MAX_THREADS: usize = 1024;

/// What relative and default paths are taken from.
pub(crate) struct Base<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) variables: &'a BTreeMap<String, String>,
}

/// Resolves the strongest entry of each key; `None` and problems where one is not usable.
pub(crate) fn resolve(
    entries: &BTreeMap<Key, Entry>,
    base: &Base<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Config> {
    let mut r = Resolver { entries, base, problems, described: Vec::new() };
    // Each key is resolved before any `?`, so that all problems are found at once.
    let listen = r.one(Key::ServerListen, address);
    let metrics_listen = r.one(Key::ServerMetricsListen, address);
    let allowed_hosts = r.many(Key::ServerAllowedHosts, |host, _| hostname(host));
    let roots = r.many(Key::Roots, |path, folder| absolute(path, folder, base));
    let state_dir = r.path(Key::StateDir, default_state_dir(base));
    let store_default = state_dir.as_ref().map(|dir| dir.join("pellets"));
    let store_dir = r.path(Key::PelletsStoreDir, store_default.ok_or(String::new()));
    let threads = r.one(Key::PelletsThreads, threads);
    let quota = r.one(Key::PelletsQuota, quota);
    let sign_key = r.optional_path(Key::PelletsSignKey);
    let trusted_keys = r.many(Key::PelletsTrustedKeys, |path, folder| absolute(path, folder, base));
    let verify_build = r.one(Key::PelletsVerifyBuild, switch);
    let enabled = r.one(Key::TelemetryEnabled, switch);
    let otlp_endpoint = r.one(Key::TelemetryOtlpEndpoint, base_url);
    let perch_url = r.one(Key::PerchUrl, base_url);
    let level = r.one(Key::LogLevel, level);
    let format = r.one(Key::LogFormat, format);
    let described = r.described;
    Some(Config {
        server: Server {
            listen: listen?,
            metrics_listen: metrics_listen?,
            allowed_hosts: allowed_hosts?,
        },
        roots: roots?,
        state_dir: state_dir?,
        pellets: Pellets {
            store_dir: store_dir?,
            threads: threads?,
            quota: quota?,
            sign_key: sign_key?,
            trusted_keys: trusted_keys?,
            verify_build: verify_build?,
        },
        telemetry: Telemetry { enabled: enabled?, otlp_endpoint: otlp_endpoint? },
        perch: Perch { url: perch_url? },
        log: Log { level: level?, format: format? },
        described,
    })
}

/// What a value should have been, for the reader of the error.
type Checked<T> = Result<T, String>;

struct Resolver<'a> {
    entries: &'a BTreeMap<Key, Entry>,
    base: &'a Base<'a>,
    problems: &'a mut Vec<Problem>,
    described: Vec<Described>,
}

impl Resolver<'_> {
    fn one<T>(&mut self, key: Key, check: impl Fn(&str) -> Checked<T>) -> Option<T> {
        let (text, origin) = match self.entries.get(&key) {
            Some(Entry { value: Value::One(text), origin, .. }) => (text.as_str(), origin.clone()),
            Some(Entry { origin, .. }) => {
                return self.refuse(key, origin, "holds a list", "give one value");
            }
            None => (key.default(), Origin::Default),
        };
        match check(text) {
            Ok(value) => {
                self.describe(key, text.to_owned(), origin);
                Some(value)
            }
            // What may be a password before an @ is not repeated.
            Err(wanted) if text.contains('@') => {
                self.refuse(key, &origin, "is not usable", &wanted)
            }
            Err(wanted) => self.refuse(key, &origin, &format!("is `{text}`"), &wanted),
        }
    }

    fn many<T>(&mut self, key: Key, check: impl Fn(&str, &Path) -> Checked<T>) -> Option<Vec<T>> {
        let (items, origin) = match self.entries.get(&key) {
            Some(Entry { value: Value::Many(items), origin, .. }) => {
                (items.clone(), origin.clone())
            }
            Some(Entry { value: Value::One(only), origin, .. }) => {
                (vec![only.clone()], origin.clone())
            }
            None => (Vec::new(), Origin::Default),
        };
        let folder = self.folder(&origin);
        let mut values = Vec::with_capacity(items.len());
        for item in &items {
            match check(item, &folder) {
                Ok(value) => values.push(value),
                Err(wanted) => {
                    return self.refuse(key, &origin, &format!("has `{item}`"), &wanted);
                }
            }
        }
        self.describe(key, items.join(","), origin);
        Some(values)
    }

    fn path(&mut self, key: Key, default: Checked<PathBuf>) -> Option<PathBuf> {
        let (path, origin) = match self.entries.get(&key) {
            Some(Entry { value: Value::One(text), origin, .. }) => {
                (absolute(text, &self.folder(origin), self.base), origin.clone())
            }
            Some(Entry { origin, .. }) => {
                return self.refuse(key, origin, "holds a list", "give one path");
            }
            None => (default, Origin::Default),
        };
        match path {
            Ok(path) => {
                self.describe(key, path.display().to_string(), origin);
                Some(path)
            }
            // A default that failed because of another key has been reported there.
            Err(wanted) if wanted.is_empty() => None,
            Err(wanted) => self.refuse(key, &origin, "is not usable", &wanted),
        }
    }

    /// A path that need not be given.
    fn optional_path(&mut self, key: Key) -> Option<Option<PathBuf>> {
        if self.entries.contains_key(&key) {
            return self.path(key, Err(String::new())).map(Some);
        }
        self.describe(key, String::new(), Origin::Default);
        Some(None)
    }

    /// Paths of a file are relative to it, others to where the command was called.
    fn folder(&self, origin: &Origin) -> PathBuf {
        match origin {
            Origin::File { path, .. } => {
                self.base.folder.join(path.parent().unwrap_or(Path::new("")))
            }
            _ => self.base.folder.to_owned(),
        }
    }

    fn refuse<T>(&mut self, key: Key, origin: &Origin, what: &str, wanted: &str) -> Option<T> {
        let what = format!("`{}` {what}", key.name());
        self.problems.push(Problem::new(origin, what).hint(wanted));
        None
    }

    fn describe(&mut self, key: Key, value: String, origin: Origin) {
        self.described.push(Described { key, value, origin });
    }
}

fn address(text: &str) -> Checked<SocketAddr> {
    text.parse().map_err(|_| "give an IP address and a port, such as 127.0.0.1:8080".into())
}

fn hostname(text: &str) -> Checked<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if text.is_empty() || !text.chars().all(fits) {
        return Err("give host names without scheme, port or wildcard".into());
    }
    Ok(text.to_ascii_lowercase())
}

fn absolute(text: &str, folder: &Path, base: &Base<'_>) -> Checked<PathBuf> {
    if text.is_empty() {
        return Err("give a path".into());
    }
    if text == "~" || text.starts_with("~/") {
        let home = base.variables.get("HOME").ok_or("HOME is not set, write the path out")?;
        return Ok(Path::new(home).join(text.trim_start_matches('~').trim_start_matches('/')));
    }
    Ok(folder.join(text))
}

fn default_state_dir(base: &Base<'_>) -> Checked<PathBuf> {
    let set = |name: &str| base.variables.get(name).filter(|v| v.starts_with('/')).map(Path::new);
    match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(state), _) => Ok(state.join("nestr")),
        (None, Some(home)) => Ok(home.join(".local/state/nestr")),
        (None, None) => Err("neither XDG_STATE_HOME nor HOME is set, give --state-dir".into()),
    }
}

/// A number of bytes; none without one.
fn quota(text: &str) -> Checked<Option<u64>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "give a whole number of bytes".to_owned())
}

fn threads(text: &str) -> Checked<NonZeroUsize> {
    if text.is_empty() {
        return Ok(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    }
    text.parse::<NonZeroUsize>()
        .ok()
        .filter(|n| n.get() <= MAX_THREADS)
        .ok_or_else(|| format!("give a whole number from 1 to {MAX_THREADS}"))
}

fn switch(text: &str) -> Checked<bool> {
    text.parse().map_err(|_| "give true or false".into())
}

fn base_url(text: &str) -> Checked<Url> {
    let url =
        Url::parse(text).map_err(|e| format!("give a URL such as http://127.0.0.1:4318, {e}"))?;
    if url.scheme() != "http" {
        return Err("only http is spoken; let a collector on this machine send on over TLS".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL carries no credentials".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("give the base alone, without query or fragment".into());
    }
    Ok(url)
}

fn level(text: &str) -> Checked<LogLevel> {
    [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace]
        .into_iter()
        .find(|level| level.as_str() == text)
        .ok_or_else(|| "give error, warn, info, debug or trace".into())
}

fn format(text: &str) -> Checked<LogFormat> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("give text or json".into()),
    }
}
