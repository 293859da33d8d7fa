//! A store with several writers, dead ones, and one that died between renaming and recording.

use durable_fs::DiskFs;

use super::kit::Bench;
use crate::{Digest, PackOptions, RemovedWhy};

#[test]
fn the_same_tree_twice_is_one_pellet() {
    let bench = Bench::new();
    bench.file("a", b"a");
    let first = bench.pack();
    let options = PackOptions { name: "other".parse().unwrap(), ..bench.options() };
    let second = bench.pack_as(&options, 1 << 20).unwrap();
    assert!(!first.reused && second.reused);
    assert_eq!((&second.digest, &second.archive), (&first.digest, &first.archive));
    assert_eq!(bench.files_under("store").len(), 2);
}

#[test]
fn an_incomplete_pellet_is_replaced() {
    let bench = Bench::new();
    bench.file("a", b"a");
    let first = bench.pack();
    std::fs::remove_file(&first.sidecar).unwrap();
    let second = bench.pack();
    assert!(!second.reused);
    assert!(second.sidecar.exists());

    std::fs::write(&second.archive, b"cut short").unwrap();
    let third = bench.pack();
    assert!(!third.reused);
    assert_eq!(Digest::of(&std::fs::read(&third.archive).unwrap()), third.digest);
}

#[test]
fn writers_of_one_tree_do_not_disturb_each_other() {
    let bench = Bench::new();
    for n in 0..50u8 {
        bench.file(format!("{n}"), &[n; 300]);
    }
    let packed: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| bench.pack())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(packed.iter().filter(|p| !p.reused).count(), 1);
    assert_eq!(bench.files_under("store").len(), 2);
    assert_eq!(std::fs::read_dir(bench.path("store/.partial")).unwrap().count(), 0);
}

#[test]
fn recover_removes_what_nobody_recorded_and_nothing_else() {
    let bench = Bench::new();
    bench.file("a", b"a");
    let kept = bench.pack();
    bench.file("b", b"b");
    let lost = bench.pack();
    let store = bench.store();
    let dead = bench.path("store/.partial/0123456789abcdef");
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("tree.pellet"), b"half").unwrap();
    let living = store.staging(&DiskFs).unwrap();
    std::fs::create_dir(bench.path("store/notes")).unwrap();

    let removed = store.recover(&|digest| *digest == kept.digest).unwrap();
    let removed: Vec<_> = removed.into_iter().map(|r| (r.path, r.why)).collect();
    let lost_folder = store.folder(&lost.digest);
    assert_eq!(removed, [(dead, RemovedWhy::PartialWrite), (lost_folder, RemovedWhy::NotRecorded)]);
    assert!(living.path("").exists() && bench.path("store/notes").exists());
    assert_eq!(store.pellet(&kept.digest).unwrap().unwrap().archive, kept.archive);
    assert_eq!(store.pellet(&lost.digest).unwrap(), None);
    let sidecar = store.sidecar(&kept.digest).unwrap().unwrap();
    assert_eq!(sidecar.digest, kept.digest);
    drop(living);
    assert_eq!(std::fs::read_dir(bench.path("store/.partial")).unwrap().count(), 0);
}

#[test]
fn a_store_inside_the_tree_is_left_out() {
    let bench = Bench::new();
    bench.file("a", b"a");
    let store = crate::Store::open(std::sync::Arc::new(DiskFs), bench.source().join("s")).unwrap();
    let target = crate::Destination::Store(&store);
    let pack = || {
        super::kit::pack_on(&DiskFs, &bench.options(), 4096, &target, &crate::Unobserved).unwrap()
    };
    let first = pack();
    assert_eq!((first.digest, first.entries), (pack().digest, 2));
}
