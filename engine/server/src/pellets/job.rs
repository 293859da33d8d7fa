//! One packing: waits its turn, packs on a blocking thread, records the end.
//!
//! # Failure
//! Whatever ends a packing, its operation ends with it: with the Pellet's row and `pellet:compressed`, or with a problem
//! and `pellet:failed`. A process that is killed leaves the operation to [`super::recover`].

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nestr_events::{EventType, NewEvent};
use nestr_pellets::{
    Base, Destination, Digest, Limits, PackOptions, Packed, PelletName, Profile, StoredPellet,
};
use nestr_telemetry::names::{self, Direction, Outcome, Stage, attr, span};
use serde_json::json;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::cost::Cost;
use super::gate::Publishing;
use super::jobs::Place;
use super::observer::Observer;
use super::problems::{no_pellet, pack_problem, read_problem};
use super::rows::{self, NewPellet, ratio};
use super::traced::TracedPacking;
use crate::app::Shared;
use crate::operations::{self, OperationResult, Step, Underway, outcome_of};
use crate::options::Checkpoint;
use crate::problem::{Problem, chain};

/// The most earlier Pellets that a delta may need.
const MAX_LAYERS: u32 = 8;

/// A request whose every part was judged.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    /// The real path.
    pub(super) source: PathBuf,
    pub(super) name: PelletName,
    pub(super) profile: Profile,
    /// The Pellet to pack a delta against.
    pub(super) delta_of: Option<Digest>,
}

/// A packing that was asked for and recorded as running.
pub(super) struct Job {
    pub(super) operation: Underway,
    pub(super) admitted: Admitted,
    pub(super) place: Place,
    /// Monotonic time of the request.
    pub(super) started: Duration,
}

/// Does the job to its recorded end.
pub(super) async fn run(app: Shared, job: Job) {
    let job = Arc::new(job);
    let ended = match work(&app, &job).await {
        Ok((packed, publishing)) => {
            let recorded = record(&app, &job, &packed).await;
            drop(publishing);
            if recorded.is_err() {
                app.keeper().drop_unrecorded(packed.digest).await;
            }
            recorded.map(|rev| (packed, rev))
        }
        Err(problem) => Err(problem),
    };
    let elapsed = app.clock.monotonic().saturating_sub(job.started);
    match ended {
        Ok((packed, rev)) => {
            succeed(&app, &job, &packed, rev, elapsed);
            if let Some(quota) = app.quota {
                app.keeper().keep_within(quota, packed.digest).await;
            }
        }
        Err(problem) => fail(&app, &job, problem, elapsed).await,
    }
    app.refresh_store_totals().await;
}

/// Packs on a thread of its own.
async fn work(app: &Shared, job: &Arc<Job>) -> Result<(Packed, Option<Publishing>), Problem> {
    let turn = job.place.turn(&job.operation).await?;
    let base = base_of(app, job).await?;
    let (app, job) = (app.clone(), Arc::clone(job));
    let packing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        job.operation.span.in_scope(|| pack(&app, &job, base.as_ref()))
    });
    packing.await.map_err(|e| Problem::internal("packing", &e))?
}

/// The Pellet to pack against: the one a delta was asked against, else the latest of this path.
async fn base_of(app: &Shared, job: &Job) -> Result<Option<StoredPellet>, Problem> {
    let known = match job.admitted.delta_of {
        Some(digest) => Some(digest),
        None => {
            let origin = job.admitted.source.display().to_string();
            let profile = job.admitted.profile.to_string();
            let latest = app.log.read(move |conn| rows::latest(conn, &origin, &profile)).await;
            let latest =
                latest.map_err(|e| Problem::in_log("looking for an earlier pellet", &e))?;
            latest.and_then(|digest| digest.parse().ok())
        }
    };
    let Some(digest) = known else { return Ok(None) };
    let store = Arc::clone(&app.store);
    let found = tokio::task::spawn_blocking(move || store.pellet(&digest));
    let found = found.await.map_err(|e| Problem::internal("looking for an earlier pellet", &e))?;
    Ok(found.ok().flatten())
}

/// Opens what is packed against. Only a delta needs it: otherwise what cannot be used is done without.
fn open_base(
    app: &Shared,
    job: &Job,
    stored: Option<&StoredPellet>,
) -> Result<Option<Arc<Base>>, Problem> {
    let opened = stored.map(|stored| {
        Base::open(app.fs.as_ref(), &stored.archive, &stored.sidecar, &Limits::default())
    });
    match (opened, job.admitted.delta_of) {
        (Some(Ok(base)), _) => Ok(Some(Arc::new(base))),
        (Some(Err(error)), Some(_)) => Err(read_problem(&error)),
        (None, Some(digest)) => Err(no_pellet(&digest)),
        (Some(Err(error)), None) => {
            tracing::warn!(
                code = error.code(),
                "packing without the earlier pellet: {}",
                chain(&error)
            );
            Ok(None)
        }
        (None, None) => Ok(None),
    }
}

fn pack(
    app: &Shared,
    job: &Job,
    base: Option<&StoredPellet>,
) -> Result<(Packed, Option<Publishing>), Problem> {
    let options = PackOptions {
        name: job.admitted.name.clone(),
        profile: job.admitted.profile,
        threads: app.pack_threads,
        mtime: app.mtime,
        sign: app.sign_key.clone(),
        base: open_base(app, job, base)?,
        delta: job.admitted.delta_of.and(NonZeroU32::new(MAX_LAYERS)),
        ..PackOptions::new(job.admitted.source.clone())
    };
    let inner = Observer::new(&job.operation, app.hook.as_ref(), &app.gate);
    let observer = TracedPacking::new(&job.operation.span, &inner, &job.operation.cancel);
    let destination = Destination::Store(&app.store);
    let packed =
        nestr_pellets::pack(app.fs.as_ref(), app.clock.as_ref(), &options, &destination, &observer);
    let packed = packed.map_err(|e| job.operation.explained(pack_problem(&e)));
    let failure = packed.as_ref().err().map(|p| (p.code.slug(), &*p.detail));
    observer.finish(failure);
    packed.map(|packed| (packed, inner.publishing()))
}

/// Commits row, operation and event together.
async fn record(app: &Shared, job: &Arc<Job>, packed: &Packed) -> Result<u64, Problem> {
    job.operation.reporter.step(Step::Record);
    let record_span = tracing::info_span!(parent: &job.operation.span, span::PELLET_RECORD);
    let elapsed = app.clock.monotonic().saturating_sub(job.started);
    let pellet = NewPellet {
        digest: packed.digest.to_string(),
        name: job.admitted.name.to_string(),
        tree: packed.tree.to_string(),
        profile: job.admitted.profile.to_string(),
        origin: job.admitted.source.display().to_string(),
        entries: packed.entries,
        bytes_in: packed.bytes_in,
        bytes_out: packed.bytes_out,
        duration_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        trace_id: job.operation.trace_id.clone(),
        layers: packed.layers.iter().map(ToString::to_string).collect(),
    };
    let (id, progress) = (job.operation.id.clone(), job.operation.reporter.last().1);
    let subject = format!("pellets/{}", pellet.digest);
    let data = json!({
        "operation_id": id, "digest": pellet.digest, "name": pellet.name, "tree": pellet.tree,
        "entries": pellet.entries, "bytes_in": pellet.bytes_in, "bytes_out": pellet.bytes_out,
        "duration_ms": pellet.duration_ms, "trace_id": pellet.trace_id, "layers": pellet.layers,
    });
    let event = NewEvent::new(EventType::PelletCompressed, subject, &job.operation.actor, data)
        .in_trace(job.operation.traceparent.clone());
    let committed = app
        .log
        .commit(move |tx| {
            rows::record(tx, &pellet)?;
            let result = OperationResult::pellet(&pellet.digest);
            operations::rows::succeed(tx, &id, progress, &result)?;
            tx.publish(event)
        })
        .instrument(record_span.clone())
        .await;
    match committed {
        Ok(rev) => {
            record_span
                .set_attribute(attr::NESTR_EVENT_REV, i64::try_from(rev).unwrap_or(i64::MAX));
            record_span
                .in_scope(|| tracing::info!(rev, digest = %packed.digest, "pellet recorded"));
            Ok(rev)
        }
        Err(e) => {
            let refused = e.refusal::<Problem>().cloned();
            let problem = refused.unwrap_or_else(|| {
                record_span.in_scope(|| Problem::in_log("recording the pellet", &e))
            });
            nestr_telemetry::fail(&record_span, problem.code.slug(), &problem.detail);
            Err(problem)
        }
    }
}

fn succeed(app: &Shared, job: &Job, packed: &Packed, rev: u64, elapsed: Duration) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    job.operation.span.set_attribute(attr::NESTR_PELLET_DIGEST, packed.digest.to_string());
    job.operation.span.set_attribute(attr::NESTR_PELLET_TREE, packed.tree.to_string());
    job.operation.span.set_attribute(attr::NESTR_PELLET_ENTRIES, number(packed.entries));
    job.operation.span.set_attribute(attr::NESTR_PELLET_BYTES_IN, number(packed.bytes_in));
    job.operation.span.set_attribute(attr::NESTR_PELLET_BYTES_OUT, number(packed.bytes_out));
    job.operation.span.set_attribute(attr::NESTR_PELLET_FRAMES, number(packed.frames));
    Cost::from(packed).tell(&job.operation.span);
    job.operation
        .span
        .set_attribute(attr::NESTR_PELLET_FRAMES_REUSED, number(packed.n_frames_reused));
    job.operation.span.set_attribute(attr::NESTR_PELLET_LAYERS, number(packed.layers.len() as u64));
    if packed.n_skipped > 0 {
        let first = packed.skipped.first();
        tracing::warn!(n_skipped = packed.n_skipped, ?first, "left out sockets, pipes or devices");
    }
    app.instruments.pellet_compressed(Outcome::Success, elapsed);
    app.instruments.pellet_bytes(Direction::In, Stage::Compress, packed.bytes_in);
    app.instruments.pellet_bytes(Direction::Out, Stage::Compress, packed.bytes_out);
    app.instruments.pellet_ratio(ratio(packed.bytes_in, packed.bytes_out));
    app.instruments.event_published(names::EventType::PelletCompressed);
    if let Some(hook) = &app.hook {
        hook(Checkpoint::Recorded { rev });
    }
}

async fn fail(app: &Shared, job: &Job, problem: Problem, elapsed: Duration) {
    app.instruments.pellet_compressed(outcome_of(problem.code.slug()), elapsed);
    let data = json!({"path": job.admitted.source.display().to_string()});
    operations::record_failure(app, &job.operation, problem, data).await;
}
