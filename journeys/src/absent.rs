//! Real servers that are not there: reported by test name, and a failure where they must be.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// The binary of a real server: in the backends' cache, else on PATH.
#[must_use]
pub fn backend(name: &str) -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cache")))?;
    let built = cache.join("nestr-perch/backends").join(name).join("bin").join(name);
    let candidates = [name.to_owned(), format!("prometheus-{name}")];
    let on_path = env::var_os("PATH").into_iter().flat_map(|path| {
        env::split_paths(&path)
            .flat_map(|dir| candidates.iter().map(move |c| dir.join(c)))
            .collect::<Vec<_>>()
    });
    std::iter::once(built).chain(on_path).find(|path| path.is_file())
}

/// Whether all the named servers are there; if not, says so under the test's name.
///
/// # Panics
/// When one is absent and `CI` is `true`: there the real servers are a promise.
#[must_use]
pub fn needs(test: &str, servers: &[&str]) -> bool {
    let absent: Vec<&str> =
        servers.iter().copied().filter(|name| backend(name).is_none()).collect();
    if absent.is_empty() {
        return true;
    }
    let reason = format!("{test}: {} not found; `make backends` builds it", absent.join(", "));
    assert!(env::var("CI").as_deref() != Ok("true"), "{reason}");
    eprintln!("not run: {reason}");
    if let Some(file) = env::var_os("NESTR_NOT_RUN") {
        let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
        writeln!(file, "{reason}").unwrap();
    }
    false
}
