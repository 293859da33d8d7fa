//! `GET /api/pellets/{digest}/diff/{other}`: what differs between two Pellets, from their sidecars alone.

use axum::Json;
use axum::extract::{Path, State};
use nestr_pellets::{Aspect, ChangedEntry, DiffEntry, EntryKind, PelletDiff, RawPath, Sidecar};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{IntoParams, ToSchema};

use super::problems::{parse_digest, read_problem};
use super::sidecar;
use crate::app::Shared;
use crate::http::query::Query;
use crate::problem::Problem;

const DEFAULT_LIMIT: usize = 500;
const MAX_LIMIT: usize = 5_000;

/// How much of a difference to tell.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// At most this many entries of each list, 1 to 5000.
    limit: Option<usize>,
}

/// What differs between two Pellets; the lists are in the order of the archives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PelletDifference {
    /// Whether the trees are equal; times and origin aside.
    equal: bool,
    /// Entries of the second alone.
    added: Vec<OneSidedEntry>,
    /// Entries of the first alone.
    removed: Vec<OneSidedEntry>,
    /// Entries of both that differ.
    changed: Vec<DifferingEntry>,
    /// How many were added, told or not.
    n_added: u64,
    /// How many were removed, told or not.
    n_removed: u64,
    /// How many were changed, told or not.
    n_changed: u64,
    /// How many are the same.
    n_unchanged: u64,
    /// Whether a list is shorter than its count, because of `limit`.
    truncated: bool,
}

/// An entry that only one of two Pellets has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneSidedEntry {
    /// Relative to the root.
    #[schema(schema_with = path_schema)]
    path: RawPath,
    /// `file`, `directory`, `symlink` or `hardlink`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: EntryKind,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    size: Option<u64>,
}

/// An entry that two Pellets have, but not the same.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DifferingEntry {
    /// Relative to the root.
    #[schema(schema_with = path_schema)]
    path: RawPath,
    /// In what: `type`, `mode`, `content`, `target`, `attributes`.
    #[schema(value_type = Vec<String>)]
    what: Vec<Aspect>,
    /// Bytes of a file in the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    size_before: Option<u64>,
    /// Bytes of a file in the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    size_after: Option<u64>,
}

/// Tells what differs between two Pellets.
#[utoipa::path(get, path = "/api/pellets/{digest}/diff/{other}", tag = "pellets", operation_id = "diffPellets",
    params(("digest" = String, Path, description = "64 hexadecimal digits; the Pellet before"),
        ("other" = String, Path, description = "64 hexadecimal digits; the Pellet after"), DiffQuery),
    responses((status = 200, description = "What was added, removed and changed", body = PelletDifference)))]
pub(crate) async fn diff_pellets(
    State(app): State<Shared>,
    Path((digest, other)): Path<(String, String)>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<PelletDifference>, Problem> {
    let (before, after) = (parse_digest(&digest)?, parse_digest(&other)?);
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let compare = move |[before, after]: [Sidecar; 2]| {
        let diff = nestr_pellets::diff(&before, &after).map_err(|e| read_problem(&e))?;
        Ok(Json(PelletDifference::of(diff, limit)))
    };
    sidecar::with(&app, [before, after], compare).await
}

impl PelletDifference {
    /// The first `limit` of each list, and how many there are.
    fn of(diff: PelletDiff, limit: usize) -> Self {
        let longest = diff.added.len().max(diff.removed.len()).max(diff.changed.len());
        Self {
            equal: diff.equal,
            n_added: diff.added.len() as u64,
            n_removed: diff.removed.len() as u64,
            n_changed: diff.changed.len() as u64,
            n_unchanged: diff.n_unchanged,
            truncated: longest > limit,
            added: diff.added.into_iter().take(limit).map(OneSidedEntry::from).collect(),
            removed: diff.removed.into_iter().take(limit).map(OneSidedEntry::from).collect(),
            changed: diff.changed.into_iter().take(limit).map(DifferingEntry::from).collect(),
        }
    }
}

impl From<DiffEntry> for OneSidedEntry {
    fn from(entry: DiffEntry) -> Self {
        Self { path: entry.path, kind: entry.kind, size: entry.size }
    }
}

impl From<ChangedEntry> for DifferingEntry {
    fn from(entry: ChangedEntry) -> Self {
        let ChangedEntry { path, what, size_before, size_after } = entry;
        Self { path, what, size_before, size_after }
    }
}

/// Text; where the bytes are not UTF-8, an object with their hexadecimal digits, as in the sidecar.
fn path_schema() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let hex = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("hex", text().description(Some("The bytes of a path that is not UTF-8.")))
        .required("hex");
    let form = OneOfBuilder::new().description(Some("Relative to the root."));
    form.item(text()).item(hex).build().into()
}
