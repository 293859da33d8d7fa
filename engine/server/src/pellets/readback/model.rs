//! Requests as clients send them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where to bring a Pellet back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreRequest {
    /// Absolute path of the tree, in a folder beneath one of the Engine's roots.
    #[schema(min_length = 1, max_length = 4096)]
    pub(crate) target: String,
    /// Only this entry of the Pellet and what is below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4096)]
    pub(crate) only: Option<String>,
    /// Whether what stands at the target may be replaced, in one step.
    #[serde(default)]
    pub(crate) replace: bool,
    /// Whether to wait until the tree is durable before it gets its name.
    #[serde(default)]
    pub(crate) sync: bool,
    /// Whether an attribute that the file system does not take ends the restore.
    #[serde(default)]
    pub(crate) strict: bool,
    /// Public ed25519 keys, 64 hexadecimal digits each, of which one must have signed the Pellet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 16)]
    pub(crate) trusted_keys: Vec<String>,
    /// Whether to run the tools of the tree as proof that it works; the configuration must allow it.
    #[serde(default)]
    pub(crate) verify_build: bool,
}
