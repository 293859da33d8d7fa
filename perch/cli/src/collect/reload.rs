//! Puts a configuration in force that was read again.
//!
//! *Invariants*
//! 1. Whatever goes wrong, a configuration that was in force before is in force afterwards, or the process ends and says
//!    why.
//! 2. A configuration with faults, and one that says the same, touch nothing.
//! 3. What is equal goes on untouched: see [`collector_pipeline::graph::Running::reload`].
//!
//! *Failure*: senders to what differs are refused, and told when to come back, for the moment it takes. What waits stays
//! in its log. Pipelines and exporters that left are emptied for as long as at the end of the process; what could not be
//! sent by then is told, and in memory dropped as `shutdown`.

use std::path::PathBuf;

use collector_pipeline::config::Config;
use collector_pipeline::graph::{self, GraphError, Plan, ReloadError};
use collector_telemetry::names::{attr, metric, span};
use collector_telemetry::{Counter, Metrics};

use super::account;
use super::instance::{DRAIN, Instance};
use crate::api::{Current, Reloaded};
use crate::check::{host, load};
use crate::registry::REGISTRY;

/// The instance at work, and what its configuration is read from.
pub(super) struct Reloader {
    file: PathBuf,
    instance: Instance,
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
        metrics: &Metrics,
        current: Current,
    ) -> anyhow::Result<Self> {
        let counted = metrics.counter(&metric::CONFIG_RELOAD)?;
        Ok(Self { file, instance, current, counted })
    }

    /// The instance at work.
    pub(super) fn into_instance(self) -> Instance {
        self.instance
    }

    /// Reads the file again; an error only where no configuration could be put in force any more.
    pub(super) async fn reload(&mut self) -> anyhow::Result<()> {
        let began = self.instance.running.own_traces().begin(span::CONFIG_RELOAD);
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
        let began = began.with(attr::OUTCOME, word);
        match &outcome {
            Outcome::Unchanged => began.end(),
            Outcome::Applied(_) => began.with(attr::PERCH_CHANGED, &detail).end(),
            // What is wrong may quote the file; it stands in the log, and leaves the machine with nobody.
            Outcome::Refused(_) | Outcome::Failed(_) => began.failed(word).end(),
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
        let instance = &mut self.instance;
        let plan = Plan::between(instance.running.config(), &config);
        for what in &plan.at_next_start {
            tracing::warn!(what, "takes effect with the next start");
        }
        if plan.is_same() {
            return Ok(Outcome::Unchanged);
        }
        let outcome = match instance.reload(config, DRAIN).await {
            Ok(report) => {
                account::log(&report, &account::LEFT);
                Outcome::Applied(plan.names())
            }
            Err(ReloadError::RolledBack(GraphError::Config(faults))) => {
                Outcome::Refused(faults.to_string())
            }
            Err(ReloadError::RolledBack(error)) => Outcome::Failed(error.to_string()),
            Err(torn @ ReloadError::Torn { .. }) => return Err(torn.into()),
        };
        self.current.show(&instance.running, &instance.store, &instance.slo);
        Ok(outcome)
    }
}
