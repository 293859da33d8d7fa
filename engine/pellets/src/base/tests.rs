//! Packing again: the same bytes with less work, and deltas that come back as the tree they stand for.

use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use durable_fs::{DiskFs, ManualClock};
use proptest::prelude::*;
use rustix::fs::{XattrFlags, setxattr};

use super::Base;
use crate::pack::pack_with;
use crate::tests::kit::{Bench, snapshot};
use crate::{
    Destination, Limits, PackOptions, Packed, RawPath, ReadError, RestoreOptions, Sidecar,
    Unobserved, Unwatched, Verified, VerifyOptions,
};

/// 2100-01-01: well after every ctime of these tests.
const LATER: Duration = Duration::from_secs(4_102_444_800);
const FRAME: u32 = 4096;

/// Makes a sidecar lie.
type Change = fn(&mut Sidecar);

fn pack(bench: &Bench, store: &str, options: &PackOptions) -> Packed {
    let store = crate::Store::open(Arc::new(DiskFs), bench.path(store)).unwrap();
    let mut parameters = options.profile.parameters(options.mtime);
    parameters.frame_size = FRAME;
    let (clock, destination) = (ManualClock::at(LATER), Destination::Store(&store));
    pack_with(&DiskFs, &clock, options, parameters, &destination, &Unobserved).unwrap()
}

fn base(packed: &Packed) -> Option<Arc<Base>> {
    let limits = Limits::default();
    Some(Arc::new(Base::open(&DiskFs, &packed.archive, &packed.sidecar, &limits).unwrap()))
}

fn against(bench: &Bench, packed: &Packed) -> PackOptions {
    PackOptions { base: base(packed), ..bench.options() }
}

fn delta(bench: &Bench, packed: &Packed, max: u32) -> PackOptions {
    PackOptions { delta: NonZeroU32::new(max), ..against(bench, packed) }
}

fn sidecar(packed: &Packed) -> Sidecar {
    Sidecar::read(&DiskFs, &packed.sidecar).unwrap()
}

fn restore(options: &RestoreOptions) -> Result<(), ReadError> {
    let clock = ManualClock::at(Duration::ZERO);
    crate::restore(&DiskFs, &clock, options, &Unwatched).map(|_| ())
}

fn verify(archive: &Path) -> Verified {
    let clock = ManualClock::at(Duration::ZERO);
    crate::verify(&DiskFs, &clock, &VerifyOptions::new(archive), &Unwatched).unwrap()
}

/// Many small files, a long one, links.
fn tree(bench: &Bench) {
    for n in 0..30u8 {
        bench.file(format!("dir-{}/{n:02}", n % 4), &vec![n; 700 + 13 * usize::from(n)]);
    }
    bench.file("long", &(0..9_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let source = bench.source();
    fs::hard_link(source.join("long"), source.join("twin")).unwrap();
    symlink("long", source.join("link")).unwrap();
    let sparse = fs::File::create(source.join("sparse")).unwrap();
    sparse.set_len(3 << 20).unwrap();
}

#[test]
fn what_did_not_change_is_copied_and_the_bytes_are_those_of_a_fresh_archive() {
    let bench = Bench::in_memory();
    tree(&bench);
    let first = pack(&bench, "store", &bench.options());
    assert_eq!(first.n_frames_reused, 0);
    bench.file("dir-2/06", b"changed");
    let again = pack(&bench, "again", &against(&bench, &first));
    let fresh = pack(&bench, "fresh", &bench.options());
    assert!(fs::read(&again.archive).unwrap() == fs::read(&fresh.archive).unwrap());
    assert_eq!(sidecar(&again), sidecar(&fresh));
    assert!(
        again.n_frames_reused > again.frames / 2,
        "{} of {}",
        again.n_frames_reused,
        again.frames
    );
    assert!(again.n_frames_reused < again.frames && again.layers.is_empty());
    let same = pack(&bench, "same", &against(&bench, &again));
    // The end of the stream may be alone in the last frame, which is then written anew.
    assert!(same.digest == again.digest && same.n_frames_reused + 1 >= again.frames);
}

#[test]
fn nothing_is_copied_that_could_have_changed_unseen_or_would_be_written_otherwise() {
    let bench = Bench::in_memory();
    tree(&bench);
    // Packed on a clock that is behind every ctime, as if the tree had been written a moment before.
    let racy = bench.pack_as(&bench.options(), FRAME).unwrap();
    assert_eq!(pack(&bench, "racy", &against(&bench, &racy)).n_frames_reused, 0);
    let first = pack(&bench, "store-2", &bench.options());
    let other = PackOptions { mtime: 1, ..against(&bench, &first) };
    assert_eq!(pack(&bench, "mtime", &other).n_frames_reused, 0);
    // A rewritten file of the same size and time is told by its ctime.
    let path = bench.source().join("dir-1/05");
    let meta = fs::metadata(&path).unwrap();
    let content = vec![0xee; usize::try_from(meta.len()).unwrap()];
    fs::write(&path, content).unwrap();
    fs::File::open(&path).unwrap().set_modified(meta.modified().unwrap()).unwrap();
    let again = pack(&bench, "again", &against(&bench, &first));
    assert_eq!(again.digest, pack(&bench, "fresh", &bench.options()).digest);
    assert_ne!(again.digest, first.digest);
}

#[test]
fn attributes_of_what_did_not_change_come_from_the_base_and_others_from_the_file() {
    let bench = Bench::new();
    tree(&bench);
    let source = bench.source();
    let set = |path: &str, value: &[u8]| {
        setxattr(source.join(path), "user.kept", value, XattrFlags::empty()).unwrap();
    };
    set("dir-1/05", b"v");
    set("sparse", b"s");
    let first = pack(&bench, "store", &bench.options());
    // Whoever sets an attribute changes nothing but the ctime.
    set("dir-3/07", b"new");
    set("sparse", b"t");
    let again = pack(&bench, "again", &against(&bench, &first));
    let fresh = pack(&bench, "fresh", &bench.options());
    assert!(fs::read(&again.archive).unwrap() == fs::read(&fresh.archive).unwrap());
    let told = sidecar(&again);
    assert_eq!(told, sidecar(&fresh));
    let with_some = told.entries.iter().filter(|e| !e.attributes.is_empty());
    let with_some: Vec<_> = with_some.map(|e| e.path.as_path().display().to_string()).collect();
    assert_eq!(with_some, ["dir-1/05", "dir-3/07", "sparse"]);
    assert!(again.n_frames_reused > 0);
}

#[test]
fn a_base_that_is_damaged_is_none() {
    let bench = Bench::in_memory();
    tree(&bench);
    let packed = pack(&bench, "store", &bench.options());
    let code = || {
        let opened = Base::open(&DiskFs, &packed.archive, &packed.sidecar, &Limits::default());
        opened.unwrap_err().code()
    };
    let whole = fs::read(&packed.sidecar).unwrap();
    let mut lying = Sidecar::parse(&whole).unwrap();
    lying.entries[1].blake3 = Some(crate::Digest::of(b"other"));
    fs::write(&packed.sidecar, serde_json::to_vec(&lying).unwrap()).unwrap();
    assert_eq!(code(), "tree-mismatch");
    fs::write(&packed.sidecar, whole).unwrap();
    let mut bytes = fs::read(&packed.archive).unwrap();
    bytes[100] ^= 1;
    fs::write(&packed.archive, bytes).unwrap();
    assert_eq!(code(), "digest-mismatch");
}

#[test]
fn a_delta_holds_what_differs_and_comes_back_as_the_whole_tree() {
    let bench = Bench::in_memory();
    tree(&bench);
    let first = pack(&bench, "store", &bench.options());
    bench.file("dir-2/06", b"changed");
    bench.file("new/file", b"new");
    fs::remove_file(bench.source().join("dir-3/03")).unwrap();
    // Only its times differ: the content tells that it is the same.
    let touched = bench.source().join("dir-0/00");
    fs::write(&touched, fs::read(&touched).unwrap()).unwrap();
    let second = pack(&bench, "store", &delta(&bench, &first, 8));
    assert_eq!(second.layers, [first.digest]);
    assert!(second.bytes_out < first.bytes_out / 2, "{} {}", second.bytes_out, first.bytes_out);
    let told = sidecar(&second);
    let here: Vec<_> =
        told.entries.iter().filter(|e| e.layer == 0).map(|e| e.path.as_path()).collect();
    assert_eq!(here, ["dir-2/06", "new", "new/file"].map(Path::new));
    assert_eq!(second.tree, pack(&bench, "fresh", &bench.options()).tree);
    let target = bench.path("out");
    restore(&RestoreOptions::new(&second.archive, &target)).unwrap();
    assert!(snapshot(&target) == snapshot(&bench.source()));
    let verified = verify(&second.archive);
    assert!(verified.is_whole(), "{:?}", verified.findings);
    assert_eq!(verified.entries, second.entries);
    for part in ["dir-2", "long", "twin", "new/file"] {
        let only = Some(RawPath::from(Path::new(part)));
        let options =
            RestoreOptions { only, ..RestoreOptions::new(&second.archive, bench.path("part")) };
        restore(&options).unwrap();
    }
    let parts = snapshot(&bench.path("part"));
    assert_eq!(parts.len(), 12, "{:?}", parts.keys());
}

#[test]
fn chains_are_bounded_and_begin_anew() {
    let bench = Bench::in_memory();
    tree(&bench);
    let mut last = pack(&bench, "store", &bench.options());
    let mut lens = vec![];
    for n in 0..7u8 {
        bench.file(format!("dir-1/new-{n}"), &[n; 300]);
        last = pack(&bench, "store", &delta(&bench, &last, 3));
        lens.push(last.layers.len());
        let target = bench.path(format!("out-{n}"));
        restore(&RestoreOptions::new(&last.archive, &target)).unwrap();
        assert!(snapshot(&target) == snapshot(&bench.source()));
        assert!(verify(&last.archive).is_whole());
    }
    assert_eq!(lens, [1, 2, 3, 0, 1, 2, 3]);
}

#[test]
fn an_ancestor_is_found_beside_in_the_store_or_by_name_and_missed_by_name() {
    let bench = Bench::in_memory();
    tree(&bench);
    let first = pack(&bench, "store", &bench.options());
    bench.file("dir-2/06", b"changed");
    let second = pack(&bench, "store", &delta(&bench, &first, 8));
    let beside = bench.path("beside");
    fs::create_dir(&beside).unwrap();
    let copy = |from: &Path, to: PathBuf| fs::copy(from, &to).map(|_| to).unwrap();
    let archive = copy(&second.archive, beside.join("second.pellet"));
    copy(&second.sidecar, beside.join("second.meta.json"));
    let options = RestoreOptions::new(&archive, bench.path("out"));
    let error = restore(&options).unwrap_err();
    assert_eq!(error.code(), "ancestor-missing");
    assert!(error.to_string().contains(&first.digest.to_string()), "{error}");
    assert_eq!(verify(&archive).findings[0].code, "ancestor-missing");
    let named = RestoreOptions { ancestors: vec![first.archive.clone()], ..options.clone() };
    restore(&named).unwrap();
    copy(&first.archive, beside.join("any name.pellet"));
    restore(&RestoreOptions { target: bench.path("out-2"), ..options }).unwrap();
    assert!(verify(&archive).is_whole());
    assert!(snapshot(&bench.path("out-2")) == snapshot(&bench.source()));
    // Without its sidecar a delta is no tree.
    fs::remove_file(beside.join("second.meta.json")).unwrap();
    let error = restore(&RestoreOptions::new(&archive, bench.path("out-3"))).unwrap_err();
    assert_eq!(error.code(), "sidecar-missing");
}

#[test]
fn a_delta_whose_parts_contradict_each_other_is_refused() {
    let bench = Bench::in_memory();
    tree(&bench);
    let first = pack(&bench, "store", &bench.options());
    bench.file("dir-2/06", b"changed");
    let second = pack(&bench, "store", &delta(&bench, &first, 8));
    let whole = fs::read(&second.sidecar).unwrap();
    let changes: [(&str, Change); 7] = [
        ("delta-mismatch", |s| s.delta = None),
        ("delta-mismatch", |s| s.schema_version = 1),
        ("delta-mismatch", |s| s.tree = crate::Digest::of(b"other")),
        ("delta-mismatch", |s| s.delta.as_mut().unwrap().layers.clear()),
        ("entry-place", |s| s.entries[0].layer = 9),
        ("entry-place", |s| s.entries[1].frame = 1 << 40),
        ("entry-mismatch", |s| s.entries[1].mode = 0o777),
    ];
    for (n, (code, change)) in changes.into_iter().enumerate() {
        let mut sidecar = Sidecar::parse(&whole).unwrap();
        change(&mut sidecar);
        fs::write(&second.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
        let error = restore(&RestoreOptions::new(&second.archive, bench.path("out"))).unwrap_err();
        assert_eq!(error.code(), code, "{n}: {error}");
        assert!(!verify(&second.archive).is_whole());
    }
    // An ancestor with a changed byte: its digest says so, and so does what is read of it.
    fs::write(&second.sidecar, &whole).unwrap();
    let mut bytes = fs::read(&first.archive).unwrap();
    bytes[200] ^= 1;
    fs::write(&first.archive, bytes).unwrap();
    let codes: Vec<_> = verify(&second.archive).findings.iter().map(|f| f.code).collect();
    assert!(codes.contains(&"digest-mismatch"), "{codes:?}");
    assert!(restore(&RestoreOptions::new(&second.archive, bench.path("out"))).is_err());
    assert!(!bench.path("out").exists());
}

#[test]
fn equal_deltas_of_different_bases_are_different_pellets() {
    let bench = Bench::in_memory();
    bench.file("a", b"1");
    let first = pack(&bench, "store", &bench.options());
    let empty = pack(&bench, "store", &delta(&bench, &first, 8));
    assert_eq!(empty.layers, [first.digest]);
    bench.file("b", b"2");
    let other = pack(&bench, "store", &bench.options());
    let other_empty = pack(&bench, "store", &delta(&bench, &other, 8));
    assert_ne!(empty.digest, other_empty.digest);
    restore(&RestoreOptions::new(&empty.archive, bench.path("out"))).unwrap();
    assert_eq!(snapshot(&bench.path("out")).len(), 1);
}

/// Something done to a tree between two packings.
#[derive(Debug, Clone)]
enum Edit {
    Write(u8, usize),
    Remove(u8),
    Mode(u8),
    Touch(u8),
    Link(u8, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let n = 0u8..12;
    prop_oneof![
        3 => (n.clone(), 0usize..9_000).prop_map(|(n, len)| Edit::Write(n, len)),
        1 => n.clone().prop_map(Edit::Remove),
        1 => n.clone().prop_map(Edit::Mode),
        1 => n.clone().prop_map(Edit::Touch),
        1 => (n.clone(), n).prop_map(|(a, b)| Edit::Link(a, b)),
    ]
}

impl Edit {
    fn apply(&self, bench: &Bench) {
        let path = |n: u8| bench.source().join(format!("d{}/{n}", n % 3));
        match self {
            Self::Write(n, len) => {
                let _ = fs::remove_file(path(*n));
                bench.file(path(*n), &vec![u8::try_from(len % 251).unwrap(); *len]);
            }
            Self::Remove(n) => drop(fs::remove_file(path(*n))),
            Self::Mode(n) => {
                drop(fs::set_permissions(path(*n), PermissionsExt::from_mode(0o755)));
            }
            Self::Touch(n) => {
                if let Ok(content) = fs::read(path(*n)) {
                    fs::write(path(*n), content).unwrap();
                }
            }
            Self::Link(from, to) => drop(fs::hard_link(path(*from), path(*to))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_tree_is_packed_again_to_the_same_bytes_and_comes_back_from_any_chain(
        rounds in prop::collection::vec(prop::collection::vec(edit(), 0..8), 2..5),
    ) {
        let bench = Bench::in_memory();
        fs::create_dir_all(bench.source().join("d0")).unwrap();
        let (mut last, mut last_delta) = (None::<Packed>, None::<Packed>);
        for (n, edits) in rounds.iter().enumerate() {
            edits.iter().for_each(|edit| edit.apply(&bench));
            let fresh = pack(&bench, &format!("fresh-{n}"), &bench.options());
            if let (Some(last), Some(last_delta)) = (&last, &last_delta) {
                let again = pack(&bench, &format!("again-{n}"), &against(&bench, last));
                prop_assert!(fs::read(&again.archive).unwrap() == fs::read(&fresh.archive).unwrap());
                prop_assert_eq!(sidecar(&again), sidecar(&fresh));
                let packed = pack(&bench, "deltas", &delta(&bench, last_delta, 2));
                let target = bench.path(format!("out-{n}"));
                restore(&RestoreOptions::new(&packed.archive, &target)).unwrap();
                prop_assert!(snapshot(&target) == snapshot(&bench.source()));
                let verified = verify(&packed.archive);
                prop_assert!(verified.is_whole(), "{:?}", verified.findings);
            }
            last_delta = Some(match &last_delta {
                None => pack(&bench, "deltas", &bench.options()),
                Some(earlier) => pack(&bench, "deltas", &delta(&bench, earlier, 2)),
            });
            last = Some(fresh);
        }
    }
}
