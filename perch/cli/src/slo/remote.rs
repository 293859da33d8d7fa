//! A running Perch, asked over its API.

use anyhow::{Context, bail};
use http::StatusCode;
use perch_slo_tracker::{History, Status};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::Client;

/// Where the running Perch is.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Endpoint {
    /// The API of the running Perch
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8888",
        env = "PERCH_ENDPOINT"
    )]
    endpoint: String,
}

/// One running Perch.
pub(super) struct Remote {
    base: String,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Endpoint {
    pub(super) fn open(&self) -> anyhow::Result<Remote> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let base = self.endpoint.trim_end_matches('/').to_owned();
        Ok(Remote { base, client: Client::new(), runtime })
    }
}

impl Remote {
    /// All objectives, in short.
    pub(super) fn all(&self) -> anyhow::Result<Vec<Status>> {
        Ok(self.get("/api/slo")?.unwrap_or_default())
    }

    /// One objective with everything; none where it is not tracked.
    pub(super) fn one(&self, id: &str) -> anyhow::Result<Option<Status>> {
        self.get(&format!("/api/slo/{}", encoded(id)))
    }

    /// What is known of an objective's past.
    pub(super) fn history(&self, id: &str) -> anyhow::Result<Option<History>> {
        self.get(&format!("/api/slo/{}/history", encoded(id)))
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        let url = format!("{}{path}", self.base);
        let hint = "is Perch running there? name its API with --endpoint";
        let reply = self.runtime.block_on(self.client.get(&url, None)).context(hint)?;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => bail!("{url} answered {status}"),
        }
        let mut body: Value = serde_json::from_slice(&reply.body)
            .with_context(|| format!("{url} did not answer with JSON"))?;
        let data = body.get_mut("data").map(Value::take).unwrap_or_default();
        let read = serde_json::from_value(data);
        read.map(Some).with_context(|| format!("{url} answered with another form of objectives"))
    }
}

/// A name as a part of a path.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
