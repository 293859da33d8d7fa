//! What the start of the Engine does about packings that the end of the process cut short.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use durable_fs::Fs;
use nestr_events::{EventError, EventLog, EventType, NewEvent};
use nestr_pellets::{Digest, Removed, RemovedWhy, Store};
use nestr_telemetry::Instruments;
use nestr_telemetry::names::{self, Outcome, attr};
use serde_json::{Value, json};

use super::rows;
use crate::operations::rows::Orphan;
use crate::operations::{self, OperationKind};
use crate::problem::{Code, Problem};

/// The Engine as the cause of an event.
const ACTOR: &str = "nestr";

/// Removes what interrupted packings left in the store, and ends their operations; says so in log and events.
///
/// Runs before any job; the store is then exactly what the database records.
pub(crate) async fn recover(
    log: &EventLog,
    fs: &Arc<dyn Fs>,
    store: &Arc<Store>,
    instruments: &Instruments,
) -> Result<(), EventError> {
    let (known, orphans) =
        log.read(|conn| Ok((rows::digests(conn)?, operations::rows::orphans(conn)?))).await?;
    let removed = clean(store, known).await?;
    for remains in &removed {
        tracing::warn!(
            { attr::NESTR_REMAINS_PATH } = %remains.path.display(),
            why = remains.why.as_str(),
            "removed what an interrupted packing left behind"
        );
    }
    let remains: Vec<_> = removed
        .iter()
        .map(|r| json!({"path": r.path.display().to_string(), "why": r.why.as_str()}))
        .collect();
    if orphans.is_empty() && !removed.is_empty() {
        let problem = Problem::new(Code::Interrupted, "an earlier packing left files behind");
        let data = json!({"problem": problem, "removed": remains});
        let event = NewEvent::new(EventType::PelletFailed, "pellets", ACTOR, data);
        log.commit(move |tx| tx.publish(event)).await?;
        instruments.event_published(names::EventType::PelletFailed);
    }
    for orphan in orphans {
        let mut remains = remains.clone();
        if orphan.kind == OperationKind::PelletRestore {
            remains.extend(sweep(fs, &orphan.source).await);
        }
        let kind = orphan.kind;
        end(log, orphan, remains).await?;
        let (interrupted, no_time) = (Outcome::Interrupted, std::time::Duration::ZERO);
        match kind {
            OperationKind::PelletCompress => instruments.pellet_compressed(interrupted, no_time),
            OperationKind::PelletRestore => instruments.pellet_restored(interrupted, no_time),
            OperationKind::PelletVerify => instruments.pellet_verified(interrupted, no_time),
            OperationKind::PelletGc => instruments.pellets_collected(interrupted, no_time),
        }
        instruments.event_published(names::EventType::PelletFailed);
    }
    Ok(())
}

/// Ends the operation of a process that is gone; `removed` is what was left of it.
async fn end(log: &EventLog, orphan: Orphan, removed: Vec<Value>) -> Result<(), EventError> {
    let (work, doing) = match orphan.kind {
        OperationKind::PelletCompress => ("packing", "packed"),
        OperationKind::PelletRestore => ("restoring", "restored"),
        OperationKind::PelletVerify => ("verifying", "verified"),
        OperationKind::PelletGc => ("collecting", "collected"),
    };
    tracing::warn!(
        operation = %orphan.id,
        path = orphan.source,
        asked_by = orphan.actor,
        trace = orphan.trace_id,
        "{work} was interrupted by the end of the engine"
    );
    let detail = format!("the Engine ended while it {doing} {}", orphan.source);
    let mut problem =
        Problem::new(Code::Interrupted, detail).in_trace(Some(orphan.trace_id.clone()));
    problem.instance = Some(orphan.id.location().into());
    let data = json!({
        "operation_id": orphan.id,
        "path": orphan.source,
        "problem": problem,
        "removed": removed,
    });
    let event = NewEvent::new(EventType::PelletFailed, orphan.id.subject(), ACTOR, data)
        .in_trace(orphan.traceparent);
    let ended = log.commit(move |tx| {
        operations::rows::fail(tx, &orphan.id, None, &problem)?;
        tx.publish(event)
    });
    ended.await.map(|_| ())
}

/// Removes what a restore to `target` left beside it.
async fn sweep(fs: &Arc<dyn Fs>, target: &str) -> Vec<Value> {
    let (fs, path) = (Arc::clone(fs), PathBuf::from(target));
    let swept =
        tokio::task::spawn_blocking(move || nestr_pellets::sweep_beside(fs.as_ref(), &path)).await;
    let why = RemovedWhy::PartialWrite.as_str();
    match swept {
        Ok(Ok(removed)) => {
            let told = |path: &PathBuf| {
                let path = path.display();
                tracing::warn!(
                    { attr::NESTR_REMAINS_PATH } = %path,
                    why,
                    "removed what an interrupted restore left behind"
                );
                json!({"path": path.to_string(), "why": why})
            };
            removed.iter().map(told).collect()
        }
        // The next restore to that folder tries again.
        Ok(Err(error)) => {
            tracing::warn!(%error, target, "cannot look for what a restore left behind");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

async fn clean(store: &Arc<Store>, known: Vec<String>) -> Result<Vec<Removed>, EventError> {
    let known: HashSet<Digest> = known.iter().filter_map(|digest| digest.parse().ok()).collect();
    let store = Arc::clone(store);
    let cleaned = tokio::task::spawn_blocking(move || store.recover(&|d| known.contains(d))).await;
    match cleaned {
        Ok(removed) => removed.map_err(EventError::refuse),
        Err(_) => Err(EventError::Panicked),
    }
}
