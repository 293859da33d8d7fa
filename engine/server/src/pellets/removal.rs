//! `DELETE /api/pellets/{digest}` and `POST /api/pellets/gc`: Pellets that go.
//! How they go: see [`super::keeper`].

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use nestr_pellets::{GcPlan, GcPolicy};
use serde::{Deserialize, Serialize};
use tracing::Span;
use utoipa::ToSchema;

use super::problems::{no_pellet, parse_digest};
use super::rows::Deleted;
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

/// Removes a Pellet from the store.
#[utoipa::path(delete, path = "/api/pellets/{digest}", tag = "pellets", operation_id = "deletePellet",
    params(("digest" = String, Path, description = "64 hexadecimal digits")),
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn delete_pellet(
    State(app): State<Shared>,
    Caller(actor): Caller,
    Path(digest): Path<String>,
) -> Result<StatusCode, Problem> {
    let digest = parse_digest(&digest)?;
    let traceparent = nestr_telemetry::traceparent_of(&Span::current());
    let removed = app.keeper().remove(&actor, digest, "asked", traceparent).await;
    app.refresh_store_totals().await;
    match removed? {
        Deleted::Yes => Ok(StatusCode::NO_CONTENT),
        Deleted::Unknown => Err(no_pellet(&digest)),
        Deleted::Needed => {
            let detail = format!("a delta needs the pellet {digest}; delete that one first");
            Err(Problem::new(Code::Conflict, detail))
        }
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
    let collected = app.keeper().collect(&actor, &policy, request.dry_run).await;
    app.refresh_store_totals().await;
    collected.map(|plan| Json(GcReply::of(plan, request.dry_run)))
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
            n_needed: plan.n_needed,
            dry_run,
        }
    }
}
