//! Packs a folder the way any client does: asks, then follows the operation to its end.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::{Client, Reply};

const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// A Pellet and the trace of its packing.
#[derive(Debug, Serialize)]
pub(in crate::up) struct Packed {
    /// The operation's id.
    pub(in crate::up) operation: String,
    /// The Pellet's digest.
    pub(in crate::up) digest: String,
    /// The trace of the operation.
    pub(in crate::up) trace_id: String,
}

/// The fields of an operation that matter here.
#[derive(Debug, Deserialize)]
struct Operation {
    id: String,
    state: String,
    trace_id: Option<String>,
    result: Option<Outcome>,
    error: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    digest: String,
}

#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: Option<String>,
}

/// Has the Engine at `base` pack `path` and waits for the Pellet.
pub(in crate::up) async fn pack(
    client: &Client,
    base: &str,
    token: &str,
    path: &Path,
) -> anyhow::Result<Packed> {
    let body = json!({"path": path, "name": "webshop"});
    let reply = client.post(&format!("{base}/api/pellets/compress"), token, &body).await?;
    let mut operation = read(&reply)?;
    let url = format!("{base}/api/operations/{}", operation.id);
    let deadline = Instant::now() + TIMEOUT;
    while operation.state == "running" {
        if Instant::now() >= deadline {
            bail!("operation {} is still running after {} s", operation.id, TIMEOUT.as_secs());
        }
        tokio::time::sleep(POLL).await;
        operation = read(&client.get(&url, Some(token)).await?)?;
    }
    match operation {
        Operation { id, state, trace_id, result: Some(done), .. } if state == "succeeded" => {
            let trace_id = trace_id.unwrap_or_default();
            Ok(Packed { operation: id, digest: done.digest, trace_id })
        }
        Operation { state, error, .. } => bail!("it {state}: {}", error.unwrap_or_default()),
    }
}

fn read(reply: &Reply) -> anyhow::Result<Operation> {
    if !reply.status.is_success() {
        let problem: Problem = serde_json::from_slice(&reply.body).unwrap_or_default();
        bail!("the Engine answered {}: {problem}", reply.status);
    }
    serde_json::from_slice(&reply.body).context("the Engine's answer is not an operation")
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(&self.title))
    }
}
