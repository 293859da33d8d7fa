//! `GET /api/pellets` and `GET /api/pellets/{digest}`.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{Pellet, PelletPage};
use super::problems::{no_pellet, parse_digest};
use super::rows::{self, Cursor};
use crate::app::Shared;
use crate::http::query::Query;
use crate::problem::{Code, Problem};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// Which Pellets to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PelletQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200.
    limit: Option<usize>,
    /// Only Pellets of this tree digest.
    tree: Option<String>,
}

/// Lists Pellets, newest first.
#[utoipa::path(get, path = "/api/pellets", tag = "pellets", operation_id = "listPellets", params(PelletQuery),
    responses((status = 200, description = "A page of Pellets", body = PelletPage)))]
pub(crate) async fn list_pellets(
    State(app): State<Shared>,
    Query(query): Query<PelletQuery>,
) -> Result<Json<PelletPage>, Problem> {
    let refused = || Problem::new(Code::BadRequest, "`cursor` is not one this Engine gave");
    let cursor = query.cursor.as_deref().map(|text| Cursor::parse(text).ok_or_else(refused));
    let cursor = cursor.transpose()?;
    let tree =
        query.tree.as_deref().map(parse_digest).transpose()?.map(|digest| digest.to_string());
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let page = app.log.read(move |conn| rows::page(conn, cursor, tree.as_deref(), limit)).await;
    page.map(Json).map_err(|e| Problem::internal("listing pellets", &e))
}

/// Shows a Pellet.
#[utoipa::path(get, path = "/api/pellets/{digest}", tag = "pellets", operation_id = "showPellet",
    params(("digest" = String, Path, description = "64 hexadecimal digits")),
    responses((status = 200, description = "The Pellet", body = Pellet)))]
pub(crate) async fn show_pellet(
    State(app): State<Shared>,
    Path(digest): Path<String>,
) -> Result<Json<Pellet>, Problem> {
    let digest = parse_digest(&digest)?;
    let found = app.log.read(move |conn| rows::by_digest(conn, &digest.to_string())).await;
    found
        .map_err(|e| Problem::internal("reading the pellet", &e))?
        .map(Json)
        .ok_or_else(|| no_pellet(&digest))
}
