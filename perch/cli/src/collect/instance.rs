//! A graph at work with the local store behind it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use collector_pipeline::config::Config;
use collector_pipeline::graph::{DrainReport, Graph, PipelineLog, ReloadError, Running};
use collector_pipeline::node::Observer;
use collector_telemetry::Metrics;
use collector_telemetry::names::metric;
use durable_fs::{DiskFs, SystemClock};
use perch_slo_tracker::{Tracker, View};
use perch_store::{Followers, Source, Store, StoreOptions};
use tokio::runtime::Handle;

use crate::check::host;
use crate::registry::REGISTRY;

/// How long what waits may be sent at the end; `perch up` and Kubernetes wait longer than this.
pub(super) const DRAIN: Duration = Duration::from_secs(10);

/// What a configuration became.
pub(super) struct Instance {
    pub(super) running: Running,
    pub(super) store: Store,
    /// What the SLO trackers know.
    pub(super) slo: Vec<View>,
    /// Absent only while they give way to others.
    followers: Option<Followers>,
    metrics: Metrics,
}

impl Instance {
    /// Opens the logs and all listeners; on a failure nothing is left running.
    pub(super) async fn open(config: Config, metrics: &Metrics) -> anyhow::Result<Self> {
        let graph = Graph::build(&config, &REGISTRY, host(metrics.clone()))?;
        let running = graph.start().await?;
        let (store, followers) = follow(&running, metrics)?;
        let followers = Some(followers);
        let slo = trackers(&running);
        perch_slo_tracker::publish(metrics, &slo)?;
        Ok(Self { running, store, slo, followers, metrics: metrics.clone() })
    }

    /// Puts `config` in force in the same storage folder; what leaves may take until `within` to be emptied.
    pub(super) async fn reload(
        &mut self,
        config: Config,
        within: Duration,
    ) -> Result<DrainReport, ReloadError> {
        let before = self.running.logs();
        let report = self.running.reload(config, within).await;
        self.slo = trackers(&self.running);
        if let Err(error) = perch_slo_tracker::publish(&self.metrics, &self.slo) {
            tracing::error!(%error, "the metrics of objectives are not those of the trackers now");
        }
        let now = self.running.logs();
        let is_same = |(a, b): (&PipelineLog, &PipelineLog)| a.reader.is_of(&b.reader);
        if before.len() == now.len() && before.iter().zip(&now).all(is_same) {
            return report;
        }
        // One follower at a time writes the indexes of a log.
        let before = self.followers.take();
        let _ = tokio::task::spawn_blocking(move || before.map(Followers::stop)).await;
        match follow(&self.running, &self.metrics) {
            Ok((store, followers)) => (self.store, self.followers) = (store, Some(followers)),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the local store does not follow the logs as they are now");
            }
        }
        report
    }

    /// Ends everything; what waits is sent until `deadline`.
    pub(super) async fn close(self, deadline: Duration) -> anyhow::Result<DrainReport> {
        let Self { running, followers, .. } = self;
        let report = running.shutdown(deadline).await;
        tokio::task::spawn_blocking(move || followers.map(Followers::stop))
            .await
            .context("the local store's threads could not be stopped")?;
        Ok(report)
    }
}

/// What the SLO trackers of a graph know, each once.
fn trackers(running: &Running) -> Vec<View> {
    let mut known: Vec<&Arc<dyn Observer>> = Vec::new();
    for observer in running.observers() {
        if !known.iter().any(|k| Arc::ptr_eq(k, observer)) {
            known.push(observer);
        }
    }
    let view = |observer: &Arc<dyn Observer>| {
        let any: &dyn Any = observer.as_ref();
        any.downcast_ref::<Tracker>().map(|tracker| tracker.view().clone())
    };
    known.into_iter().filter_map(view).collect()
}

/// The local store over the logs of all trace and log pipelines.
fn follow(running: &Running, metrics: &Metrics) -> anyhow::Result<(Store, Followers)> {
    let sources = running.logs().into_iter().map(|log| Source {
        pipeline: log.pipeline.to_string(),
        signal: log.pipeline.signal,
        reader: log.reader,
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
