//! Plans over random stores, and the going of one Pellet while every operation fails.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use durable_fs::{DiskFs, FaultyFs, Verdict};
use proptest::prelude::*;

use super::*;
use crate::Digest;
use crate::tests::kit::Bench;

fn item(n: u8, age: u64, bytes: u64) -> GcItem {
    GcItem { digest: Digest::of(&[n]), unix_nanos: 1_000 - age, bytes, needs: Vec::new() }
}

fn needing(needs: &[u8], item: GcItem) -> GcItem {
    GcItem { needs: needs.iter().map(|n| Digest::of(&[*n])).collect(), ..item }
}

#[test]
fn what_a_pellet_that_stays_needs_stays_too() {
    let items = [
        needing(&[3], item(0, 10, 10)),
        item(1, 20, 20),
        needing(&[2, 4], item(3, 30, 30)),
        needing(&[5], item(2, 40, 40)),
        item(5, 45, 50),
        item(4, 50, 60),
    ];
    let policy = GcPolicy { max_count: Some(1), ..GcPolicy::default() };
    let kept = plan(&items, &policy, 1_000);
    // Only 1 goes: 0 needs 3, which is itself to be brought back with 2 and 4, and 2 with 5.
    assert_eq!(kept.remove.iter().map(|r| r.bytes).collect::<Vec<_>>(), [20]);
    assert_eq!((kept.n_kept, kept.n_needed, kept.bytes_kept, kept.bytes_removed), (5, 4, 190, 20));
    let all = plan(&items, &GcPolicy { max_count: Some(0), ..GcPolicy::default() }, 1_000);
    assert_eq!((all.remove.len(), all.n_needed), (6, 0));
}

#[test]
fn each_limit_takes_the_oldest() {
    let items = [item(0, 10, 100), item(1, 20, 100), item(2, 30, 10), item(3, 500, 1)];
    let why = |policy: GcPolicy| -> Vec<_> {
        plan(&items, &policy, 1_000).remove.into_iter().map(|r| r.why).collect()
    };
    let none = GcPolicy::default();
    assert_eq!(why(none), []);
    assert_eq!(why(GcPolicy { max_age: Some(Duration::from_nanos(100)), ..none }), [GcWhy::Age]);
    assert_eq!(why(GcPolicy { max_count: Some(2), ..none }), [GcWhy::Count; 2]);
    // The third would fit, but is older than the second, which does not.
    assert_eq!(why(GcPolicy { max_bytes: Some(150), ..none }), [GcWhy::Size; 3]);
    assert_eq!(why(GcPolicy { max_bytes: Some(0), ..none }), [GcWhy::Size; 4]);
}

proptest! {
    #[test]
    fn a_plan_keeps_the_newest_within_every_limit(
        ages in prop::collection::vec((0u64..900, 0u64..50), 0..30),
        max_age in prop::option::of(0u64..900),
        max_count in prop::option::of(0u64..30),
        max_bytes in prop::option::of(0u64..600),
    ) {
        let items: Vec<_> =
            (0..).zip(&ages).map(|(n, (age, bytes))| item(n, *age, *bytes)).collect();
        let max_age = max_age.map(Duration::from_nanos);
        let plan = plan(&items, &GcPolicy { max_age, max_count, max_bytes }, 1_000);
        let gone: Vec<_> = plan.remove.iter().map(|r| r.digest).collect();
        let (removed, kept): (Vec<GcItem>, Vec<GcItem>) =
            items.iter().cloned().partition(|i| gone.contains(&i.digest));
        prop_assert_eq!(kept.len() as u64, plan.n_kept);
        prop_assert_eq!(kept.iter().map(|i| i.bytes).sum::<u64>(), plan.bytes_kept);
        prop_assert_eq!(removed.iter().map(|i| i.bytes).sum::<u64>(), plan.bytes_removed);
        prop_assert!(max_count.is_none_or(|max| plan.n_kept <= max));
        prop_assert!(max_bytes.is_none_or(|max| plan.bytes_kept <= max));
        let newest_removed = removed.iter().map(|i| i.unix_nanos).max().unwrap_or(0);
        prop_assert!(kept.iter().all(|i| i.unix_nanos >= newest_removed));
    }
}

#[test]
fn a_pellet_goes_whole_or_not_at_all() {
    let bench = Bench::in_memory();
    bench.file("a", b"a");
    bench.file("b", b"b");
    let other = bench.pack();
    bench.file("c", b"c");
    let store = bench.store();
    for at in 0.. {
        let packed = bench.pack();
        assert_eq!(list(&DiskFs, &store).unwrap().pellets.len(), 2);
        let fs = FaultyFs::new(Arc::new(DiskFs), move |op| match op.index == at {
            true => Verdict::Fail(io::Error::other("broken")),
            false => Verdict::Pass,
        });
        let removed = remove(&fs, &store, &packed.digest);
        let there = store.pellet(&packed.digest).unwrap();
        assert!(there.is_none_or(|p| p.archive.exists() && p.sidecar.exists()));
        if fs.n_ops() <= at {
            assert!(removed.unwrap());
            break;
        }
    }
    let left = list(&DiskFs, &store).unwrap().pellets;
    assert_eq!(left.iter().map(|p| p.digest).collect::<Vec<_>>(), [other.digest]);
    assert!(!remove(&DiskFs, &store, &Digest::of(b"unknown")).unwrap());
}
