//! One restore or verification: waits its turn, reads on a blocking thread, records the end.

use std::sync::Arc;
use std::time::Duration;

use nestr_events::{EventType, NewEvent, Tx};
use nestr_pellets::{
    Digest, Progress, RestoreObserver, RestoreOptions, RestorePhase, Restored, VerifyOptions,
};
use nestr_telemetry::names::{self, Direction, Outcome, Stage, attr};
use serde_json::{Value, json};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::app::Shared;
use crate::operations::{
    self, OperationKind, OperationResult, Reporter, Step, Underway, outcome_of,
};
use crate::pellets::cost::Cost;
use crate::pellets::jobs::Place;
use crate::pellets::problems::read_problem;
use crate::pellets::proof::traced_proof;
use crate::pellets::traced_restore::TracedRestore;
use crate::problem::{Code, Problem};

/// What is done with a Pellet.
pub(super) enum Work {
    Restore(Box<Restore>),
    Verify(Box<VerifyOptions>),
}

/// A restore and what comes after it.
pub(super) struct Restore {
    pub(super) options: RestoreOptions,
    /// Whether the tools of the tree prove that it works.
    pub(super) verify_build: bool,
}

/// Work that was asked for and recorded as running.
pub(super) struct Job {
    pub(super) operation: Underway,
    pub(super) digest: Digest,
    pub(super) work: Work,
    pub(super) place: Place,
    /// Monotonic time of the request.
    pub(super) started: Duration,
}

impl Work {
    pub(super) fn kind(&self) -> OperationKind {
        match self {
            Self::Restore(_) => OperationKind::PelletRestore,
            Self::Verify(_) => OperationKind::PelletVerify,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Restore(_) => "restoring",
            Self::Verify(_) => "verifying",
        }
    }

    /// The path it works on.
    pub(super) fn subject(&self, digest: &Digest) -> String {
        match self {
            Self::Restore(restore) => restore.options.target.display().to_string(),
            Self::Verify(_) => format!("pellets/{digest}"),
        }
    }
}

/// Does the job to its recorded end.
pub(super) async fn run(app: Shared, job: Job) {
    let job = Arc::new(job);
    let done = work(&app, &job).await;
    let elapsed = app.clock.monotonic().saturating_sub(job.started);
    let outcome = match &done {
        Ok(_) => Outcome::Success,
        Err(problem) => outcome_of(problem.code.slug()),
    };
    match job.work {
        Work::Restore(_) => app.instruments.pellet_restored(outcome, elapsed),
        Work::Verify(_) => app.instruments.pellet_verified(outcome, elapsed),
    }
    match done {
        Ok(data) => succeed(&app, &job, data).await,
        Err(problem) => fail(&app, &job, problem).await,
    }
}

async fn work(app: &Shared, job: &Arc<Job>) -> Result<Value, Problem> {
    let turn = job.place.turn(&job.operation).await?;
    let (app, job) = (app.clone(), Arc::clone(job));
    let reading = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        job.operation.span.in_scope(|| match &job.work {
            Work::Restore(asked) => restore(&app, &job, asked),
            Work::Verify(options) => verify(&app, &job, options),
        })
    });
    reading.await.map_err(|e| Problem::internal("reading the pellet", &e))?
}

fn restore(app: &Shared, job: &Job, asked: &Restore) -> Result<Value, Problem> {
    let options = &asked.options;
    let inner = Reports(&job.operation.reporter);
    let observer = TracedRestore::new(&job.operation.span, &inner, &job.operation.cancel);
    let restored = nestr_pellets::restore(app.fs.as_ref(), app.clock.as_ref(), options, &observer);
    let restored = restored.map_err(|e| job.operation.explained(read_problem(&e)));
    observer.finish(restored.as_ref().err().map(|p| (p.code.slug(), &*p.detail)));
    let restored = restored?;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    job.operation.span.set_attribute(attr::NESTR_PELLET_WAY, restored.way.as_str());
    job.operation.span.set_attribute(attr::NESTR_PELLET_ENTRIES, number(restored.entries));
    job.operation.span.set_attribute(attr::NESTR_PELLET_BYTES_OUT, number(restored.bytes));
    job.operation.span.set_attribute(attr::NESTR_PELLET_FRAMES, number(restored.frames));
    Cost::from(&restored).tell(&job.operation.span);
    app.instruments.pellet_bytes(Direction::Out, Stage::Restore, restored.bytes);
    let mut data = json!({
        "target": restored.target.display().to_string(), "entries": restored.entries,
        "bytes": restored.bytes, "way": restored.way.as_str(), "replaced": restored.replaced,
    });
    if asked.verify_build {
        data["proof"] = proven(job, &restored)?;
    }
    Ok(data)
}

/// Has the tools of the tree prove that it works; it stays where it is in any case.
fn proven(job: &Job, restored: &Restored) -> Result<Value, Problem> {
    let (operation, cancel) = (&job.operation, &job.operation.cancel);
    let proof = traced_proof(&operation.span, &restored.shapes, &restored.target, cancel)
        .map_err(|e| Problem::internal("proving the restored tree", &e))?;
    if cancel.is_asked() {
        return Err(operation.cut_short().hint("the tree stays where it is, untried"));
    }
    match proof.reason() {
        None => Ok(proof.to_json()),
        Some(reason) => Err(Problem::new(Code::VerificationFailed, reason)
            .hint("the tree stays where it is; see what the test needs")),
    }
}

fn verify(app: &Shared, job: &Job, options: &VerifyOptions) -> Result<Value, Problem> {
    let inner = Reports(&job.operation.reporter);
    let observer = TracedRestore::new(&job.operation.span, &inner, &job.operation.cancel);
    job.operation.reporter.step(Step::Verify);
    let verified = nestr_pellets::verify(app.fs.as_ref(), app.clock.as_ref(), options, &observer)
        .map_err(|e| job.operation.explained(read_problem(&e)))?;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    job.operation.span.set_attribute(attr::NESTR_PELLET_ENTRIES, number(verified.entries));
    job.operation.span.set_attribute(attr::NESTR_PELLET_FRAMES, number(verified.frames));
    job.operation.span.set_attribute(attr::NESTR_PELLET_FINDINGS, number(verified.n_findings));
    Cost::from(&verified).tell(&job.operation.span);
    for finding in verified.findings.iter().take(10) {
        tracing::warn!(
            code = finding.code,
            entry = finding.entry.as_ref().map(|e| e.as_path().display().to_string()),
            frame = finding.frame,
            expected = finding.expected,
            found = finding.found,
            "{}",
            finding.what
        );
    }
    match verified.findings.first() {
        None => Ok(json!({"entries": verified.entries, "bytes": verified.bytes})),
        Some(first) => {
            let n = verified.n_findings;
            let entry = first.entry.as_ref().map(|e| format!(", entry {}", e.as_path().display()));
            let file = first.file.as_ref().map(|file| format!(": {}", file.display()));
            let (entry, file) = (entry.unwrap_or_default(), file.unwrap_or_default());
            let detail = format!("{n} findings, the first: {}{entry}{file}", first.what);
            Err(Problem::new(Code::VerificationFailed, detail).reason(first.code))
        }
    }
}

/// Commits the end of the operation and its event together.
async fn succeed(app: &Shared, job: &Arc<Job>, mut data: Value) {
    job.operation.reporter.step(Step::Record);
    data["operation_id"] = json!(job.operation.id);
    data["digest"] = json!(job.digest);
    data["trace_id"] = json!(job.operation.trace_id);
    let (event_type, name) = match job.work {
        Work::Restore(_) => (EventType::PelletRestored, names::EventType::PelletRestored),
        Work::Verify(_) => (EventType::PelletVerified, names::EventType::PelletVerified),
    };
    let subject = format!("pellets/{}", job.digest);
    let event = NewEvent::new(event_type, subject, &job.operation.actor, data)
        .in_trace(job.operation.traceparent.clone());
    let (id, progress) = (job.operation.id.clone(), job.operation.reporter.last().1);
    let result = OperationResult::pellet(job.digest);
    let committed = operations::commit_end(app, || {
        let (id, result, event) = (id.clone(), result.clone(), event.clone());
        move |tx: &mut Tx<'_>| {
            operations::rows::succeed(tx, &id, progress, &result)?;
            tx.publish(event)
        }
    });
    match committed.await {
        Ok(_) => app.instruments.event_published(name),
        Err(error) => tracing::error!(%error, "the end of the operation could not be recorded"),
    }
}

async fn fail(app: &Shared, job: &Arc<Job>, problem: Problem) {
    let data = json!({"digest": job.digest, "path": job.work.subject(&job.digest)});
    operations::record_failure(app, &job.operation, problem, data).await;
}

/// Reports to the operation.
struct Reports<'a>(&'a Reporter);

impl RestoreObserver for Reports<'_> {
    fn phase_started(&self, phase: RestorePhase) {
        self.0.step(match phase {
            RestorePhase::Check => Step::Check,
            RestorePhase::Extract => Step::Extract,
            RestorePhase::Place => Step::Place,
        });
    }

    fn progress(&self, progress: &Progress) {
        self.0.progress(operations::Progress {
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            entries_done: progress.entries_done,
            entries_total: progress.entries_total,
        });
    }
}
