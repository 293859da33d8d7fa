//! `perch collect`: the collector with its local store and API, in one process.
//!
//! # Failure
//! On a signal receivers refuse, exporters drain for [`DRAIN`] and what is left is counted and told: on
//! disk it waits for the next start, in memory it is lost.
//! The API answers until the end, and is not ready from the signal on.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use collector_nodes::REGISTRY;
use collector_pipeline::config::Config;
use collector_pipeline::graph::{DrainReport, Graph, Running};
use collector_pipeline::log::Storage;
use collector_telemetry::Metrics;
use collector_telemetry::names::metric;
use durable_fs::{DiskFs, SystemClock};
use perch_store::{Followers, Source, Store, StoreOptions};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::api::{Api, Views};
use crate::check::{host, load};
use crate::logging;
use crate::signals::Signals;

/// How long exporters may drain at the end; `perch up` and Kubernetes wait longer than this.
const DRAIN: Duration = Duration::from_secs(10);

/// `perch collect`
#[derive(Debug, clap::Args)]
pub(crate) struct CollectArgs {
    /// The configuration file, in the OpenTelemetry Collector's shape
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where the API listens, instead of `api.listen` in the file
    #[arg(long, value_name = "ADDR", env = "PERCH_API_LISTEN")]
    api_listen: Option<SocketAddr>,
    /// Print one line of JSON with all addresses when ready
    #[arg(long)]
    json: bool,
}

/// Runs until a signal.
pub(crate) fn run(args: &CollectArgs) -> anyhow::Result<ExitCode> {
    let mut config = load(&args.config)??;
    if let Some(listen) = args.api_listen {
        config.api.listen = listen;
    }
    logging::start(&config.log_level);
    for note in &config.notes {
        tracing::info!(at = %note.at, note = note.message, "configuration");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(collect(&config, args.json))?;
    if report.n_dropped > 0 {
        tracing::warn!(n_dropped = report.n_dropped, "items were still waiting and are lost");
    }
    for (exporter, n_items) in &report.kept {
        tracing::info!(exporter, n_items, "items wait on disk for the next start");
    }
    for line in report.to_string().lines() {
        tracing::info!(account = line, "stopped");
    }
    Ok(ExitCode::SUCCESS)
}

async fn collect(config: &Config, json: bool) -> anyhow::Result<DrainReport> {
    let mut signals = Signals::listen()?;
    let api = Api::bind(config.api.listen).await?;
    let metrics = Metrics::new();
    let graph = Graph::build(config, &REGISTRY, host(metrics.clone()))?;
    let running = graph.start().await?;
    let (store, followers) = follow(&running, &metrics)?;

    let views = Views {
        health: running.health().clone(),
        ledger: running.ledger().clone(),
        store: store.clone(),
        metrics,
        clock: Arc::new(SystemClock::new()),
    };
    let serving = api.serve(views);
    tell(&running, serving.addr(), store.storage(), json)?;
    signals.next().await;

    serving.drain();
    let report = running.shutdown(DRAIN).await;
    tokio::task::spawn_blocking(move || followers.stop())
        .await
        .context("the local store's threads could not be stopped")?;
    serving.stop().await;
    Ok(report)
}

/// The local store over the logs of all trace and log pipelines.
fn follow(running: &Running, metrics: &Metrics) -> anyhow::Result<(Store, Followers)> {
    let sources = running.logs().iter().map(|log| Source {
        pipeline: log.pipeline.to_string(),
        signal: log.pipeline.signal,
        reader: log.reader.clone(),
    });
    let options = StoreOptions::new(Arc::new(DiskFs), Arc::new(SystemClock::new()));
    let (store, followers) = Store::start(sources.collect(), options, &Handle::current())?;
    let gauge = |read: fn(&Store) -> u64| {
        let store = store.clone();
        // Prometheus' numbers are doubles; byte counts stay far below the 2^53 they hold exactly.
        #[allow(clippy::cast_precision_loss)]
        move || vec![(Vec::new(), read(&store) as f64)]
    };
    metrics.observe(&metric::STORE_LAG, gauge(Store::n_lag_bytes))?;
    metrics.observe(&metric::STORE_MISSED, gauge(Store::n_missed))?;
    Ok((store, followers))
}

/// Says where everything listens.
fn tell(running: &Running, api: SocketAddr, storage: Storage, json: bool) -> anyhow::Result<()> {
    let bound = running.bound();
    let find = |transport: &str| {
        let listener = bound.iter().find(|(_, b)| b.transport == transport);
        listener.map(|(_, b)| format!("http://{}", b.addr))
    };
    let storage = match storage {
        Storage::Disk => "disk",
        Storage::Memory => "memory",
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
            "disk" => "traces and logs are kept on disk\n",
            _ => "traces and logs are kept in memory only: name a storage.directory to keep them\n",
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
