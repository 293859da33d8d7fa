//! The checkout: its root and the files that git knows.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The folder of the workspace manifest.
pub fn root() -> Result<PathBuf> {
    // Cargo says it when it runs us. What it said when we were built may be another checkout that shares the
    // build folder.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").context("run xtask through cargo")?;
    Ok(Path::new(&own).parent().context("xtask stands in no workspace")?.to_owned())
}

/// Tracked and new files beneath `root` that git does not ignore, relative to it and sorted.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let out = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    if !out.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&out.stderr));
    }
    let text = String::from_utf8(out.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<PathBuf> =
        text.split('\0').filter(|n| !n.is_empty()).map(PathBuf::from).collect();
    files.retain(|f| root.join(f).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// Prints findings and fails if there is one.
pub fn verdict(rule: &str, findings: &[String]) -> Result<()> {
    if findings.is_empty() {
        eprintln!("{rule}: ok");
        return Ok(());
    }
    for finding in findings {
        eprintln!("{rule}: {finding}");
    }
    bail!("{rule}: {} finding(s)", findings.len());
}

/// Whether git leaves `path`, as seen from `root`, out of the tree.
pub fn is_ignored(root: &Path, path: &str) -> bool {
    // A folder that is not there is told from a file by its slash.
    let folder = format!("{}/", path.trim_end_matches('/'));
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["check-ignore", "--quiet"]).arg(folder);
    git.status().is_ok_and(|status| status.success())
}
