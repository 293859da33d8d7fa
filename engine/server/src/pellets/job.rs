//! One packing: waits its turn, packs on a blocking thread, records the end.
//!
//! # Failure
//! Whatever ends a packing, its operation ends with it: with the Pellet's row and `pellet:compressed`, or with a problem
//! and `pellet:failed`. A process that is killed leaves the operation to [`super::recover`].

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use nestr_events::{EventError, EventType, NewEvent};
use nestr_pellets::{Destination, ErrorKind, PackError, PackOptions, Packed};
use nestr_telemetry::names::{self, Direction, Outcome, Stage, attr, span};
use serde_json::json;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::compress::Admitted;
use super::jobs::Place;
use super::observer::Observer;
use super::rows::{self, NewPellet, ratio};
use super::traced::TracedPacking;
use crate::app::Shared;
use crate::operations::{self, OperationId, OperationResult, Reporter, Step};
use crate::options::Checkpoint;
use crate::problem::{Code, Problem};

/// A packing that was asked for and recorded as running.
pub(super) struct Job {
    pub(super) id: OperationId,
    pub(super) actor: String,
    pub(super) admitted: Admitted,
    pub(super) trace_id: String,
    pub(super) traceparent: Option<String>,
    pub(super) reporter: Reporter,
    pub(super) place: Place,
    /// Monotonic time of the request.
    pub(super) started: Duration,
    /// The operation's span.
    pub(super) span: Span,
}

/// Does the job to its recorded end.
pub(super) async fn run(app: Shared, job: Job) {
    let job = Arc::new(job);
    let ended = match work(&app, &job).await {
        Ok(packed) => record(&app, &job, &packed).await.map(|rev| (packed, rev)),
        Err(problem) => Err(problem),
    };
    let elapsed = app.clock.monotonic().saturating_sub(job.started);
    match ended {
        Ok((packed, rev)) => succeed(&app, &job, &packed, rev, elapsed),
        Err(problem) => fail(&app, &job, problem, elapsed).await,
    }
    app.refresh_store_totals().await;
}

/// Packs on a thread of its own.
async fn work(app: &Shared, job: &Arc<Job>) -> Result<Packed, Problem> {
    let turn = job.place.turn().await;
    let (app, job) = (app.clone(), Arc::clone(job));
    let packing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        job.span.in_scope(|| pack(&app, &job))
    });
    packing.await.map_err(|e| Problem::internal("packing", &e))?
}

fn pack(app: &Shared, job: &Job) -> Result<Packed, Problem> {
    let options = PackOptions {
        source: job.admitted.source.clone(),
        name: job.admitted.name.clone(),
        profile: job.admitted.profile,
        threads: app.pack_threads,
        mtime: 0,
    };
    let (stop, hook) = (&app.stop, app.hook.as_ref());
    let inner = Observer { reporter: &job.reporter, stop, hook };
    let observer = TracedPacking::new(&job.span, &inner);
    let destination = Destination::Store(&app.store);
    let packed =
        nestr_pellets::pack(app.fs.as_ref(), app.clock.as_ref(), &options, &destination, &observer);
    let packed = packed.map_err(|e| pack_problem(&e));
    let failure = packed.as_ref().err().map(|p| (p.code.slug(), p.detail.as_str()));
    observer.finish(failure);
    packed
}

/// Commits row, operation and event together.
async fn record(app: &Shared, job: &Arc<Job>, packed: &Packed) -> Result<u64, Problem> {
    job.reporter.step(Step::Record);
    let record_span = tracing::info_span!(parent: &job.span, span::PELLET_RECORD);
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
        trace_id: job.trace_id.clone(),
    };
    let (id, progress) = (job.id.clone(), job.reporter.last().1);
    let subject = format!("pellets/{}", pellet.digest);
    let data = json!({
        "operation_id": id, "digest": pellet.digest, "name": pellet.name, "tree": pellet.tree,
        "entries": pellet.entries, "bytes_in": pellet.bytes_in, "bytes_out": pellet.bytes_out,
        "duration_ms": pellet.duration_ms, "trace_id": pellet.trace_id,
    });
    let event = NewEvent::new(EventType::PelletCompressed, subject, &job.actor, data)
        .in_trace(job.traceparent.clone());
    let committed = app
        .log
        .commit(move |tx| {
            rows::record(tx, &pellet)?;
            let result = OperationResult { digest: pellet.digest.clone() };
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
            let problem = record_span.in_scope(|| event_problem("recording the pellet", &e));
            nestr_telemetry::fail(&record_span, problem.code.slug(), &problem.detail);
            // Another packing of the same tree may be about to record it, so it is left to the next start.
            record_span.in_scope(|| {
                tracing::warn!(digest = %packed.digest, "the pellet stays unrecorded until the next start removes it");
            });
            Err(problem)
        }
    }
}

fn succeed(app: &Shared, job: &Job, packed: &Packed, rev: u64, elapsed: Duration) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    job.span.set_attribute(attr::NESTR_PELLET_DIGEST, packed.digest.to_string());
    job.span.set_attribute(attr::NESTR_PELLET_TREE, packed.tree.to_string());
    job.span.set_attribute(attr::NESTR_PELLET_ENTRIES, number(packed.entries));
    job.span.set_attribute(attr::NESTR_PELLET_BYTES_IN, number(packed.bytes_in));
    job.span.set_attribute(attr::NESTR_PELLET_BYTES_OUT, number(packed.bytes_out));
    job.span.set_attribute(attr::NESTR_PELLET_FRAMES, number(packed.frames));
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
    let mut problem = problem.in_trace(Some(job.trace_id.clone()));
    problem.instance = Some(job.id.location().into());
    nestr_telemetry::fail(&job.span, problem.code.slug(), &problem.detail);
    tracing::error!(operation = %job.id, code = problem.code.slug(), "packing failed: {}", problem.detail);
    let outcome = match problem.code {
        Code::Interrupted => Outcome::Interrupted,
        _ => Outcome::Failed,
    };
    app.instruments.pellet_compressed(outcome, elapsed);
    let (id, last) = (job.id.clone(), job.reporter.last());
    let data = json!({
        "operation_id": id,
        "path": job.admitted.source.display().to_string(),
        "problem": problem,
    });
    let event = NewEvent::new(EventType::PelletFailed, id.subject(), &job.actor, data)
        .in_trace(job.traceparent.clone());
    let committed = app.log.commit(move |tx| {
        operations::rows::fail(tx, &id, Some(last), &problem)?;
        tx.publish(event)
    });
    match committed.await {
        Ok(_) => app.instruments.event_published(names::EventType::PelletFailed),
        // The row stays `running`, which the next start corrects.
        Err(error) => tracing::error!(%error, "the failure could not be recorded"),
    }
}

/// A failed packing as clients see it.
fn pack_problem(error: &PackError) -> Problem {
    let code = match error.kind() {
        ErrorKind::PathNotFound => Code::PathNotFound,
        ErrorKind::NotADirectory => Code::BadRequest,
        ErrorKind::PathVanished => Code::PathVanished,
        ErrorKind::PathChanged => Code::PathChanged,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::NoSpace => Code::NoSpace,
        ErrorKind::Cancelled => Code::Interrupted,
        ErrorKind::Internal => Code::Internal,
    };
    let mut detail = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        detail = format!("{detail}: {next}");
        cause = next.source();
    }
    Problem::new(code, detail).hint(error.hint())
}

/// A failed commit as clients see it.
pub(super) fn event_problem(what: &'static str, error: &EventError) -> Problem {
    match error {
        EventError::Full => Problem::new(Code::NoSpace, format!("{what} failed: {error}")),
        _ => Problem::internal(what, error),
    }
}
