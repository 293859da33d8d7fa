//! Equal trees give equal bytes; different ones do not.

use std::num::NonZeroUsize;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{XattrFlags, setxattr};

use super::kit::Bench;
use crate::{PackOptions, Packed};

fn noise(n: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] & 0x3f
    };
    (0..n).map(|_| next()).collect()
}

fn fill(bench: &Bench, order: impl Iterator<Item = usize>) {
    for n in order {
        bench.file(format!("pkg-{}/file-{n}", n % 7), &noise(n * 37 % 9_000, 7));
    }
    bench.file("big", &noise(100_000, 3));
    bench.file("another-big", &noise(70_001, 4));
    symlink("big", bench.source().join("link")).unwrap();
    std::fs::hard_link(bench.source().join("big"), bench.source().join("big-too")).unwrap();
    let mut holes = noise(30_000, 5);
    holes.resize(2_500_000, 0);
    holes.extend(noise(30_000, 6));
    bench.file("pkg-1/holes", &holes);
    let order = [("user.b", "2"), ("user.a", "1")];
    for (name, value) in order {
        let path = bench.source().join("pkg-2");
        setxattr(path, name, value.as_bytes(), XattrFlags::empty()).unwrap();
    }
}

fn pack_with_threads(bench: &Bench, n: usize) -> Packed {
    let threads = NonZeroUsize::new(n).unwrap();
    let store = bench.path("store");
    if store.exists() {
        std::fs::remove_dir_all(store).unwrap();
    }
    bench.pack_as(&PackOptions { threads, ..bench.options() }, 8192).unwrap()
}

#[test]
fn neither_threads_nor_order_nor_times_change_a_byte() {
    let bench = Bench::new();
    fill(&bench, 0..200);
    let first = pack_with_threads(&bench, 1);
    let bytes = std::fs::read(&first.archive).unwrap();
    assert!(first.frames > 30, "{}", first.frames);
    for n in [2, 3, 7, 8, 64] {
        let again = pack_with_threads(&bench, n);
        assert_eq!(again.digest, first.digest, "{n} threads");
        assert_eq!(std::fs::read(&again.archive).unwrap(), bytes);
    }
    // Another file system, which lists directories in another order and keeps other holes.
    let memory = Bench::in_memory();
    fill(&memory, (0..200).map(|n| n * 77 % 200));
    assert_eq!(pack_with_threads(&memory, 2).digest, first.digest);
    let other = Bench::new();
    fill(&other, (0..200).rev());
    let file = std::fs::File::options().write(true).open(other.source().join("big")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    let other = pack_with_threads(&other, 2);
    assert_eq!((other.digest, other.tree), (first.digest, first.tree));
}

#[test]
fn the_mtime_asked_for_changes_the_archive_and_not_the_tree() {
    let bench = Bench::new();
    bench.file("a", b"a");
    let zero = bench.pack();
    let dated = bench.pack_as(&PackOptions { mtime: 1, ..bench.options() }, 8192).unwrap();
    assert_ne!(zero.digest, dated.digest);
    assert_eq!(zero.tree, dated.tree);
}

#[test]
fn every_property_of_a_tree_is_in_its_digest() {
    type Change = fn(&Path);
    let changes: [Change; 8] = [
        |_| {},
        |t| std::fs::write(t.join("a"), b"other").unwrap(),
        |t| std::fs::set_permissions(t.join("a"), PermissionsExt::from_mode(0o700)).unwrap(),
        |t| std::fs::set_permissions(t.join("dir"), PermissionsExt::from_mode(0o701)).unwrap(),
        |t| {
            std::fs::remove_file(t.join("a")).unwrap();
            std::fs::hard_link(t.join("b"), t.join("a2")).unwrap();
        },
        |t| std::fs::remove_dir(t.join("dir/empty")).unwrap(),
        |t| {
            std::fs::remove_file(t.join("link")).unwrap();
            symlink("b", t.join("link")).unwrap();
        },
        |t| {
            // The same bytes as a file of its own.
            std::fs::remove_file(t.join("b")).unwrap();
            std::fs::copy(t.join("a"), t.join("b")).unwrap();
        },
    ];
    let digests = changes.map(|change| {
        let bench = Bench::new();
        bench.file("a", b"content");
        let source = bench.source();
        std::fs::hard_link(source.join("a"), source.join("b")).unwrap();
        symlink("a", source.join("link")).unwrap();
        std::fs::create_dir_all(source.join("dir/empty")).unwrap();
        change(&source);
        let packed = bench.pack();
        (packed.tree, packed.digest)
    });
    for (n, one) in digests.iter().enumerate() {
        for other in &digests[n + 1..] {
            assert_ne!(one.0, other.0);
            assert_ne!(one.1, other.1);
        }
    }
}
