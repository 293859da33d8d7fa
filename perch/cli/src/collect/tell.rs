//! Says on standard output where everything listens.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::bail;
use collector_pipeline::graph::Running;
use serde_json::{Value, json};

/// Says where everything listens.
pub(super) fn tell(running: &Running, api: SocketAddr, json: bool) -> anyhow::Result<()> {
    let bound = running.bound();
    let find = |transport: &str| {
        let listener = bound.iter().find(|(_, b)| b.transport == transport);
        listener.map(|(_, b)| format!("http://{}", b.addr))
    };
    let config = running.config();
    let storage = match &config.storage {
        Some(_) => "disk",
        None if config.keeps_log => "memory",
        None => "off",
    };
    let text = if json {
        let all: Vec<Value> = bound
            .iter()
            .map(|(node, b)| json!({"node": node, "transport": b.transport, "addr": b.addr.to_string()}))
            .collect();
        let line = json!({
            "api": format!("http://{api}"),
            "otlp": {"grpc": find("grpc"), "http": find("http")},
            "listeners": all,
            "storage": storage,
        });
        format!("{line}\n")
    } else {
        let mut text = format!("perch API  http://{api}\n");
        for (node, b) in &bound {
            text.push_str(&format!("{node}  {}  {}\n", b.transport, b.addr));
        }
        text.push_str(match storage {
            "disk" if config.keeps_log => "traces and logs are kept on disk\n",
            "disk" => {
                "what waits is kept on disk, and nothing is found there: storage.search is false\n"
            }
            "memory" => {
                "traces and logs are kept in memory only: name a storage.directory to keep them\n"
            }
            _ => "traces and logs are not kept: storage.enabled is false\n",
        });
        text
    };
    if bound.is_empty() {
        bail!("no receiver listens: nothing could ever come in");
    }
    tracing::info!(%api, storage, "collecting");
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
