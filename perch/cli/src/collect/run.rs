//! The command: starts, reads again, ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use collector_pipeline::config::Config;
use collector_pipeline::graph::DrainReport;
use collector_telemetry::Metrics;
use durable_fs::SystemClock;

use super::account;
use super::instance::{DRAIN, Instance};
use super::reload::Reloader;
use super::tell::tell;
use super::watch::Watched;
use crate::api::{Api, Current, Views};
use crate::check::load;
use crate::logging;
use crate::signals::{Signals, Wish};

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
    // From here on a change of the file is noticed, also one that comes while it is read.
    let watched = Watched::new(&args.config);
    let config = load(&args.config)??;
    logging::start(&config.log_level);
    for note in &config.notes {
        tracing::info!(at = %note.at, note = note.message, "configuration");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(collect(args, config, watched))?;
    account::log(&report, &account::STOPPED);
    Ok(ExitCode::SUCCESS)
}

async fn collect(
    args: &CollectArgs,
    config: Config,
    mut watched: Watched,
) -> anyhow::Result<DrainReport> {
    let mut signals = Signals::listen()?;
    let api = Api::bind(args.api_listen.unwrap_or(config.api.listen)).await?;
    let metrics = Metrics::new();
    let instance = Instance::open(config, &metrics).await?;
    let current = Current::new(Views {
        health: instance.running.health().clone(),
        ledger: instance.running.ledger().clone(),
        store: instance.store.clone(),
        slo: instance.slo.clone(),
        metrics: metrics.clone(),
        clock: Arc::new(SystemClock::new()),
        reloaded: None,
    });
    let serving = api.serve(current.clone());
    tell(&instance.running, serving.addr(), args.json)?;
    let mut reloader = Reloader::new(args.config.clone(), instance, &metrics, current)?;
    loop {
        let wish = tokio::select! {
            wish = signals.next() => wish,
            () = watched.changed() => Wish::Reload,
        };
        match wish {
            Wish::Stop => break,
            Wish::Reload => {
                watched.acknowledge();
                reloader.reload().await?;
            }
        }
    }
    serving.drain();
    let report = reloader.into_instance().close(DRAIN).await?;
    serving.stop().await;
    Ok(report)
}
