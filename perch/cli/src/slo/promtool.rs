//! The promtool that judges rules: where it is found and how it is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::up::{cache_dir, is_executable, on_path};

/// What promtool said of one file.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Whether all is well.
    pub(super) passed: bool,
    /// Its words.
    pub(super) said: String,
}

/// The promtool of the pinned build, of Debian's unpacked package, or on PATH; `PROMTOOL` goes first.
pub(super) fn find() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("PROMTOOL").map(PathBuf::from) {
        anyhow::ensure!(
            is_executable(&named),
            "PROMTOOL names {}, which is no program",
            named.display()
        );
        return Ok(named);
    }
    let built = cache_dir().into_iter().flat_map(|cache| {
        ["prometheus", "prometheus-debian"].map(|f| cache.join(f).join("bin/promtool"))
    });
    let found = { built }.find(|path| is_executable(path)).or_else(|| on_path("promtool"));
    found.context(
        "promtool is neither built nor on PATH; build it with `make backends ARGS=prometheus`, install \
         Prometheus, or name it in PROMTOOL",
    )
}

/// Runs promtool in a folder.
pub(super) fn call(promtool: &Path, folder: &Path, args: &[&str]) -> anyhow::Result<Verdict> {
    let out = Command::new(promtool)
        .args(args)
        .current_dir(folder)
        .output()
        .with_context(|| format!("cannot run {}", promtool.display()))?;
    let mut said = String::from_utf8_lossy(&out.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&out.stderr));
    Ok(Verdict { passed: out.status.success(), said })
}
