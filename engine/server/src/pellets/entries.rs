//! `GET /api/pellets/{digest}/entries`: what a Pellet holds, from its sidecar.

use axum::Json;
use axum::extract::{Path, State};
use nestr_pellets::{EntryKind, Sidecar, SidecarEntry};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problems::parse_digest;
use super::sidecar;
use crate::app::Shared;
use crate::http::query::Query;
use crate::problem::Problem;

const DEFAULT_LIMIT: usize = 500;
const MAX_LIMIT: usize = 5_000;

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntryQuery {
    /// `next_cursor` of the page before.
    cursor: Option<u64>,
    /// At most this many, 1 to 5000.
    limit: Option<usize>,
    /// Only what lies below this directory.
    below: Option<String>,
}

/// An entry of a Pellet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PelletEntry {
    /// Relative to the root; bytes that are not UTF-8 are replaced.
    path: String,
    /// `file`, `directory`, `symlink` or `hardlink`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: EntryKind,
    /// Four octal digits.
    mode: String,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    size: Option<u64>,
    /// BLAKE3 of a file's content.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    blake3: Option<String>,
    /// Where a link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    target: Option<String>,
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryPage {
    /// In the order of the archive.
    items: Vec<PelletEntry>,
    /// The `cursor` of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<u64>,
}

/// Lists the entries of a Pellet.
#[utoipa::path(get, path = "/api/pellets/{digest}/entries", tag = "pellets", operation_id = "listPelletEntries",
    params(("digest" = String, Path, description = "64 hexadecimal digits"), EntryQuery),
    responses((status = 200, description = "A page of entries", body = EntryPage)))]
pub(crate) async fn list_pellet_entries(
    State(app): State<Shared>,
    Path(digest): Path<String>,
    Query(query): Query<EntryQuery>,
) -> Result<Json<EntryPage>, Problem> {
    let digest = parse_digest(&digest)?;
    let list = move |[sidecar]: [Sidecar; 1]| Ok(Json(EntryPage::of(sidecar, query)));
    sidecar::with(&app, [digest], list).await
}

impl EntryPage {
    /// The page that `query` asks for.
    fn of(sidecar: Sidecar, query: EntryQuery) -> Self {
        let below = query.below.map(|dir| format!("{}/", dir.trim_end_matches('/')).into_bytes());
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let first = usize::try_from(query.cursor.unwrap_or(0)).unwrap_or(usize::MAX);
        let wanted = |path: &[u8]| below.as_ref().is_none_or(|below| path.starts_with(below));
        let mut found = sidecar
            .entries
            .into_iter()
            .enumerate()
            .skip(first)
            .filter(|(_, entry)| wanted(entry.path.as_bytes()));
        let items = found.by_ref().take(limit).map(|(_, entry)| PelletEntry::from(entry)).collect();
        let next_cursor = found.next().map(|(at, _)| at as u64);
        Self { items, next_cursor }
    }
}

impl From<SidecarEntry> for PelletEntry {
    fn from(entry: SidecarEntry) -> Self {
        Self {
            path: entry.path.as_path().display().to_string(),
            kind: entry.kind,
            mode: format!("{:04o}", entry.mode),
            size: entry.size,
            blake3: entry.blake3.map(|digest| digest.to_string()),
            target: entry.target.map(|target| target.as_path().display().to_string()),
        }
    }
}
