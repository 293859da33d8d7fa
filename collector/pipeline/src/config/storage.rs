//! Where the log lives.

use std::path::PathBuf;

use serde::Deserialize;

use super::at::At;
use super::error::Finding;
use super::findings::Findings;
use super::tree::Tree;
use super::types::StorageConfig;
use super::units::{ByteSize, Interval};

/// An hour of 10 000 spans a second fits, and little of any disk goes.
const DEFAULT_MAX_BYTES: u64 = 1 << 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStorage {
    enabled: Option<bool>,
    directory: Option<PathBuf>,
    max_bytes: Option<ByteSize>,
    max_age: Option<Interval>,
    search: Option<bool>,
}

/// The folder of the log, and whether a log is kept at all.
pub(super) fn read_storage(tree: &Tree, found: &mut Findings) -> (Option<StorageConfig>, bool) {
    let Some(settings) = tree.get("storage") else { return (None, true) };
    let raw = settings.read().map_err(|e| e.within("storage"));
    let Some(raw): Option<RawStorage> = found.keep(raw) else { return (None, true) };
    if raw.enabled == Some(false) {
        return (None, false);
    }
    let at = settings.get("directory").map_or(settings.at, |folder| folder.at);
    let Some(directory) = raw.directory.filter(|d| !d.as_os_str().is_empty()) else {
        let fault = Finding::new(settings.at, "`directory` is missing").within("storage");
        found
            .faults
            .push(fault.hint("name a folder, or leave `storage` out to keep the log in memory"));
        return (None, true);
    };
    let max_bytes = raw.max_bytes.map_or(DEFAULT_MAX_BYTES, |b| b.0);
    let max_age = raw.max_age.map(|i| i.0).filter(|age| !age.is_zero());
    (Some(StorageConfig { directory, max_bytes, max_age, at }), raw.search != Some(false))
}

/// The storage that a bare folder means.
pub(super) fn storage_in(directory: PathBuf, at: At) -> StorageConfig {
    StorageConfig { directory, max_bytes: DEFAULT_MAX_BYTES, max_age: None, at }
}
