//! What the sidecar of a written archive says.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::archive::{Place, Plan};
use crate::base::{DeltaPlan, Elsewhere};
use crate::digest::Digest;
use crate::sidecar::{EntryKind, RawPath, SidecarAttribute, SidecarEntry, Totals};
use crate::tree::{Attribute, Entry, Kind, Sparse, Tree};

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

pub(super) fn entries(
    entries: Vec<Entry>,
    plan: &Plan,
    delta: Option<&DeltaPlan>,
    contents: &[Option<Digest>],
    dirs: Vec<Option<Digest>>,
) -> Vec<SidecarEntry> {
    let firsts: Vec<Option<RawPath>> = entries
        .iter()
        .map(|entry| match entry.kind {
            Kind::HardLink { of } => entries.get(of).map(|first| RawPath::from(&*first.path)),
            _ => None,
        })
        .collect();
    let places = plan.places.iter().zip(contents).zip(firsts).zip(dirs);
    let entry = |(index, (entry, (((place, content), first), merkle))): (usize, (Entry, _))| {
        let place: &Place = place;
        let elsewhere = delta.and_then(|delta| delta.elsewhere[index]);
        let here = || {
            let frame = plan.frame_at(place.offset);
            let offset = place.offset - plan.frames[frame].start;
            Elsewhere { layer: 0, frame: frame as u64, offset, header: place.header_len }
        };
        let place = elsewhere.unwrap_or_else(here);
        let content: &Option<Digest> = content;
        let pairs = |sparse: Sparse| sparse.data.iter().map(|s| (s.offset, s.len)).collect();
        let attribute = |a: Attribute| SidecarAttribute {
            name: RawPath::from(a.name),
            value: RawPath::from(a.value),
        };
        let (kind, size, target) = match entry.kind {
            Kind::File { size } => (EntryKind::File, Some(size), None),
            Kind::Directory => (EntryKind::Directory, None, None),
            Kind::Symlink { target } => (EntryKind::Symlink, None, Some(RawPath::from(target))),
            Kind::HardLink { .. } => (EntryKind::Hardlink, None, first),
        };
        SidecarEntry {
            path: RawPath::from(entry.path),
            kind,
            mode: entry.mode,
            size,
            blake3: *content,
            target,
            layer: place.layer,
            frame: place.frame,
            offset: place.offset,
            header: place.header,
            sparse: entry.sparse.map(pairs),
            attributes: entry.attributes.into_iter().map(attribute).collect(),
            merkle,
            mtime_ns: entry.stamp.mtime_ns(),
        }
    };
    entries.into_iter().zip(places).enumerate().map(entry).collect()
}

pub(super) fn rfc3339(unix_nanos: u64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_nanos))
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}
