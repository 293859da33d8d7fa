//! Whether a sidecar says the truth about its tree, and who said it.

use super::error::ReadError;
use crate::sidecar::{EntryKind, Sidecar};
use crate::sign::{VerifyingKey, authenticate};
use crate::tree::{TreeHasher, TreeRecord};

/// The digest of the tree follows from what the sidecar says of its entries.
pub(crate) fn assert_tree(sidecar: &Sidecar) -> Result<(), ReadError> {
    let mut hasher = TreeHasher::new();
    for entry in &sidecar.entries {
        let target = entry.target.as_ref().map(|t| t.as_bytes()).unwrap_or_default();
        let what = match (entry.kind, entry.size, &entry.blake3) {
            (EntryKind::File, Some(size), Some(content)) => TreeRecord::File { size, content },
            (EntryKind::Symlink, ..) => TreeRecord::Symlink { target },
            (EntryKind::Hardlink, ..) => TreeRecord::HardLink { first: target },
            _ => TreeRecord::Directory,
        };
        let added = hasher.add(entry.path.as_bytes(), entry.mode, what, entry.attribute_pairs());
        added.ok_or_else(|| {
            ReadError::refused("path-too-long", "a path exceeds 4 GiB").on(entry.path.as_bytes())
        })?;
    }
    let found = hasher.finish();
    if found == sidecar.tree {
        return Ok(());
    }
    let what = "the digest of the tree does not follow from the entries of the sidecar";
    Err(ReadError::damaged("tree-mismatch", what).instead(sidecar.tree, found))
}

/// Where keys are asked for: one of them signed the sidecar, and with it every entry. What is brought back is
/// compared with those entries, so the archive's own digest adds nothing.
pub(crate) fn assert_authentic(sidecar: &Sidecar, keys: &[VerifyingKey]) -> Result<(), ReadError> {
    let Some((first, others)) = keys.split_first() else { return Ok(()) };
    // What the signature is told to be by is only a hint; any of the keys may have made it.
    let by_first = authenticate(sidecar, Some(first));
    if by_first.is_err() && !others.iter().any(|key| authenticate(sidecar, Some(key)).is_ok()) {
        return by_first;
    }
    assert_tree(sidecar)
}
