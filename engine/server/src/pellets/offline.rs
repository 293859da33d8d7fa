//! Collects a store whose Engine is not running.

use std::path::PathBuf;
use std::sync::Arc;

use nestr_events::EventError;
use nestr_pellets::{GcPlan, GcPolicy, Store};
use nestr_telemetry::names::span;

use super::gate::Gate;
use super::keeper::{Collecting, Keeper};
use crate::operations::Cancel;
use crate::options::Options;
use crate::problem::Problem;
use crate::service::open_log;

/// Why a store was not collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The record of the store cannot be opened; an Engine may have it.
    #[error(transparent)]
    Events(#[from] EventError),
    /// The folder of the store cannot be used.
    #[error("cannot use the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Removing failed on the way; what was removed until then is gone.
    #[error("{0}")]
    Failed(Problem),
}

/// Removes what `policy` does not let stay from the store of `options`, with its rows and events; or says
/// what would go; `cancel` ends it between two Pellets.
///
/// # Errors
/// [`CollectError`]; [`EventError::InUse`] where an Engine runs, which is then the one to ask.
pub async fn collect_offline(
    options: &Options,
    actor: &str,
    policy: &GcPolicy,
    dry_run: bool,
    cancel: &Cancel,
) -> Result<GcPlan, CollectError> {
    let (log, closer) = open_log(&options.state_dir, Arc::clone(&options.clock))?;
    let dir = &options.store_dir;
    let opened = Store::open(Arc::clone(&options.fs), dir);
    let store =
        Arc::new(opened.map_err(|source| CollectError::Folder { path: dir.clone(), source })?);
    let keeper = Keeper {
        log: &log,
        fs: &options.fs,
        store: &store,
        clock: options.clock.as_ref(),
        gate: &Gate::default(),
        instruments: options.telemetry.instruments(),
    };
    let asked = Collecting { dry_run, ..Collecting::of(actor, policy, cancel, &|_, _| ()) };
    let collected = keeper.collect(asked, &tracing::info_span!(span::PELLET_GC)).await;
    drop(log);
    closer.close().await;
    collected.map_err(CollectError::Failed)
}
