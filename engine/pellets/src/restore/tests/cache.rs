//! Trees that share their files with an unpacked one, where that was asked for.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::kit::{options, packed, remains, restore, times};
use crate::tests::kit::{Bench, snapshot};
use crate::{RestoreOptions, Way};

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

#[test]
fn linked_trees_share_read_only_files() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let cache = bench.path("cache");
    let linked = |name: &str| RestoreOptions {
        cache: Some(cache.clone()),
        linked: true,
        ..options(&packed.archive, &bench.path(name))
    };
    for name in ["one", "two"] {
        let restored = restore(&linked(name)).unwrap();
        assert_eq!((restored.way, restored.frames), (Way::Linked, 0));
        assert_eq!(times(&bench.path(name)), times(&bench.source()));
    }
    let unpacked = cache.join(packed.digest.to_string());
    for file in ["bin/run", "big", "lib/big", "zero", "lib/4/index.js"] {
        let (one, two) = (bench.path("one").join(file), bench.path("two").join(file));
        assert_eq!(inode(&one), inode(&unpacked.join(file)), "{file}");
        assert_eq!(inode(&one), inode(&two), "{file}");
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o222, 0, "{file}");
        assert_eq!(fs::read(&one).unwrap(), fs::read(bench.source().join(file)).unwrap());
    }
    assert_eq!(
        fs::metadata(bench.path("one/bin/run")).unwrap().permissions().mode() & 0o777,
        0o555
    );
    assert_eq!(
        snapshot(&bench.path("one")).into_keys().collect::<Vec<_>>(),
        snapshot(&bench.source()).into_keys().collect::<Vec<_>>()
    );
    assert!(remains(&bench.path("one")).is_empty() && remains(&unpacked).is_empty());
}

#[test]
fn the_default_never_shares_an_inode() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let cache = bench.path("cache");
    let with_cache = |name: &str| RestoreOptions {
        cache: Some(cache.clone()),
        ..options(&packed.archive, &bench.path(name))
    };
    let restored = restore(&with_cache("one")).unwrap();
    restore(&with_cache("two")).unwrap();
    // This depends on the file system of the test; both keep the trees apart.
    assert!(matches!(restored.way, Way::Extract | Way::Reflink));
    assert_eq!(snapshot(&bench.path("one")), snapshot(&bench.source()));
    assert_ne!(inode(&bench.path("one/big")), inode(&bench.path("two/big")));
}

#[test]
fn a_shared_file_that_was_touched_is_shared_no_more() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let cache = bench.path("cache");
    let linked = |name: &str| RestoreOptions {
        cache: Some(cache.clone()),
        linked: true,
        ..options(&packed.archive, &bench.path(name))
    };
    restore(&linked("one")).unwrap();
    let file = bench.path("one/lib/4/index.js");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&file, b"poison").unwrap();
    let restored = restore(&linked("two")).unwrap();
    assert_eq!((restored.way, restored.verified), (Way::Extract, true));
    assert_eq!(snapshot(&bench.path("two")), snapshot(&bench.source()));
    // And the next one shares again, from a tree that was unpacked afresh.
    assert_eq!(restore(&linked("three")).unwrap().way, Way::Linked);
    let content = fs::read(bench.path("three/lib/4/index.js")).unwrap();
    assert_eq!(content, fs::read(bench.source().join("lib/4/index.js")).unwrap());
}
