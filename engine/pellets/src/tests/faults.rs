//! Each operation on the disk fails once, and each could be the last: never half a Pellet.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use durable_fs::{DiskFs, FaultyFs, Op, Verdict};

use super::kit::{Bench, pack_on};
use crate::{
    Base, Destination, Digest, ErrorKind, Limits, PackError, PackOptions, Packed, Sidecar,
    Unobserved,
};

const FRAME: u32 = 4096;

/// The operations of one packing, one per line; what is random in a path reads `*`.
fn protocol(bench: &Bench, target: &Destination<'_>) -> String {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let root = bench.path("").canonicalize().unwrap();
    let fs = FaultyFs::new(Arc::new(DiskFs), move |op| {
        let path = op.path.strip_prefix(&root).unwrap_or(&op.path).to_string_lossy().into_owned();
        let is_random =
            |part: &&str| part.len() >= 16 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let random = path.split(['/', '.']).find(is_random).unwrap_or("*").to_owned();
        log.lock().unwrap().push(format!("{:?} {}", op.kind, path.replace(&random, "*")));
        Verdict::Pass
    });
    pack_on(&fs, &bench.options(), 1 << 20, target, &Unobserved).unwrap();
    let seen = seen.lock().unwrap();
    seen.join("\n")
}

/// What is renamed was synced before, and the folder that received it is synced afterwards.
#[test]
fn nothing_gets_its_name_before_it_is_durable() {
    let bench = bench();
    let store = bench.store();
    insta::assert_snapshot!(protocol(&bench, &Destination::Store(&store)), @r"
    CreateDir store/.partial/*
    Create store/.partial/*/tree.pellet
    Write store/.partial/*/tree.pellet
    Write store/.partial/*/tree.pellet
    Sync store/.partial/*/tree.pellet
    Create store/.partial/*/tree.meta.json
    Write store/.partial/*/tree.meta.json
    Sync store/.partial/*/tree.meta.json
    List store/*
    CreateDir store/*
    SyncDir store
    Rename store/*/tree.pellet
    Rename store/*/tree.meta.json
    SyncDir store/*
    Remove store/.partial/*
    ");
    std::fs::create_dir(bench.path("out")).unwrap();
    let target = Destination::File(bench.path("out/FILE.pellet"));
    insta::assert_snapshot!(protocol(&bench, &target), @r"
    List out
    CreateDir out/.FILE.pellet.*.partial
    Create out/.FILE.pellet.*.partial/tree.pellet
    Write out/.FILE.pellet.*.partial/tree.pellet
    Write out/.FILE.pellet.*.partial/tree.pellet
    Sync out/.FILE.pellet.*.partial/tree.pellet
    Create out/.FILE.pellet.*.partial/tree.meta.json
    Write out/.FILE.pellet.*.partial/tree.meta.json
    Sync out/.FILE.pellet.*.partial/tree.meta.json
    Rename out/FILE.meta.json
    Rename out/FILE.pellet
    SyncDir out
    Remove out/.FILE.pellet.*.partial
    ");
}

/// How an operation fails.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Error,
    Torn,
    Full,
    /// This operation and all later ones, clean-up included: as if the process were killed.
    Dead,
}

const FAULTS: [Fault; 4] = [Fault::Error, Fault::Torn, Fault::Full, Fault::Dead];

impl Fault {
    fn judge(self, at: u64) -> impl Fn(&Op) -> Verdict + Send + Sync + 'static {
        let full = || io::ErrorKind::StorageFull.into();
        move |op| match self {
            Self::Dead if op.index >= at => Verdict::Tear(7, io::Error::other("dead")),
            _ if op.index != at => Verdict::Pass,
            Self::Error | Self::Dead => Verdict::Fail(io::Error::other("broken")),
            Self::Torn => Verdict::Tear(100, full()),
            Self::Full => Verdict::Fail(full()),
        }
    }
}

fn bench() -> Bench {
    let bench = Bench::in_memory();
    for n in 0..10u8 {
        bench.file(format!("dir/{n}"), &vec![n; 1500]);
    }
    bench
}

/// Runs `attempt` with every operation failing in every way, until one run sees no fault.
fn each_fault(attempt: impl Fn(Fault, u64) -> bool) {
    for fault in FAULTS {
        let n_ops = (0..).find(|at| !attempt(fault, *at)).unwrap();
        assert!(n_ops > 10, "only {n_ops} operations were seen");
    }
}

/// Asserts that both files are whole and belong together.
fn assert_whole(archive: &Path, sidecar: &Path) -> Sidecar {
    let bytes = std::fs::read(archive).unwrap();
    let sidecar = Sidecar::parse(&std::fs::read(sidecar).unwrap()).unwrap();
    assert_eq!(Digest::of(&bytes), sidecar.digest);
    assert_eq!(bytes.len() as u64, sidecar.totals.bytes_out);
    sidecar
}

fn assert_told(result: &Result<Packed, PackError>, fault: Fault, at: u64) {
    if let Err(error) = result {
        let full = matches!(fault, Fault::Torn | Fault::Full);
        let want = if full { ErrorKind::NoSpace } else { ErrorKind::Internal };
        assert_eq!(error.kind(), want, "{fault:?} at {at}: {error}");
    }
}

#[test]
fn a_store_holds_a_whole_pellet_or_none() {
    let bench = bench();
    each_fault(|fault, at| {
        // The store is made beforehand, and opening it again is the first operation.
        let _ = std::fs::remove_dir_all(bench.path("store"));
        drop(bench.store());
        let fs = Arc::new(FaultyFs::new(Arc::new(DiskFs), {
            let judge = fault.judge(at + 1);
            move |op: &Op| judge(op)
        }));
        let store = bench.store_on(Arc::clone(&fs) as _);
        let target = Destination::Store(&store);
        let result = pack_on(&*fs, &bench.options(), FRAME, &target, &Unobserved);
        assert_told(&result, fault, at);
        if let Ok(packed) = &result {
            assert_whole(&packed.archive, &packed.sidecar);
        } else if !matches!(fault, Fault::Dead) {
            let left: Vec<PathBuf> = bench.files_under("store");
            assert!(left.is_empty(), "{fault:?} at {at} left {left:?}");
        }
        let recovered = bench.store();
        let known = result.as_ref().ok().map(|p| p.digest);
        recovered.recover(&|digest| Some(*digest) == known).unwrap();
        let left = bench.files_under("store");
        assert_eq!(left.len(), if result.is_ok() { 2 } else { 0 }, "{fault:?} at {at}: {left:?}");
        fs.n_ops() > at + 1
    });
}

/// The same for a signed delta against a Pellet of the store, which stays whatever happens.
#[test]
fn a_store_holds_a_whole_delta_or_none() {
    let bench = bench();
    let sparse = std::fs::File::create(bench.source().join("sparse")).unwrap();
    sparse.set_len(3 << 20).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    // Where the memory file system takes none, the holes alone are looked at.
    let _ = rustix::fs::setxattr(bench.source().join("dir/1"), "user.a", b"v", flags);
    let base = bench.pack_as(&bench.options(), FRAME).unwrap();
    bench.file("dir/3", b"changed");
    bench.file("new", &[9; 5000]);
    let opened = Base::open(&DiskFs, &base.archive, &base.sidecar, &Limits::default()).unwrap();
    let options = PackOptions {
        base: Some(Arc::new(opened)),
        delta: std::num::NonZeroU32::new(8),
        sign: Some(Arc::new(crate::sign::tests::signing_key(&bench))),
        ..bench.options()
    };
    each_fault(|fault, at| {
        let fs = Arc::new(FaultyFs::new(Arc::new(DiskFs), {
            let judge = fault.judge(at + 1);
            move |op: &Op| judge(op)
        }));
        let store = bench.store_on(Arc::clone(&fs) as _);
        let result = pack_on(&*fs, &options, FRAME, &Destination::Store(&store), &Unobserved);
        assert_told(&result, fault, at);
        let made = result.as_ref().ok().map(|p| p.digest);
        if let Ok(packed) = &result {
            assert_eq!(packed.layers, [base.digest]);
            let sidecar = assert_whole(&packed.archive, &packed.sidecar);
            assert!(sidecar.signature.is_some());
        }
        bench.store().recover(&|digest| *digest == base.digest || Some(*digest) == made).unwrap();
        assert_whole(&base.archive, &base.sidecar);
        let left = bench.files_under("store").len();
        assert_eq!(left, if result.is_ok() { 4 } else { 2 }, "{fault:?} at {at}");
        if let Some(made) = made {
            crate::remove(&DiskFs, &bench.store(), &made).unwrap();
        }
        fs.n_ops() > at + 1
    });
}

#[test]
fn a_new_file_is_whole_or_absent() {
    let bench = bench();
    let archive = bench.path("out/FILE.pellet");
    let sidecar = bench.path("out/FILE.meta.json");
    each_fault(|fault, at| {
        let _ = std::fs::remove_dir_all(bench.path("out"));
        std::fs::create_dir(bench.path("out")).unwrap();
        let fs = FaultyFs::new(Arc::new(DiskFs), fault.judge(at));
        let target = Destination::File(archive.clone());
        let result = pack_on(&fs, &bench.options(), FRAME, &target, &Unobserved);
        assert_told(&result, fault, at);
        if result.is_ok() || archive.exists() {
            assert_whole(&archive, &sidecar);
        }
        if result.is_err() && !matches!(fault, Fault::Dead) {
            let left = bench.files_under("out");
            assert!(left.is_empty(), "{fault:?} at {at} left {left:?}");
        }
        // The next run clears what the dead one left.
        pack_on(&DiskFs, &bench.options(), FRAME, &target, &Unobserved).unwrap();
        assert_eq!(bench.files_under("out").len(), 2, "{fault:?} at {at}");
        fs.n_ops() > at
    });
}

#[test]
fn a_replaced_file_is_the_old_pair_or_the_new_one() {
    let old = bench();
    let new = bench();
    new.file("new", b"new");
    let archive = new.path("out/FILE.pellet");
    let sidecar = new.path("out/FILE.meta.json");
    each_fault(|fault, at| {
        let _ = std::fs::remove_dir_all(new.path("out"));
        std::fs::create_dir(new.path("out")).unwrap();
        let target = Destination::File(archive.clone());
        let before = pack_on(&DiskFs, &old.options(), FRAME, &target, &Unobserved).unwrap();
        let fs = FaultyFs::new(Arc::new(DiskFs), fault.judge(at));
        let result = pack_on(&fs, &new.options(), FRAME, &target, &Unobserved);
        assert_told(&result, fault, at);
        match (&result, fault) {
            (Ok(after), _) => {
                assert_eq!(assert_whole(&archive, &sidecar).digest, after.digest);
            }
            // A death between the two renames may leave an archive without its sidecar, but never
            // a torn archive.
            (Err(_), Fault::Dead) => {
                let bytes = std::fs::read(&archive).unwrap();
                let whole =
                    Digest::of(&bytes) == before.digest || bytes.len() as u64 > before.bytes_out;
                assert!(whole, "{fault:?} at {at}");
            }
            (Err(_), _) => drop(assert_whole(&archive, &sidecar)),
        }
        pack_on(&DiskFs, &new.options(), FRAME, &target, &Unobserved).unwrap();
        assert_eq!(new.files_under("out").len(), 2, "{fault:?} at {at}");
        fs.n_ops() > at
    });
}
