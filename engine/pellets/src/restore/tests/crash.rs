//! Every operation of a restore fails once, and every one could be the last: the target is the old tree
//! or the new one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use durable_fs::{DiskFs, FaultyFs, Op, Verdict};

use super::kit::{options, packed, remains, restore, restore_on};
use crate::tests::kit::{Bench, Thing, snapshot};
use crate::{Base, Limits, PackOptions, RawPath, ReadErrorKind, RestoreOptions};

type Tree = BTreeMap<PathBuf, Thing>;

/// How an operation fails.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Error,
    Full,
    /// This operation and all later ones, clean-up included: as if the process were killed.
    Dead,
}

impl Fault {
    fn judge(self, at: u64) -> impl Fn(&Op) -> Verdict + Send + Sync + 'static {
        move |op| match self {
            Self::Dead if op.index >= at => Verdict::Fail(io::Error::other("dead")),
            _ if op.index != at => Verdict::Pass,
            Self::Full => Verdict::Fail(io::ErrorKind::StorageFull.into()),
            Self::Error | Self::Dead => Verdict::Fail(io::Error::other("broken")),
        }
    }
}

fn old_tree(target: &Path) -> Tree {
    let _ = fs::remove_dir_all(target);
    fs::create_dir_all(target.join("old/dir")).unwrap();
    fs::write(target.join("old/file"), b"old").unwrap();
    snapshot(target)
}

/// Runs restores of which one operation fails, until one sees no fault; `before` prepares the target,
/// `new` is what it becomes.
pub(super) fn each_fault(options: &RestoreOptions, before: impl Fn() -> Tree, new: &Tree) {
    for fault in [Fault::Error, Fault::Full, Fault::Dead] {
        let mut n_ops = 0;
        loop {
            let old = before();
            let faulty = FaultyFs::new(Arc::new(DiskFs), fault.judge(n_ops));
            let done = restore_on(&faulty, options);
            let now = if options.target.exists() { snapshot(&options.target) } else { Tree::new() };
            assert!(now == old || now == *new, "{fault:?} at {n_ops}: {:?}", now.keys());
            match &done {
                Ok(_) => assert_eq!(now, *new, "{fault:?} at {n_ops}"),
                Err(e) => {
                    let full = matches!(fault, Fault::Full) && e.kind() == ReadErrorKind::NoSpace;
                    assert!(
                        full || e.kind() == ReadErrorKind::Internal,
                        "{fault:?} at {n_ops}: {e}"
                    );
                    let dead = matches!(fault, Fault::Dead);
                    assert!(dead || now == old, "{fault:?} at {n_ops}: {e}");
                }
            }
            if faulty.n_ops() <= n_ops {
                break;
            }
            n_ops += 1;
        }
        assert!(n_ops > 15, "only {n_ops} operations were seen");
    }
    // Whatever was left behind goes with the next restore.
    before();
    restore(options).unwrap();
    assert_eq!(remains(&options.target), Vec::<PathBuf>::new());
}

#[test]
fn a_tree_that_stands_is_replaced_in_one_step() {
    let bench = Bench::in_memory();
    let packed = packed(&bench);
    let target = bench.path("out");
    let options = RestoreOptions { replace: true, sync: true, ..options(&packed.archive, &target) };
    each_fault(&options, || old_tree(&target), &snapshot(&bench.source()));
}

#[test]
fn a_new_tree_appears_in_one_step() {
    let bench = Bench::in_memory();
    let packed = packed(&bench);
    let target = bench.path("out");
    let before = || {
        let _ = fs::remove_dir_all(&target);
        Tree::new()
    };
    each_fault(&options(&packed.archive, &target), before, &snapshot(&bench.source()));
}

#[test]
fn holes_and_attributes_are_there_with_the_tree_or_not_at_all() {
    let bench = Bench::in_memory();
    let source = bench.source();
    bench.file("dir/file", b"content");
    for n in 0..3u8 {
        let sparse = fs::File::create(source.join(format!("sparse-{n}"))).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&sparse, &[n; 5000], 1 << 20).unwrap();
        sparse.set_len(2 << 20).unwrap();
    }
    // Where the memory file system takes none, the holes alone are looked at.
    for path in ["dir", "dir/file", "sparse-1"] {
        let flags = rustix::fs::XattrFlags::empty();
        let _ = rustix::fs::setxattr(source.join(path), "user.a", b"v", flags);
    }
    let packed = bench.pack_as(&bench.options(), 8192).unwrap();
    let target = bench.path("out");
    let options = RestoreOptions { replace: true, ..options(&packed.archive, &target) };
    each_fault(&options, || old_tree(&target), &snapshot(&source));
}

/// Attributes on a disk that takes them, a signature that is asked for, and a file that comes in pieces.
#[test]
fn a_signed_tree_with_attributes_comes_back_in_one_step() {
    let bench = Bench::new();
    let source = bench.source();
    bench.file("dir/file", b"content");
    bench.file("large", &(0..160_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    for path in ["dir", "dir/file", "large"] {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(source.join(path), "user.a", b"v", flags).unwrap();
    }
    let key = crate::sign::tests::signing_key(&bench);
    let keys = vec![key.verifying()];
    let sign = PackOptions { sign: Some(Arc::new(key)), ..bench.options() };
    let packed = bench.pack_as(&sign, 200 << 10).unwrap();
    let target = bench.path("out");
    let options =
        RestoreOptions { replace: true, strict: true, keys, ..options(&packed.archive, &target) };
    each_fault(&options, || old_tree(&target), &snapshot(&source));
    restore(&options).unwrap();
    for path in ["dir", "dir/file", "large"] {
        let mut value = [0; 8];
        let n = rustix::fs::getxattr(target.join(path), "user.a", &mut value[..]).unwrap();
        assert_eq!(&value[..n], b"v", "{path}");
    }
}

#[test]
fn a_delta_comes_back_in_one_step() {
    let bench = Bench::in_memory();
    let first = packed(&bench);
    bench.file("lib/2/index.js", b"changed");
    bench.file("lib/new", b"new");
    let base = Base::open(&DiskFs, &first.archive, &first.sidecar, &Limits::default()).unwrap();
    let delta = PackOptions {
        base: Some(Arc::new(base)),
        delta: std::num::NonZeroU32::new(8),
        ..bench.options()
    };
    let second = bench.pack_as(&delta, 8192).unwrap();
    assert_eq!(second.layers, [first.digest]);
    let target = bench.path("out");
    let options = RestoreOptions { replace: true, ..options(&second.archive, &target) };
    each_fault(&options, || old_tree(&target), &snapshot(&bench.source()));
}

#[test]
fn a_part_is_replaced_in_one_step() {
    let bench = Bench::in_memory();
    let packed = packed(&bench);
    let target = bench.path("out");
    let new = {
        restore(&options(&packed.archive, &target)).unwrap();
        snapshot(&target)
    };
    let before = || {
        let _ = fs::remove_dir_all(&target);
        restore(&options(&packed.archive, &target)).unwrap();
        fs::remove_dir_all(target.join("lib/4")).unwrap();
        fs::write(target.join("lib/5/mine"), b"changed").unwrap();
        let before = snapshot(&target);
        // What is not asked for stays; so the new state is the old one with `lib/5` as it was.
        before
    };
    let mut expected = before();
    expected.retain(|path, _| !path.starts_with("lib/5"));
    expected.extend(new.into_iter().filter(|(path, _)| path.starts_with("lib/5")));
    let only = Some(RawPath::from(Path::new("lib/5")));
    let options = RestoreOptions { only, replace: true, ..options(&packed.archive, &target) };
    each_fault(&options, before, &expected);
}

/// The same with a process that is really killed: this test runs itself, and the child kills itself
/// before the operation that it is told.
#[test]
fn kill_9_at_every_operation() {
    const ORDER: &str = "NESTR_TEST_RESTORE_KILL";
    if let Ok(order) = std::env::var(ORDER) {
        let (at, dir) = order.split_once(':').unwrap();
        let (at, dir) = (at.parse::<u64>().unwrap(), PathBuf::from(dir));
        let judge = move |op: &Op| {
            if op.index == at {
                let _ = rustix::process::kill_process(
                    rustix::process::getpid(),
                    rustix::process::Signal::KILL,
                );
            }
            Verdict::Pass
        };
        let store = dir.join("store");
        let archive = find_archive(&store);
        let options = RestoreOptions { replace: true, ..options(&archive, &dir.join("out")) };
        restore_on(&FaultyFs::new(Arc::new(DiskFs), judge), &options).unwrap();
        return;
    }
    let bench = Bench::in_memory();
    packed(&bench);
    let target = bench.path("out");
    let new = snapshot(&bench.source());
    let (mut n_old, mut n_new) = (0, 0);
    // Every operation is enumerated above; here the ends and a sample between them.
    for at in (0..8).chain((8..400).step_by(9)) {
        let old = old_tree(&target);
        let name = "restore::tests::crash::kill_9_at_every_operation";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(ORDER, format!("{at}:{}", bench.path("").display()))
            .output()
            .unwrap();
        let now = snapshot(&target);
        assert!(now == old || now == new, "killed at {at}");
        if child.status.success() {
            assert_eq!(now, new);
            break;
        }
        *if now == old { &mut n_old } else { &mut n_new } += 1;
    }
    assert!(n_old > 10, "{n_old} old, {n_new} new");
    old_tree(&target);
    let archive = find_archive(&bench.path("store"));
    restore(&RestoreOptions { replace: true, ..options(&archive, &target) }).unwrap();
    assert_eq!(remains(&target), Vec::<PathBuf>::new());
}

fn find_archive(store: &Path) -> PathBuf {
    let folders = fs::read_dir(store).unwrap().map(|f| f.unwrap().path());
    folders.map(|f| f.join("tree.pellet")).find(|p| p.exists()).unwrap()
}
