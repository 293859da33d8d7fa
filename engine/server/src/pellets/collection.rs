//! `POST /api/pellets/gc`: an operation like any other, whose end is waited for unless the client prefers not to.
//! How Pellets go: see [`super::keeper`].

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use nestr_events::Tx;
use nestr_pellets::{GcPlan, GcPolicy};
use nestr_telemetry::names::span;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::Instrument;
use utoipa::ToSchema;

use super::idempotency::idempotency_key;
use super::jobs::Place;
use super::keeper::Collecting;
use crate::app::Shared;
use crate::auth::Caller;
use crate::http::body::JsonBody;
use crate::operations::{self, Asked, Cancel, OperationKind, OperationResult, Step, Underway};
use crate::problem::{Code, Problem};

/// RFC 7240.
const PREFER: &str = "prefer";
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const RESPOND_ASYNC: &str = "respond-async";

/// What may stay in the store; at least one limit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GcRequest {
    /// Pellets that were packed longer ago go.
    #[serde(default)]
    max_age_seconds: Option<u64>,
    /// Of what is left, the newest so many stay.
    #[serde(default)]
    max_count: Option<u64>,
    /// Of what is left, the newest stay as long as their archives fit.
    #[serde(default)]
    max_bytes: Option<u64>,
    /// Whether to say what would go and remove nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What went, or would go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GcReply {
    /// Newest first.
    removed: Vec<GcRemoved>,
    /// Bytes of these.
    bytes_removed: u64,
    /// How many Pellets stay.
    n_kept: u64,
    /// Bytes of those.
    bytes_kept: u64,
    /// How many of them stay only because a delta needs them, whatever the limits say.
    n_needed: u64,
    /// Whether nothing was removed.
    dry_run: bool,
}

/// A Pellet that went, or would go.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GcRemoved {
    digest: String,
    bytes: u64,
    /// `age`, `count` or `size`.
    why: String,
}

/// Removes Pellets by age, count and size.
#[utoipa::path(post, path = "/api/pellets/gc", tag = "pellets", operation_id = "collectPellets",
    params(("Prefer" = Option<String>, Header,
            description = "`respond-async`: reply at once with the operation, which can be looked at and cancelled"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible characters")),
    request_body = GcRequest,
    responses((status = 200, description = "What went, or would go", body = GcReply),
        (status = 202, description = "Collecting has begun, where `respond-async` is preferred or the key is known",
            body = operations::Operation,
            headers(("Location" = String, description = "Where the operation can be asked for")))))]
pub(crate) async fn collect_pellets(
    State(app): State<Shared>,
    Caller(actor): Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<GcRequest>,
) -> Result<Response, Problem> {
    let policy = request.policy()?;
    let span = tracing::info_span!(span::PELLET_GC);
    if request.dry_run {
        let (cancel, told) = (Cancel::default(), |_, _| ());
        let asked = Collecting { dry_run: true, ..Collecting::of(&actor, &policy, &cancel, &told) };
        let plan = app.keeper().collect(asked, &span).await?;
        return Ok(Json(GcReply::of(&plan, true)).into_response());
    }
    let key = idempotency_key(&headers, &("gc", &request))?;
    let place = app.jobs.admit()?;
    let asked = Asked {
        kind: OperationKind::PelletGc,
        word: "collecting",
        actor: &actor,
        source: app.store.dir().display().to_string(),
        key,
        span: &span,
    };
    let (operation, underway) = operations::begin(&app, asked).instrument(span.clone()).await?;
    let Some(underway) = underway else { return operations::accepted(operation) };
    // A task of its own: a client that goes away must not leave rows without files, or files without rows.
    let work = run(app.clone(), underway, policy, place).instrument(span);
    let work = app.jobs.tasks.spawn(work);
    if prefers_async(&headers) {
        let mut reply = operations::accepted(operation)?;
        let applied = HeaderValue::from_static(RESPOND_ASYNC);
        reply.headers_mut().insert(PREFERENCE_APPLIED, applied);
        return Ok(reply);
    }
    let plan = work.await.map_err(|e| Problem::internal("collecting the store", &e))??;
    Ok(Json(GcReply::of(&plan, false)).into_response())
}

/// Collects to the recorded end.
async fn run(
    app: Shared,
    operation: Underway,
    policy: GcPolicy,
    _place: Place,
) -> Result<GcPlan, Problem> {
    operation.reporter.step(Step::Collect);
    let told = |done, total| {
        let progress =
            operations::Progress { entries_done: done, entries_total: total, ..Default::default() };
        operation.reporter.progress(progress);
    };
    let asked = Collecting::of(&operation.actor, &policy, &operation.cancel, &told);
    let collected = app.keeper().collect(asked, &operation.span).await;
    app.refresh_store_totals().await;
    match collected {
        Ok(plan) => {
            succeed(&app, &operation, &plan).await;
            Ok(plan)
        }
        Err(mut problem) => {
            if problem.code == Code::Cancelled {
                let cut = operation.cut_short();
                let detail = format!("{}: {}", cut.detail, problem.detail).into();
                problem = Problem { detail, ..cut };
            }
            let problem = problem.in_trace(Some(operation.trace_id.clone()));
            let data = json!({"path": operation.source});
            operations::record_failure(&app, &operation, problem.clone(), data).await;
            Err(problem)
        }
    }
}

/// Commits the end; each Pellet that went has an event of its own.
async fn succeed(app: &Shared, operation: &Underway, plan: &GcPlan) {
    let (id, progress) = (operation.id.clone(), operation.reporter.last().1);
    let result = OperationResult {
        n_removed: Some(plan.remove.len() as u64),
        bytes_removed: Some(plan.bytes_removed),
        ..OperationResult::default()
    };
    let ended = operations::commit_end(app, || {
        let (id, result) = (id.clone(), result.clone());
        move |tx: &mut Tx<'_>| operations::rows::succeed(tx, &id, progress, &result)
    });
    if let Err(error) = ended.await {
        tracing::error!(%error, "the end of the operation could not be recorded");
    }
}

fn prefers_async(headers: &HeaderMap) -> bool {
    let all = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case(RESPOND_ASYNC))
}

impl GcRequest {
    fn policy(&self) -> Result<GcPolicy, Problem> {
        let policy = GcPolicy {
            max_age: self.max_age_seconds.map(Duration::from_secs),
            max_count: self.max_count,
            max_bytes: self.max_bytes,
        };
        match policy == GcPolicy::default() {
            false => Ok(policy),
            true => {
                let detail = "give at least one of `max_age_seconds`, `max_count` and `max_bytes`";
                Err(Problem::new(Code::BadRequest, detail))
            }
        }
    }
}

impl GcReply {
    fn of(plan: &GcPlan, dry_run: bool) -> Self {
        let why = |why| match why {
            nestr_pellets::GcWhy::Age => "age",
            nestr_pellets::GcWhy::Count => "count",
            nestr_pellets::GcWhy::Size => "size",
        };
        let removed = plan.remove.iter().map(|removal| GcRemoved {
            digest: removal.digest.to_string(),
            bytes: removal.bytes,
            why: why(removal.why).to_owned(),
        });
        Self {
            removed: removed.collect(),
            bytes_removed: plan.bytes_removed,
            n_kept: plan.n_kept,
            bytes_kept: plan.bytes_kept,
            n_needed: plan.n_needed,
            dry_run,
        }
    }
}
