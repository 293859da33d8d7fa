//! `GET /api/events` and the handshake of `/ws`.

use axum::Json;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::EventPage;
use super::socket;
use crate::app::Shared;
use crate::http::query::Query;
use crate::http::serve::LocalAddress;
use crate::problem::{Code, Problem};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;
const PROTOCOL: &str = "nestr.v1";

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Events after this revision; 0 or nothing for all.
    since: Option<u64>,
    /// At most this many, 1 to 1000.
    limit: Option<usize>,
}

/// From where to watch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WatchQuery {
    /// Events after this revision are sent first; without it only coming ones are.
    since: Option<u64>,
}

/// Lists events after a revision.
#[utoipa::path(get, path = "/api/events", tag = "events", operation_id = "listEvents", params(EventQuery),
    responses((status = 200, description = "Events in order", body = EventPage)))]
pub(crate) async fn list_events(
    State(app): State<Shared>,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventPage>, Problem> {
    let since = query.since.unwrap_or_default();
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let items = app.log.since(since, limit).await;
    let items = items.map_err(|e| Problem::internal("reading events", &e))?;
    let rev = items.last().map_or(since, |event| event.rev);
    Ok(Json(EventPage { items, rev }))
}

/// Opens a stream of events and progress as JSON text frames, each an `Event`.
///
/// The client offers `Sec-WebSocket-Protocol: nestr.v1, ticket.TICKET` with a ticket of `POST /api/ws-tickets`.
/// Close codes: 1001 the Engine stops; 4408 the client did not read; 4409 `since` is ahead of the log, start again from 0.
#[utoipa::path(get, path = "/ws", tag = "events", operation_id = "watchEvents", params(WatchQuery),
    responses((status = 101, description = "The stream is open")))]
pub(crate) async fn watch_events(
    State(app): State<Shared>,
    local: Option<Extension<LocalAddress>>,
    Query(query): Query<WatchQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    if !app.hosts.accept_origin(&headers, local.map(|Extension(local)| local.0)) {
        return Err(Problem::new(Code::MisdirectedHost, "the Origin is not this Engine's page"));
    }
    let upgrade = upgrade.map_err(|e| Problem::new(Code::BadRequest, e.body_text()))?;
    let ticket = offered_ticket(&headers).ok_or_else(|| {
        let detail = "the handshake must offer `nestr.v1` and one `ticket.…`";
        Problem::new(Code::Unauthenticated, detail).hint("ask POST /api/ws-tickets for a ticket")
    })?;
    let Some(subject) = app.tickets.redeem(ticket) else {
        return Err(Problem::new(Code::Unauthenticated, "the ticket is unknown, used or too old")
            .hint("ask POST /api/ws-tickets for a new one"));
    };
    tracing::debug!(subject, since = query.since, "event stream opened");
    Ok(upgrade
        .protocols([PROTOCOL])
        .max_message_size(socket::MAX_INCOMING_BYTES)
        .max_frame_size(socket::MAX_INCOMING_BYTES)
        .on_upgrade(move |stream| socket::run(app, stream, query.since)))
}

fn offered_ticket(headers: &HeaderMap) -> Option<&str> {
    let offers: Vec<&str> = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let mut tickets = offers.iter().filter_map(|offer| offer.strip_prefix("ticket."));
    match (offers.contains(&PROTOCOL), tickets.next(), tickets.next()) {
        (true, Some(ticket), None) => Some(ticket),
        _ => None,
    }
}
