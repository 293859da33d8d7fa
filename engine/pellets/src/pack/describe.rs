//! What the sidecar of a written archive says.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::archive::Plan;
use crate::base::{DeltaPlan, Elsewhere};
use crate::digest::Digest;
use crate::sidecar::{EntryKind, RawPath, Rows, SidecarAttribute, SidecarEntry, Totals};
use crate::tree::{Entry, Kind, Merkle, Sparse, Tree};

pub(super) fn totals(tree: &Tree, plan: &Plan, bytes_out: u64) -> Totals {
    let mut totals = Totals {
        entries: tree.entries.len() as u64,
        skipped: tree.n_skipped,
        ignored: tree.n_ignored,
        bytes_in: tree.bytes,
        bytes_tar: plan.frames.last().map_or(0, |f| f.end),
        bytes_out,
        ..Totals::default()
    };
    for entry in &tree.entries {
        *match entry.kind {
            Kind::File { .. } => &mut totals.files,
            Kind::Directory => &mut totals.directories,
            Kind::Symlink { .. } => &mut totals.symlinks,
            Kind::HardLink { .. } => &mut totals.hard_links,
        } += 1;
    }
    totals
}

/// The entries of a sidecar, each made when it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) plan: &'a Plan,
    pub(super) delta: Option<&'a DeltaPlan>,
    pub(super) contents: &'a [Option<Digest>],
    pub(super) merkle: &'a Merkle,
}

impl Rows for Described<'_> {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn row(&self, at: usize) -> SidecarEntry {
        let entry = &self.entries[at];
        let (kind, size, target) = match &entry.kind {
            Kind::File { size } => (EntryKind::File, Some(*size), None),
            Kind::Directory => (EntryKind::Directory, None, None),
            Kind::Symlink { target } => (EntryKind::Symlink, None, Some(&**target)),
            Kind::HardLink { of } => {
                (EntryKind::Hardlink, None, self.entries.get(*of).map(|first| &*first.path))
            }
        };
        let place = self.place(at);
        let pairs = |sparse: &Sparse| sparse.data.iter().map(|s| (s.offset, s.len)).collect();
        let attribute = |(name, value): (&[u8], &[u8])| SidecarAttribute {
            name: RawPath::from(name),
            value: RawPath::from(value),
        };
        SidecarEntry {
            path: RawPath::from(&*entry.path),
            kind,
            mode: entry.mode,
            size,
            blake3: self.contents.get(at).copied().flatten(),
            target: target.map(RawPath::from),
            layer: place.layer,
            frame: place.frame,
            offset: place.offset,
            header: place.header,
            sparse: entry.sparse().map(pairs),
            attributes: entry.attribute_pairs().map(attribute).collect(),
            merkle: self.merkle.dir(at).map(Box::new),
            mtime_ns: entry.stamp.mtime_ns(),
        }
    }
}

impl Described<'_> {
    /// Where the entry at this position stands, in this archive or an earlier one.
    fn place(&self, at: usize) -> Elsewhere {
        if let Some(elsewhere) = self.delta.and_then(|delta| delta.elsewhere[at]) {
            return elsewhere;
        }
        let place = &self.plan.places[at];
        let frame = self.plan.frame_at(place.offset);
        let offset = place.offset - self.plan.frames[frame].start;
        Elsewhere { layer: 0, frame: frame as u64, offset, header: place.header_len }
    }
}

pub(super) fn rfc3339(unix_nanos: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_nanos))
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}
