//! `GET /api/operations/{id}`.

use axum::Json;
use axum::extract::{Path, State};

use super::{Operation, OperationId, OperationState, rows};
use crate::app::Shared;
use crate::problem::{Code, Problem};

/// Shows an operation and how far it has come.
#[utoipa::path(get, path = "/api/operations/{id}", tag = "operations", operation_id = "showOperation",
    params(("id" = String, Path, description = "The operation's id")),
    responses((status = 200, description = "The operation", body = Operation)))]
pub(crate) async fn show_operation(
    State(app): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Operation>, Problem> {
    let id = OperationId::from_row(id);
    // Read before the row: an operation that ends in between then shows its end.
    let live = app.progress.of(&id);
    let asked = id.clone();
    let found = app.log.read(move |conn| rows::by_id(conn, &asked)).await;
    let mut operation = found
        .map_err(|e| Problem::internal("reading the operation", &e))?
        .ok_or_else(|| Problem::new(Code::NotFound, format!("there is no operation {id}")))?;
    if let (OperationState::Running, Some((step, progress))) = (operation.state, live) {
        operation.phase = step;
        operation.progress = progress;
    }
    Ok(Json(operation))
}
