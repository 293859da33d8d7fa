//! One entry out of a sidecar's bytes, without reading the others.

use serde::Deserialize;

use super::error::ReadError;
use crate::sidecar::{RawPath, Sidecar, SidecarEntry, SidecarError, SidecarFrame};

/// Finds the entry of `path` and the frames; none where no entry has that path.
///
/// A sidecar of a large tree has tens of megabytes, and reading all of it takes longer than
/// decompressing the one file that is asked for. So the text is searched for the beginning of the entry
/// as we write it. Inside a JSON string its quotes would be escaped, so the text can stand nowhere
/// else. A sidecar that was written otherwise is read whole.
pub(crate) fn find_entry(
    bytes: &[u8],
    path: &RawPath,
) -> Result<Option<(SidecarEntry, Vec<SidecarFrame>)>, ReadError> {
    if let Some(frames) = array(bytes, b"\"frames\":[") {
        let needle = format!("{{\"path\":{},\"type\":", json(path)?);
        let mut from = memchr::memmem::find_iter(bytes, needle.as_bytes());
        if let Some(at) = from.next() {
            // Twice the same path is refused, as it is where the whole sidecar is read.
            if from.next().is_some() {
                let what = "a path is there twice";
                return Err(ReadError::refused("path-duplicate", what).on(path.as_bytes()));
            }
            if let Some(entry) = first::<SidecarEntry>(&bytes[at..]) {
                return Ok(Some((entry, frames)));
            }
        }
    }
    let sidecar = Sidecar::parse(bytes)?;
    let entry = sidecar.entries.into_iter().find(|e| e.path == *path);
    Ok(entry.map(|entry| (entry, sidecar.frames)))
}

fn json(path: &RawPath) -> Result<String, ReadError> {
    serde_json::to_string(path).map_err(|e| SidecarError::from(e).into())
}

fn array<T: for<'de> Deserialize<'de>>(bytes: &[u8], key: &[u8]) -> Option<Vec<T>> {
    let at = memchr::memmem::find(bytes, key)? + key.len() - 1;
    first(&bytes[at..])
}

/// The first JSON value of `bytes`.
fn first<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<T> {
    serde_json::Deserializer::from_slice(bytes).into_iter().next()?.ok()
}
