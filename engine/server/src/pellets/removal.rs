//! `DELETE /api/pellets/{digest}`: one Pellet that goes. How it goes: see [`super::keeper`].

use axum::extract::{Path, State};
use axum::http::StatusCode;
use tracing::Span;

use super::problems::{no_pellet, parse_digest};
use super::rows::Deleted;
use crate::app::Shared;
use crate::auth::Caller;
use crate::problem::{Code, Problem};

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
    let deleting = app.clone();
    // A task of its own: a client that goes away must not leave files without a row.
    let removed = app.jobs.tasks.spawn(async move {
        let removed = deleting.keeper().remove(&actor, digest, "asked", traceparent).await;
        deleting.refresh_store_totals().await;
        removed
    });
    match removed.await.map_err(|e| Problem::internal("deleting the pellet", &e))?? {
        Deleted::Yes => Ok(StatusCode::NO_CONTENT),
        Deleted::Unknown => Err(no_pellet(&digest)),
        Deleted::Needed => {
            let detail = format!("a delta needs the pellet {digest}; delete that one first");
            Err(Problem::new(Code::Conflict, detail))
        }
    }
}
