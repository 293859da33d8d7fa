//! What differs between two Pellets, from their sidecars alone.

use std::cmp::Ordering;

use serde::Serialize;

use crate::read::{ReadError, in_order};
use crate::sidecar::{EntryKind, RawPath, Sidecar, SidecarEntry};

/// The differences, each list in the order of the format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PelletDiff {
    /// Whether the trees are equal; times and origin aside.
    pub equal: bool,
    /// Entries of the second alone.
    pub added: Vec<DiffEntry>,
    /// Entries of the first alone.
    pub removed: Vec<DiffEntry>,
    /// Entries of both that differ.
    pub changed: Vec<ChangedEntry>,
    /// Entries of both that do not.
    pub n_unchanged: u64,
}

/// An entry that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffEntry {
    /// Relative to the root.
    pub path: RawPath,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// An entry that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedEntry {
    /// Relative to the root.
    pub path: RawPath,
    /// In what.
    pub what: Vec<Aspect>,
    /// Bytes of a file on the first side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_before: Option<u64>,
    /// Bytes of a file on the second side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_after: Option<u64>,
}

/// In what an entry can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// What it is.
    Type,
    /// Its permission bits.
    Mode,
    /// Its bytes.
    Content,
    /// Where it leads.
    Target,
    /// Its extended attributes.
    Attributes,
}

/// Compares two Pellets.
///
/// # Errors
/// [`ReadError`] where a sidecar's entries are not in the order of the format.
pub fn diff(before: &Sidecar, after: &Sidecar) -> Result<PelletDiff, ReadError> {
    ordered(before)?;
    ordered(after)?;
    let mut diff = PelletDiff { equal: true, ..PelletDiff::default() };
    let (mut old, mut new) = (before.entries.iter().peekable(), after.entries.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => in_order(a.path.as_bytes(), b.path.as_bytes()),
        };
        let (a, b) = match order {
            Ordering::Less => (old.next(), None),
            Ordering::Greater => (None, new.next()),
            Ordering::Equal => (old.next(), new.next()),
        };
        diff.take(a, b);
    }
    diff.equal = diff.added.is_empty() && diff.removed.is_empty() && diff.changed.is_empty();
    Ok(diff)
}

impl PelletDiff {
    fn take(&mut self, old: Option<&SidecarEntry>, new: Option<&SidecarEntry>) {
        match (old, new) {
            (Some(old), None) => self.removed.push(DiffEntry::from(old)),
            (None, Some(new)) => self.added.push(DiffEntry::from(new)),
            (Some(old), Some(new)) => {
                let what = aspects(old, new);
                if what.is_empty() {
                    self.n_unchanged += 1;
                } else {
                    self.changed.push(ChangedEntry {
                        path: new.path.clone(),
                        what,
                        size_before: old.size,
                        size_after: new.size,
                    });
                }
            }
            (None, None) => {}
        }
    }
}

fn aspects(old: &SidecarEntry, new: &SidecarEntry) -> Vec<Aspect> {
    let kind = old.kind != new.kind;
    let content = !kind && (old.size, old.blake3) != (new.size, new.blake3);
    let target = !kind && old.target != new.target;
    [
        (kind, Aspect::Type),
        (old.mode != new.mode, Aspect::Mode),
        (content, Aspect::Content),
        (target, Aspect::Target),
        (old.attributes != new.attributes, Aspect::Attributes),
    ]
    .into_iter()
    .filter_map(|(differs, aspect)| differs.then_some(aspect))
    .collect()
}

fn ordered(sidecar: &Sidecar) -> Result<(), ReadError> {
    let sorted = sidecar
        .entries
        .is_sorted_by(|a, b| in_order(a.path.as_bytes(), b.path.as_bytes()) == Ordering::Less);
    if sorted {
        return Ok(());
    }
    Err(ReadError::damaged("entry-order", "the entries of a sidecar are not in order"))
}

impl From<&SidecarEntry> for DiffEntry {
    fn from(entry: &SidecarEntry) -> Self {
        Self { path: entry.path.clone(), kind: entry.kind, size: entry.size }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use durable_fs::DiskFs;

    use super::*;
    use crate::tests::kit::Bench;

    #[test]
    fn every_kind_of_difference_is_told_once() {
        let bench = Bench::new();
        let source = bench.source();
        for name in ["same", "content", "mode", "removed", "a/b", "type"] {
            bench.file(name, b"x");
        }
        symlink("old", source.join("link")).unwrap();
        let before = Sidecar::read(&DiskFs, &bench.pack().sidecar).unwrap();
        bench.file("content", b"yy");
        bench.file("a!", b"new");
        std::fs::set_permissions(source.join("mode"), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::remove_file(source.join("removed")).unwrap();
        std::fs::remove_file(source.join("type")).unwrap();
        std::fs::create_dir(source.join("type")).unwrap();
        std::fs::remove_file(source.join("link")).unwrap();
        symlink("new", source.join("link")).unwrap();
        let after = Sidecar::read(&DiskFs, &bench.pack().sidecar).unwrap();
        let diff = diff(&before, &after).unwrap();
        let changed: Vec<_> =
            diff.changed.iter().map(|c| (c.path.as_path().to_str().unwrap(), &*c.what)).collect();
        assert_eq!(
            changed,
            [
                ("content", &[Aspect::Content][..]),
                ("link", &[Aspect::Target]),
                ("mode", &[Aspect::Mode]),
                ("type", &[Aspect::Type, Aspect::Mode]),
            ]
        );
        assert_eq!(
            diff.added.iter().map(|e| e.path.as_path().to_str().unwrap()).collect::<Vec<_>>(),
            ["a!"]
        );
        assert_eq!(diff.removed.len(), 1);
        assert_eq!((diff.n_unchanged, diff.equal), (3, false));
        assert!(super::diff(&after, &after).unwrap().equal);
        let mut shuffled = after.clone();
        shuffled.entries.swap(0, 1);
        assert_eq!(super::diff(&after, &shuffled).unwrap_err().code(), "entry-order");
    }
}
