//! `DELETE /api/pellets/{digest}` and `POST /api/pellets/gc`: Pellets that go.
//!
//! The row and the event go first, in one transaction; then the files. Where the process ends between the
//! two, the next start removes what nobody records.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use nestr_events::{EventType, NewEvent};
use nestr_pellets::{Digest, GcItem, GcPlan, GcPolicy};
use nestr_telemetry::names::{self, Outcome, attr, span};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use utoipa::ToSchema;

use super::job::event_problem;
use super::rows;
use crate::app::Shared;
use crate::auth::Caller;
use crate::http::body::JsonBody;
use crate::problem::{Code, Problem};

/// What may stay in the store; at least one limit.
#[derive(Debug, Clone, Deserialize, ToSchema)]
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

/// Removes a Pellet from the store.
#[utoipa::path(delete, path = "/api/pellets/{digest}", tag = "pellets", operation_id = "deletePellet",
    params(("digest" = String, Path, description = "64 hexadecimal digits")),
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn delete_pellet(
    State(app): State<Shared>,
    Caller(actor): Caller,
    Path(digest): Path<String>,
) -> Result<StatusCode, Problem> {
    let digest: Digest =
        digest.parse().map_err(|e| Problem::new(Code::BadRequest, format!("{e}")))?;
    let traceparent = nestr_telemetry::traceparent_of(&Span::current());
    let removed = remove(&app, &actor, digest, "asked", traceparent).await;
    app.refresh_store_totals().await;
    match removed? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(Code::NotFound, format!("there is no pellet {digest}"))),
    }
}

/// Removes Pellets by age, count and size.
#[utoipa::path(post, path = "/api/pellets/gc", tag = "pellets", operation_id = "collectPellets",
    request_body = GcRequest,
    responses((status = 200, description = "What went, or would go", body = GcReply)))]
pub(crate) async fn collect_pellets(
    State(app): State<Shared>,
    Caller(actor): Caller,
    JsonBody(request): JsonBody<GcRequest>,
) -> Result<Json<GcReply>, Problem> {
    let policy = GcPolicy {
        max_age: request.max_age_seconds.map(Duration::from_secs),
        max_count: request.max_count,
        max_bytes: request.max_bytes,
    };
    if policy == GcPolicy::default() {
        let detail = "give at least one of `max_age_seconds`, `max_count` and `max_bytes`";
        return Err(Problem::new(Code::BadRequest, detail));
    }
    let started = app.clock.monotonic();
    let span = tracing::info_span!(span::PELLET_GC);
    let collected = collect(&app, &actor, &policy, request.dry_run, &span);
    let collected = collected.instrument(span.clone()).await;
    let elapsed = app.clock.monotonic().saturating_sub(started);
    let outcome = match &collected {
        Ok(_) => Outcome::Success,
        Err(problem) => {
            nestr_telemetry::fail(&span, problem.code.slug(), &problem.detail);
            Outcome::Failed
        }
    };
    app.instruments.pellets_collected(outcome, elapsed);
    app.refresh_store_totals().await;
    collected.map(|plan| Json(GcReply::of(plan, request.dry_run)))
}

async fn collect(
    app: &Shared,
    actor: &str,
    policy: &GcPolicy,
    dry_run: bool,
    span: &Span,
) -> Result<GcPlan, Problem> {
    let recorded = app.log.read(rows::ages).await;
    let recorded = recorded.map_err(|e| Problem::internal("listing pellets", &e))?;
    let items: Vec<GcItem> = recorded
        .into_iter()
        .filter_map(|(digest, unix_nanos, bytes)| {
            Some(GcItem { digest: digest.parse().ok()?, unix_nanos, bytes })
        })
        .collect();
    let plan = nestr_pellets::gc_plan(&items, policy, app.clock.unix_nanos());
    let n = i64::try_from(plan.remove.len()).unwrap_or(i64::MAX);
    if !dry_run {
        let traceparent = nestr_telemetry::traceparent_of(span);
        for removal in &plan.remove {
            remove(app, actor, removal.digest, "collected", traceparent.clone()).await?;
        }
        span.set_attribute(attr::NESTR_PELLET_REMOVED, n);
        tracing::info!(n, bytes = plan.bytes_removed, "collected the store");
    }
    Ok(plan)
}

/// Removes row and files of a Pellet; false where it is not recorded.
async fn remove(
    app: &Shared,
    actor: &str,
    digest: Digest,
    why: &'static str,
    traceparent: Option<String>,
) -> Result<bool, Problem> {
    let text = digest.to_string();
    let data = json!({"digest": text, "why": why});
    let event = NewEvent::new(EventType::PelletDeleted, format!("pellets/{text}"), actor, data)
        .in_trace(traceparent);
    let committed = app.log.commit(move |tx| {
        let known = rows::delete(tx, &text)?;
        if known {
            tx.publish(event)?;
        }
        Ok(known)
    });
    if !committed.await.map_err(|e| event_problem("deleting the pellet", &e))? {
        return Ok(false);
    }
    app.instruments.event_published(names::EventType::PelletDeleted);
    let (fs, store) = (Arc::clone(&app.fs), Arc::clone(&app.store));
    let removed =
        tokio::task::spawn_blocking(move || nestr_pellets::remove(fs.as_ref(), &store, &digest))
            .await
            .map_err(|e| Problem::internal("removing the pellet", &e))?;
    if let Err(error) = removed {
        tracing::warn!(%error, %digest, "the files stay until the next start removes them");
    }
    Ok(true)
}

impl GcReply {
    fn of(plan: GcPlan, dry_run: bool) -> Self {
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
            dry_run,
        }
    }
}
