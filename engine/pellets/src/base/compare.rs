//! Which entries of a tree an earlier Pellet holds already, and which whole frames.

use std::cmp::Ordering;
use std::num::NonZeroU32;

use super::Known;
use crate::archive::Plan;
use crate::digest::Digest;
use crate::read::{Index, in_order};
use crate::sidecar::{EntryKind, SidecarEntry, SidecarFrame};
use crate::tree::{Entry, Kind};

/// What an earlier Pellet knows of the entries of a tree.
#[derive(Debug, Default)]
pub(crate) struct Same {
    /// By entry the one of the earlier Pellet that is the same in everything but times.
    pub(crate) entries: Vec<Option<At>>,
    /// Files that may be the same: only their content would tell.
    pub(crate) candidates: Vec<(usize, usize)>,
}

/// The position of an entry in the earlier Pellet; takes as little memory as nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At(NonZeroU32);

impl At {
    /// None for a position that no sidecar has that is read.
    pub(crate) fn new(at: usize) -> Option<Self> {
        NonZeroU32::new(u32::try_from(at).ok()?.checked_add(1)?).map(Self)
    }

    pub(crate) fn get(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Compares the entries of a tree with those of an earlier Pellet; nothing is read.
pub(crate) fn compare(entries: &[Entry], known: &Known<'_>, earlier: &[SidecarEntry]) -> Same {
    let mut same = Same { entries: vec![None; entries.len()], candidates: Vec::new() };
    let mut at = 0;
    for (index, entry) in entries.iter().enumerate() {
        let order = |other: &SidecarEntry| in_order(other.path.as_bytes(), &entry.path);
        while earlier.get(at).is_some_and(|other| order(other) == Ordering::Less) {
            at += 1;
        }
        let Some(other) = earlier.get(at).filter(|other| order(other) == Ordering::Equal) else {
            continue;
        };
        if !alike(entry, entries, other) {
            continue;
        }
        let is_file = matches!(entry.kind, Kind::File { .. });
        if !is_file || known.is_unchanged(at, &entry.stamp) {
            same.entries[index] = At::new(at);
        } else {
            same.candidates.push((index, at));
        }
    }
    same
}

/// Whether both have the same header in a tar stream and, where content comes from elsewhere, all else.
fn alike(entry: &Entry, entries: &[Entry], other: &SidecarEntry) -> bool {
    let target = other.target.as_ref().map(|target| target.as_bytes());
    let kind = match &entry.kind {
        Kind::File { size } => {
            let told = entry.sparse().map(|sparse| sparse.data.iter());
            let holes = match (told, &other.sparse) {
                (None, None) => true,
                (Some(data), Some(segments)) => {
                    data.map(|s| (s.offset, s.len)).eq(segments.iter().copied())
                }
                _ => false,
            };
            other.kind == EntryKind::File && other.size == Some(*size) && holes
        }
        Kind::Directory => other.kind == EntryKind::Directory,
        Kind::Symlink { target: ours } => {
            other.kind == EntryKind::Symlink && target == Some(&**ours)
        }
        Kind::HardLink { of } => {
            let first = entries.get(*of).map(|first| &*first.path);
            other.kind == EntryKind::Hardlink && target == first
        }
    };
    kind && entry.mode == other.mode && entry.attribute_pairs().eq(other.attribute_pairs())
}

impl Same {
    /// The digests of files that need not be hashed, by entry.
    pub(crate) fn contents(&self, earlier: &[SidecarEntry]) -> Vec<Option<Digest>> {
        self.entries.iter().map(|at| earlier[(*at)?.get()].blake3).collect()
    }

    /// By frame of `plan` the one of the earlier archive with the same content.
    pub(crate) fn frames(&self, plan: &Plan, index: &Index<'_>) -> Vec<Option<SidecarFrame>> {
        (0..plan.frames.len()).map(|frame| self.frame(plan, frame, index)).collect()
    }

    fn frame(&self, plan: &Plan, frame: usize, index: &Index<'_>) -> Option<SidecarFrame> {
        let frame = plan.frames[frame];
        let first = plan.places.get(frame.first)?;
        let earlier_first = (*self.entries.get(frame.first)?)?.get();
        // As far into the entry as here, a frame must begin there.
        let into = frame.start.checked_sub(first.offset)?;
        let start = index.start(earlier_first) + into;
        let earlier = *index.sidecar.frames.get(index.frame_at(start)?)?;
        let end = start + u64::from(earlier.content);
        if frame.end - frame.start != u64::from(earlier.content) {
            return None;
        }
        let mut at = earlier_first;
        let places = plan.places.iter().enumerate().skip(frame.first);
        for (i, place) in places.take_while(|(_, place)| place.offset < frame.end) {
            let header = index.sidecar.entries.get(at)?.header;
            if self.entries[i].map(At::get) != Some(at) || header != place.header_len {
                return None;
            }
            at += 1;
        }
        let n = index.sidecar.entries.len();
        // Neither holds another entry, and both hold the end of the stream or neither does.
        let ends = plan.places.last().is_some_and(|last| frame.end > last.end());
        let alone = if at == n { index.end(n - 1) < end } else { false };
        let apart = at == n || index.start(at) >= end;
        (apart && ends == alone).then_some(earlier)
    }
}
