//! What a packing takes over from an earlier Pellet.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};

use super::{At, Base, Known, Same, compare, hash_files};
use crate::archive::{Plan, Reuse};
use crate::digest::Digest;
use crate::error::PackError;
use crate::observer::PackObserver;
use crate::profile::Parameters;
use crate::read::{Index, Limits};
use crate::sidecar::{CREATED_BY, Layer};
use crate::tree::Tree;

/// What is known of a tree through an earlier Pellet; nothing where there is none.
#[derive(Debug, Default)]
pub(crate) struct Against<'a> {
    base: Option<&'a Base>,
    same: Same,
    /// Digests of files that need not be hashed, by entry; empty where there is no earlier Pellet.
    pub(crate) contents: Vec<Option<Digest>>,
    /// Where a delta is packed.
    pub(crate) delta: Option<DeltaPlan>,
}

/// What a delta leaves to earlier archives.
#[derive(Debug)]
pub(crate) struct DeltaPlan {
    pub(crate) base: Digest,
    pub(crate) layers: Vec<Layer>,
    /// Of the layers.
    pub(crate) digests: Vec<Digest>,
    /// By entry, where it stands if not here.
    pub(crate) elsewhere: Vec<Option<Elsewhere>>,
}

/// A place in the archive of a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elsewhere {
    pub(crate) layer: u32,
    pub(crate) frame: u64,
    pub(crate) offset: u64,
    pub(crate) header: u64,
}

impl<'a> Against<'a> {
    /// Compares `tree` with `base`. For a delta, which may need `max_layers` earlier archives, files whose times
    /// tell nothing are hashed, by `threads`.
    pub(crate) fn of(
        base: &'a Base,
        known: &Known<'_>,
        max_layers: Option<NonZeroU32>,
        tree: &Tree,
        threads: NonZeroUsize,
        observer: &dyn PackObserver,
    ) -> Result<Self, PackError> {
        let earlier = &base.sidecar.entries;
        let mut same = compare(&tree.entries, known, earlier);
        let mut hashed = Vec::new();
        if max_layers.is_some() {
            let maybe: HashMap<usize, usize> = same.candidates.iter().copied().collect();
            let files: Vec<usize> = same.candidates.iter().map(|(file, _)| *file).collect();
            hashed = hash_files(tree, &files, threads, observer)?;
            for (file, digest) in &hashed {
                let at = maybe.get(file).copied();
                let at = at.filter(|at| earlier[*at].blake3 == Some(*digest));
                same.entries[*file] = at.and_then(At::new);
            }
        }
        let mut contents = same.contents(earlier);
        for (file, digest) in hashed {
            contents[file] = Some(digest);
        }
        let delta = max_layers.and_then(|max| DeltaPlan::of(base, &same, max.get()));
        Ok(Self { base: Some(base), same, contents, delta })
    }

    /// Whether the archive does not hold the entry at `index`.
    pub(crate) fn is_elsewhere(&self, index: usize) -> bool {
        self.delta.as_ref().is_some_and(|delta| delta.elsewhere[index].is_some())
    }

    /// The frames of `plan` that the earlier archive holds as they are: only where the same program would
    /// write them in the same way.
    pub(crate) fn reuse(&self, plan: &Plan, parameters: &Parameters) -> Option<Reuse<'a>> {
        let base = self.base.filter(|base| {
            base.sidecar.delta.is_none()
                && base.sidecar.parameters == *parameters
                && base.sidecar.created_by == CREATED_BY
                && self.delta.is_none()
        })?;
        let index = Index::check(&base.sidecar, &base.archive, &Limits::default()).ok()?;
        let frames = self.same.frames(plan, &index);
        Some(Reuse { archive: &base.archive, frames })
    }
}

impl DeltaPlan {
    /// None where nothing is shared, or where more than `max_layers` archives would be needed: then the tree
    /// is packed whole, and a new chain begins.
    fn of(base: &Base, same: &Same, max_layers: u32) -> Option<Self> {
        let all = base.layers();
        let earlier = &base.sidecar.entries;
        let layer_of = |at: usize| usize::try_from(earlier[at].layer).unwrap_or(usize::MAX);
        let mut needed = vec![false; all.len()];
        for at in same.entries.iter().flatten() {
            *needed.get_mut(layer_of(at.get()))? = true;
        }
        let mut numbers = vec![0; all.len()];
        let mut layers = Vec::new();
        for (at, layer) in all.into_iter().enumerate().filter(|(at, _)| needed[*at]) {
            layers.push(layer);
            numbers[at] = u32::try_from(layers.len()).ok()?;
        }
        if layers.is_empty() || layers.len() > usize::try_from(max_layers).unwrap_or(usize::MAX) {
            return None;
        }
        let elsewhere = same.entries.iter().map(|at| {
            let at = (*at)?.get();
            let entry = &earlier[at];
            let (frame, offset, header) = (entry.frame, entry.offset, entry.header);
            Some(Elsewhere { layer: numbers[layer_of(at)], frame, offset, header })
        });
        let elsewhere = elsewhere.collect();
        let digests = layers.iter().map(|layer| layer.digest).collect();
        Some(Self { base: base.sidecar.digest, layers, digests, elsewhere })
    }
}
