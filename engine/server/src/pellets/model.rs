//! Pellets and requests as clients see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stamp::Stamp;

/// What to pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompressRequest {
    /// Absolute path of a directory beneath one of the Engine's roots.
    #[schema(min_length = 1, max_length = 4096)]
    pub(crate) path: String,
    /// Name of the Pellet; the directory's own name without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
    pub(crate) name: Option<String>,
    /// How to pack.
    #[serde(default)]
    pub(crate) profile: PackProfile,
    /// Digest of a Pellet of the store: only what differs from it is packed, and the new one needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub(crate) delta_of: Option<String>,
}

/// How a tree is packed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PackProfile {
    /// Frames of 16 MiB: quick to make and to read from anywhere.
    #[default]
    Seekable,
    /// Frames of 128 MiB: smaller.
    Dense,
}

/// A packed tree.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Pellet {
    /// BLAKE3 of the archive, 64 hexadecimal digits; its identity.
    pub(crate) digest: String,
    pub(crate) name: String,
    /// BLAKE3 of the tree's content; equal trees have equal ones.
    pub(crate) tree: String,
    pub(crate) profile: String,
    pub(crate) origin: PelletOrigin,
    pub(crate) entries: u64,
    /// Bytes of file content.
    pub(crate) bytes_in: u64,
    /// Bytes of the archive.
    pub(crate) bytes_out: u64,
    /// `bytes_in` over `bytes_out`.
    pub(crate) ratio: f64,
    /// When these bytes were packed first.
    pub(crate) created_at: Stamp,
    /// How long the latest packing that gave these bytes took.
    pub(crate) duration_ms: u64,
    /// Trace of the latest packing that gave these bytes.
    pub(crate) trace_id: String,
}

/// Where a Pellet came from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PelletOrigin {
    /// Path of the tree when it was packed first.
    pub(crate) path: String,
}

/// A page of Pellets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PelletPage {
    /// Newest first.
    pub(crate) items: Vec<Pellet>,
    /// The `cursor` of the next page, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_cursor: Option<String>,
}

impl From<PackProfile> for nestr_pellets::Profile {
    fn from(profile: PackProfile) -> Self {
        match profile {
            PackProfile::Seekable => Self::Seekable,
            PackProfile::Dense => Self::Dense,
        }
    }
}
