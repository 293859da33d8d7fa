//! `POST /api/ws-tickets`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Caller, tickets};
use crate::app::Shared;
use crate::problem::Problem;
use crate::stamp::Stamp;

/// A ticket that opens one WebSocket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WsTicket {
    /// Goes into `Sec-WebSocket-Protocol: nestr.v1, ticket.TICKET`.
    ticket: String,
    /// When it becomes void if not used.
    expires_at: Stamp,
}

/// Issues a one-use ticket for `/ws`.
#[utoipa::path(post, path = "/api/ws-tickets", tag = "events", operation_id = "createWsTicket",
    responses((status = 201, description = "A ticket, valid once and for 30 s", body = WsTicket)))]
pub(crate) async fn create_ws_ticket(
    State(app): State<Shared>,
    Caller(subject): Caller,
) -> Result<(StatusCode, Json<WsTicket>), Problem> {
    let ticket =
        app.tickets.issue(&subject).map_err(|e| Problem::internal("drawing a ticket", &e))?;
    let expires_at = Stamp::after(app.clock.as_ref(), tickets::TTL);
    Ok((StatusCode::CREATED, Json(WsTicket { ticket, expires_at })))
}
