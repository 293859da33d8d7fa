//! Whole trees of our own Pellets.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;

use super::contents::attributes;
use super::kit::{options, packed, remains, restore, times};
use crate::tests::kit::{Bench, snapshot};
use crate::tests::roundtrip::{build, step};
use crate::{ReadErrorKind, RestoreOptions, Way};

#[test]
fn a_tree_comes_back_with_modes_links_and_times() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let target = bench.path("out");
    let restored = restore(&options(&packed.archive, &target)).unwrap();
    assert_eq!(snapshot(&target), snapshot(&bench.source()));
    assert_eq!(times(&target), times(&bench.source()));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&target), mode(&bench.source()));
    assert_eq!((restored.digest, restored.entries), (Some(packed.digest), packed.entries));
    assert_eq!((restored.way, restored.verified, restored.replaced), (Way::Extract, true, false));
    assert_eq!(restored.bytes, packed.bytes_in);
    let big = fs::metadata(target.join("big")).unwrap();
    assert_eq!(big.ino(), fs::metadata(target.join("lib/big")).unwrap().ino());
    assert_eq!(remains(&target), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_tree_is_replaced_only_when_asked_for() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let target = bench.path("out");
    fs::create_dir(&target).unwrap();
    assert!(restore(&options(&packed.archive, &target)).unwrap().replaced, "an empty directory");
    fs::write(target.join("mine"), b"work").unwrap();
    let error = restore(&options(&packed.archive, &target)).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("target-exists", ReadErrorKind::TargetExists));
    assert_eq!(fs::read(target.join("mine")).unwrap(), b"work");
    let replace = RestoreOptions { replace: true, ..options(&packed.archive, &target) };
    assert!(restore(&replace).unwrap().replaced);
    assert_eq!(snapshot(&target), snapshot(&bench.source()));
    // A link is replaced itself, not what it leads to.
    let link = bench.path("link");
    std::os::unix::fs::symlink("out", &link).unwrap();
    assert_eq!(restore(&options(&packed.archive, &link)).unwrap_err().code(), "target-exists");
    restore(&RestoreOptions { target: link.clone(), ..replace }).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_dir());
    assert_eq!(remains(&target), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_folder_that_holds_what_is_read_is_not_replaced() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let project = bench.path("project");
    fs::create_dir_all(project.join("sub")).unwrap();
    let keep = |name: &str| {
        let to = project.join(name);
        fs::copy(&packed.archive, &to).unwrap();
        fs::copy(&packed.sidecar, to.with_extension("meta.json")).unwrap();
        to
    };
    let code = |options: RestoreOptions| restore(&options).unwrap_err().code();
    let (inside, deeper) = (keep("it.pellet"), keep("sub/it.pellet"));
    let before = snapshot(&project);
    for archive in [&inside, &deeper] {
        let whole = RestoreOptions { replace: true, ..options(archive, &project) };
        let foreign = RestoreOptions { sidecar: None, ..whole.clone() };
        let dotted = RestoreOptions { target: bench.path("project/../project"), ..whole.clone() };
        for options in [whole, foreign, dotted] {
            assert_eq!(code(options), "target-holds-source");
        }
    }
    let outside = options(&packed.archive, &project);
    let cache =
        RestoreOptions { cache: Some(project.join("sub")), replace: true, ..outside.clone() };
    assert_eq!(code(cache), "target-holds-source");
    let ancestor = RestoreOptions { ancestors: vec![inside], replace: true, ..outside.clone() };
    assert_eq!(code(ancestor), "target-holds-source");
    // A part that would take the place of the folder in which the archive lies.
    fs::create_dir(project.join("lib")).unwrap();
    let part = RestoreOptions {
        only: Some(crate::RawPath::from(std::path::Path::new("lib"))),
        replace: true,
        ..options(&keep("lib/it.pellet"), &project)
    };
    assert_eq!(code(part), "target-holds-source");
    fs::remove_dir_all(project.join("lib")).unwrap();
    assert_eq!(snapshot(&project), before);
    assert_eq!(remains(&project), Vec::<std::path::PathBuf>::new());
    // A link to it is replaced itself, and takes nothing away.
    let link = bench.path("link");
    std::os::unix::fs::symlink("project", &link).unwrap();
    restore(&RestoreOptions { replace: true, ..options(&deeper, &link) }).unwrap();
    assert_eq!(snapshot(&project), before);
}

#[test]
fn targets_that_are_none() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let code = |target: std::path::PathBuf| {
        restore(&options(&packed.archive, &target)).unwrap_err().code()
    };
    assert_eq!(code(bench.path("missing/out")), "path-not-found");
    assert_eq!(code(bench.path("out/..")), "target-unnamed");
    assert_eq!(code("/".into()), "target-exists");
    let missing = bench.path("missing.pellet");
    assert_eq!(
        restore(&options(&missing, &bench.path("out"))).unwrap_err().code(),
        "pellet-not-found"
    );
}

#[test]
fn special_bits_are_left_out_and_counted() {
    let bench = Bench::new();
    bench.file("su", b"x");
    fs::set_permissions(bench.source().join("su"), PermissionsExt::from_mode(0o6755)).unwrap();
    let packed = bench.pack();
    let target = bench.path("out");
    let restored = restore(&options(&packed.archive, &target)).unwrap();
    assert_eq!(fs::metadata(target.join("su")).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(restored.n_stripped, 1);
}

#[test]
fn a_cancelled_restore_leaves_the_target() {
    struct Cancel;
    impl crate::RestoreObserver for Cancel {
        fn cancelled(&self) -> bool {
            true
        }
    }
    let bench = Bench::new();
    let packed = packed(&bench);
    let target = bench.path("out");
    let clock = durable_fs::SystemClock::new();
    let options = options(&packed.archive, &target);
    let error = crate::restore(&durable_fs::DiskFs, &clock, &options, &Cancel).unwrap_err();
    assert_eq!(error.kind(), ReadErrorKind::Cancelled);
    assert!(!target.exists() && remains(&target).is_empty());
}

#[test]
fn a_durable_restore_is_the_same_tree() {
    let bench = Bench::in_memory();
    let packed = packed(&bench);
    let target = bench.path("out");
    for _ in 0..2 {
        let options = options(&packed.archive, &target);
        restore(&RestoreOptions { sync: true, replace: true, ..options }).unwrap();
        assert_eq!(snapshot(&target), snapshot(&bench.source()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_tree_comes_back(
        steps in prop::collection::vec(step(), 0..40),
        frame_size in prop_oneof![Just(4096u32), Just(16_384), Just(1 << 20)],
    ) {
        let bench = Bench::in_memory();
        build(&bench, &steps);
        let packed = bench.pack_as(&bench.options(), frame_size).unwrap();
        let target = bench.path("out");
        restore(&options(&packed.archive, &target)).unwrap();
        prop_assert_eq!(snapshot(&target), snapshot(&bench.source()));
        prop_assert_eq!(times(&target), times(&bench.source()));
        prop_assert_eq!(attributes(&target), attributes(&bench.source()));
        prop_assert!(remains(&target).is_empty());
        // The same bytes as from anybody: without sidecar, from the beginning, by one thread.
        let foreign = bench.path("foreign");
        let options = crate::RestoreOptions { sidecar: None, ..options(&packed.archive, &foreign) };
        restore(&options).unwrap();
        prop_assert_eq!(snapshot(&foreign), snapshot(&bench.source()));
        prop_assert_eq!(attributes(&foreign), attributes(&bench.source()));
    }
}
