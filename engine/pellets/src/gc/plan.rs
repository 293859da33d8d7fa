//! Which Pellets a policy removes; a pure function.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use crate::digest::Digest;

/// What may stay; a limit that is not given does not limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GcPolicy {
    /// Pellets that are older go.
    pub max_age: Option<Duration>,
    /// Of what is left, the newest so many stay.
    pub max_count: Option<u64>,
    /// Of what is left, the newest stay as long as their archives fit into so many bytes together.
    pub max_bytes: Option<u64>,
}

/// A Pellet as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcItem {
    /// Which.
    pub digest: Digest,
    /// When it was packed or used last.
    pub unix_nanos: u64,
    /// Of its archive.
    pub bytes: u64,
    /// The Pellets that it cannot be brought back without.
    pub needs: Vec<Digest>,
}

/// Why a Pellet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GcWhy {
    /// It is too old.
    Age,
    /// There are too many newer ones.
    Count,
    /// The newer ones leave no room.
    Size,
}

/// A Pellet that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GcRemoval {
    /// Which.
    pub digest: Digest,
    /// Of its archive.
    pub bytes: u64,
    /// Why.
    pub why: GcWhy,
}

/// What goes and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GcPlan {
    /// Newest first.
    pub remove: Vec<GcRemoval>,
    /// Bytes of these.
    pub bytes_removed: u64,
    /// How many stay.
    pub n_kept: u64,
    /// Bytes of those.
    pub bytes_kept: u64,
    /// How many of them stay only because another one needs them, whatever the limits say.
    pub n_needed: u64,
}

/// Applies `policy` at `now`, nanoseconds since the Unix epoch. Equal ages are ordered by digest. What a
/// Pellet that stays needs stays too, and may exceed the limits.
#[must_use]
pub fn plan(items: &[GcItem], policy: &GcPolicy, now: u64) -> GcPlan {
    let mut items = items.to_vec();
    items.sort_unstable_by_key(|item| (std::cmp::Reverse(item.unix_nanos), item.digest));
    let oldest = policy
        .max_age
        .map(|age| now.saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)));
    let mut plan = GcPlan::default();
    let mut full = false;
    for item in &items {
        let bytes = plan.bytes_kept.saturating_add(item.bytes);
        // What is behind the first that does not fit is older than it and goes too: a small old
        // Pellet must not outlive a large newer one.
        full |= policy.max_bytes.is_some_and(|max| bytes > max);
        let why = if oldest.is_some_and(|oldest| item.unix_nanos < oldest) {
            Some(GcWhy::Age)
        } else if policy.max_count.is_some_and(|max| plan.n_kept >= max) {
            Some(GcWhy::Count)
        } else {
            full.then_some(GcWhy::Size)
        };
        if let Some(why) = why {
            plan.remove.push(GcRemoval { digest: item.digest, bytes: item.bytes, why });
            plan.bytes_removed = plan.bytes_removed.saturating_add(item.bytes);
        } else {
            plan.n_kept += 1;
            plan.bytes_kept = bytes;
        }
    }
    keep_needed(&mut plan, &items);
    plan
}

/// Takes back what would leave a Pellet that stays without one that it needs.
fn keep_needed(plan: &mut GcPlan, items: &[GcItem]) {
    let by_digest: HashMap<Digest, &GcItem> = items.iter().map(|i| (i.digest, i)).collect();
    let gone: HashSet<Digest> = plan.remove.iter().map(|removal| removal.digest).collect();
    let mut needed = HashSet::new();
    let mut todo: Vec<&GcItem> = items.iter().filter(|i| !gone.contains(&i.digest)).collect();
    while let Some(item) = todo.pop() {
        for digest in item.needs.iter().filter(|digest| gone.contains(*digest)) {
            if let Some(ancestor) = by_digest.get(digest).filter(|_| needed.insert(*digest)) {
                todo.push(ancestor);
            }
        }
    }
    let (kept, remove) =
        std::mem::take(&mut plan.remove).into_iter().partition(|r| needed.contains(&r.digest));
    plan.remove = remove;
    let kept: Vec<GcRemoval> = kept;
    let bytes = kept.iter().map(|removal| removal.bytes).fold(0, u64::saturating_add);
    plan.n_needed = kept.len() as u64;
    plan.n_kept += plan.n_needed;
    plan.bytes_kept = plan.bytes_kept.saturating_add(bytes);
    plan.bytes_removed = plan.bytes_removed.saturating_sub(bytes);
}
