//! The sign-in token, made by the Engine's own command.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::process::Command;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
struct Created {
    token: String,
}

/// Asks `nestr token create` for a token that the Engine with this state folder accepts.
pub(super) async fn create(nestr: &Path, engine_state: &Path) -> anyhow::Result<String> {
    let command = Command::new(nestr)
        .args(["token", "create", "--json", "--state-dir"])
        .arg(engine_state)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(TIMEOUT, command)
        .await
        .context("`nestr token create` did not end in time")??;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`nestr token create` failed with {}: {}", output.status, said.trim());
    }
    let created: Created = serde_json::from_slice(&output.stdout)
        .context("`nestr token create --json` did not print a token")?;
    Ok(created.token)
}
