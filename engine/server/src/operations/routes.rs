//! `GET /api/operations/{id}` and `POST /api/operations/{id}/cancel`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Cancel, Operation, OperationId, OperationState, begin, rows};
use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::problem::{Code, Problem};

/// Shows an operation and how far it has come.
#[utoipa::path(get, path = "/api/operations/{id}", tag = "operations", operation_id = "showOperation",
    params(("id" = String, Path, description = "The operation's id")),
    responses((status = 200, description = "The operation", body = Operation)))]
pub(crate) async fn show_operation(
    State(app): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Operation>, Problem> {
    let (operation, _) = look(&app, &OperationId::from_row(id)).await?;
    Ok(Json(operation))
}

/// Asks an operation to end at its next step.
///
/// An action beside the operation, as google.longrunning's `:cancel`, GitHub's runs and this API's own workflow
/// runs have it: with `DELETE` a client would ask that the record go, which stays.
#[utoipa::path(post, path = "/api/operations/{id}/cancel", tag = "operations", operation_id = "cancelOperation",
    params(("id" = String, Path, description = "The operation's id")),
    responses(
        (status = 202, description = "It was asked to end; as `failed` with `cancelled`, unless it is past its last step", body = Operation,
            headers(("Location" = String, description = "Where its end can be asked for"))),
        (status = 200, description = "It was cancelled before", body = Operation),
        (status = 409, description = "It ended otherwise before", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn cancel_operation(
    State(app): State<Shared>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = OperationId::from_row(id);
    let (mut operation, cancel) = look(&app, &id).await?;
    match (operation.state, cancel) {
        (OperationState::Running, Some(cancel)) => {
            if cancel.ask(&actor) {
                tracing::info!(operation = %id, by = actor, "an operation was asked to end");
            }
            operation.cancelling = true;
            begin::accepted(operation)
        }
        _ if operation.error.as_ref().is_some_and(|e| e.code == Code::Cancelled) => {
            Ok((StatusCode::OK, Json(operation)).into_response())
        }
        _ => {
            let detail = format!("operation {id} has ended already, so nothing can be cancelled");
            Err(Problem::new(Code::Conflict, detail).hint("ask for the operation to see its end"))
        }
    }
}

/// The operation as it is now, and what ends it while it runs.
async fn look(app: &App, id: &OperationId) -> Result<(Operation, Option<Cancel>), Problem> {
    // Read before the row: an operation that ends in between then shows its end.
    let live = app.progress.of(id);
    let asked = id.clone();
    let found = app.log.read(move |conn| rows::by_id(conn, &asked)).await;
    let mut operation = found
        .map_err(|e| Problem::internal("reading the operation", &e))?
        .ok_or_else(|| Problem::new(Code::NotFound, format!("there is no operation {id}")))?;
    let live = live.filter(|_| operation.state == OperationState::Running);
    if let Some(live) = &live {
        operation.phase = live.step;
        operation.progress = live.progress;
        operation.cancelling = live.cancel.is_asked();
    }
    Ok((operation, live.map(|live| live.cancel)))
}
