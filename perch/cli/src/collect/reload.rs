//! Puts a configuration in force that was read again.
//!
//! *Invariants*
//! 1. Whatever goes wrong, a configuration that was in force before is in force afterwards, or the process ends and says
//!    why.
//! 2. A configuration with faults, and one that says the same, touch nothing.
//! 3. What is equal goes on untouched: see [`collector_pipeline::graph::Running::reload`]. Only where logs move to another
//!    folder are all pipelines closed and opened again; the API and its counters go on.
//!
//! *Failure*: senders to what differs are refused, and told when to come back, for the moment it takes. What waits stays
//! in its log. Pipelines and exporters that left are emptied for as long as at the end of the process; what could not be
//! sent by then is told, and in memory dropped as `shutdown`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use collector_pipeline::config::Config;
use collector_pipeline::graph::{self, Plan, ReloadError};
use collector_telemetry::names::{attr, metric, span};
use collector_telemetry::{Counter, Metrics};

use super::account;
use super::instance::{DRAIN, Instance};
use crate::api::{Current, Reloaded};
use crate::check::{host, load};
use crate::registry::REGISTRY;

/// How long pipelines on disk get for the requests under way: what waits is sent by those that are opened next.
const ON_DISK: Duration = Duration::from_secs(1);

/// How long logs and ports of what failed to start may stay taken.
const LET_GO_WITHIN: Duration = Duration::from_secs(10);

/// The instance at work, and what its configuration is read from.
pub(super) struct Reloader {
    file: PathBuf,
    /// Absent only while one gives way to the next.
    instance: Option<Instance>,
    metrics: Metrics,
    current: Current,
    counted: Counter,
}

/// What became of a configuration that was read again.
enum Outcome {
    Unchanged,
    Applied(Vec<String>),
    Refused(String),
    Failed(String),
}

impl Reloader {
    pub(super) fn new(
        file: PathBuf,
        instance: Instance,
        metrics: Metrics,
        current: Current,
    ) -> anyhow::Result<Self> {
        let counted = metrics.counter(&metric::CONFIG_RELOAD)?;
        Ok(Self { file, instance: Some(instance), metrics, current, counted })
    }

    /// The instance at work.
    pub(super) fn into_instance(self) -> anyhow::Result<Instance> {
        self.instance.context("the collector is between two configurations")
    }

    /// Reads the file again; an error only where no configuration could be put in force any more.
    pub(super) async fn reload(&mut self) -> anyhow::Result<()> {
        let began =
            self.instance.as_ref().map(|i| i.running.own_traces().begin(span::CONFIG_RELOAD));
        let outcome = match self.read() {
            Ok(config) => self.put_in_force(config).await?,
            Err(faults) => Outcome::Refused(faults),
        };
        let (word, detail) = match &outcome {
            Outcome::Unchanged => ("unchanged", String::new()),
            Outcome::Applied(names) => ("applied", names.join(", ")),
            Outcome::Refused(faults) => ("refused", faults.clone()),
            Outcome::Failed(error) => ("failed", error.clone()),
        };
        self.counted.add(&[word], 1);
        if let Some(began) = began {
            let began = began.with(attr::OUTCOME, word);
            match &outcome {
                Outcome::Unchanged => began.end(),
                Outcome::Applied(_) => began.with(attr::PERCH_CHANGED, &detail).end(),
                // What is wrong may quote the file; it stands in the log, and leaves the machine with nobody.
                Outcome::Refused(_) | Outcome::Failed(_) => began.failed(word).end(),
            }
        }
        match &outcome {
            Outcome::Unchanged => tracing::info!("configuration read again, nothing differs"),
            Outcome::Applied(_) => tracing::info!(changed = detail, "configuration in force"),
            Outcome::Refused(_) => {
                for fault in detail.lines() {
                    tracing::error!(fault, "configuration refused, the one before stays in force");
                }
            }
            Outcome::Failed(_) => tracing::error!(
                error = detail,
                "configuration could not be put in force, the one before is in force again"
            ),
        }
        self.current.reloaded(Reloaded { outcome: word, detail });
        Ok(())
    }

    /// The configuration the file holds, checked as far as it can be without starting it.
    fn read(&self) -> Result<Config, String> {
        let config = load(&self.file).map_err(|e| format!("{e:#}"))?.map_err(|e| e.to_string())?;
        graph::check(&config, &REGISTRY, &host(Metrics::new())).map_err(|e| e.to_string())?;
        Ok(config)
    }

    async fn put_in_force(&mut self, config: Config) -> anyhow::Result<Outcome> {
        let Some(mut instance) = self.instance.take() else { return Ok(Outcome::Unchanged) };
        let plan = Plan::between(instance.running.config(), &config);
        for what in &plan.at_next_start {
            tracing::warn!(what, "takes effect with the next start");
        }
        if plan.is_same() {
            self.instance = Some(instance);
            return Ok(Outcome::Unchanged);
        }
        if plan.moves_storage {
            return self.restart(instance, config, &plan).await;
        }
        let outcome = match instance.reload(config, DRAIN).await {
            Ok(report) => {
                account::log(&report, &account::LEFT);
                Outcome::Applied(plan.names())
            }
            Err(ReloadError::RolledBack(error)) => Outcome::Failed(error.to_string()),
            Err(torn @ ReloadError::Torn { .. }) => return Err(torn.into()),
        };
        self.current.show(&instance.running, &instance.store, &instance.slo);
        self.instance = Some(instance);
        Ok(outcome)
    }

    /// Closes all pipelines and opens those of `config` in another folder; those of before if that fails.
    async fn restart(
        &mut self,
        instance: Instance,
        config: Config,
        plan: &Plan,
    ) -> anyhow::Result<Outcome> {
        let before = instance.running.config().clone();
        let deadline = if before.storage.is_some() { ON_DISK } else { DRAIN };
        account::log(&instance.close(deadline).await?, &account::LEFT);
        let (instance, outcome) = match Instance::open(config, &self.metrics).await {
            Ok(instance) => (instance, Outcome::Applied(plan.names())),
            Err(error) => {
                let again = open_again(before, &self.metrics).await;
                let again = again.with_context(|| {
                    format!("neither the new configuration nor the one before can be put in force: {error:#}")
                })?;
                (again, Outcome::Failed(format!("{error:#}")))
            }
        };
        self.current.show(&instance.running, &instance.store, &instance.slo);
        self.instance = Some(instance);
        Ok(outcome)
    }
}

/// Opens what was open before. What failed to start may still be letting go of its logs and ports.
async fn open_again(config: Config, metrics: &Metrics) -> anyhow::Result<Instance> {
    let give_up = tokio::time::Instant::now() + LET_GO_WITHIN;
    loop {
        match Instance::open(config.clone(), metrics).await {
            Err(error) if tokio::time::Instant::now() < give_up => {
                tracing::debug!(
                    error = format!("{error:#}"),
                    "cannot open yet what was open before"
                );
                tokio::time::sleep(LET_GO_WITHIN / 100).await;
            }
            opened => return opened,
        }
    }
}
