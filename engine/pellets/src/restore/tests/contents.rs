//! Holes and extended attributes come back, through our own restore and from other tars.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use durable_fs::DiskFs;
use proptest::prelude::*;
use rustix::fs::{XattrFlags, getxattr, listxattr, setxattr};

use super::kit::{options, restore, times};
use crate::tests::kit::{Bench, snapshot};
use crate::{RawPath, RestoreOptions, Sidecar};

const MIB: u64 = 1 << 20;

pub(super) type Attributes = BTreeMap<PathBuf, Vec<(Vec<u8>, Vec<u8>)>>;

/// The attributes of users of every path below `root` that has any.
pub(super) fn attributes(root: &Path) -> Attributes {
    let mut found = Attributes::new();
    for path in snapshot(root).into_keys() {
        let at = root.join(&path);
        if at.is_symlink() {
            continue;
        }
        let mut list = [0; 4096];
        let n = listxattr(&at, &mut list[..]).unwrap();
        for name in list[..n].split(|b| *b == 0).filter(|name| name.starts_with(b"user.")) {
            let mut value = vec![0; 64 << 10];
            let n = getxattr(&at, OsStr::from_bytes(name), &mut value[..]).unwrap();
            found.entry(path.clone()).or_default().push((name.to_vec(), value[..n].to_vec()));
        }
    }
    found.values_mut().for_each(|list| list.sort());
    found
}

fn set(path: &Path, name: &[u8], value: &[u8]) {
    setxattr(path, OsStr::from_bytes(name), value, XattrFlags::empty()).unwrap();
}

fn sparse_file(path: &Path, size: u64, data: &[(u64, Vec<u8>)]) {
    let file = File::create(path).unwrap();
    for (offset, bytes) in data {
        file.write_all_at(bytes, *offset).unwrap();
    }
    file.set_len(size).unwrap();
}

/// Files with holes and attributes, the latter also where a mode forbids to set them.
fn tree(bench: &Bench) {
    let source = bench.source();
    bench.file("dir/file", b"x");
    bench.file("closed/file", b"x");
    bench.file("plain", b"plain");
    sparse_file(&source.join("image"), 40 * MIB + 1, &[(5 * MIB, vec![7; 9000]), (0, vec![1])]);
    sparse_file(&source.join("dir/nothing"), 3 * MIB, &[]);
    fs::hard_link(source.join("dir/file"), source.join("dir/other")).unwrap();
    set(&source.join("dir/file"), b"user.b", b"raw \x00\xff\n");
    set(&source.join("dir/file"), b"user.odd=name 100%", b"");
    set(&source.join("dir"), b"user.on a folder", b"v");
    set(&source.join("image"), b"user.\xfe", &[b'z'; 3000]);
    set(&source.join("closed"), b"user.closed", b"v");
    set(&source.join("closed/file"), b"user.closed", b"v");
    for (path, mode) in [("closed/file", 0o400), ("closed", 0o500)] {
        fs::set_permissions(source.join(path), PermissionsExt::from_mode(mode)).unwrap();
    }
}

fn assert_same(target: &Path, source: &Path) {
    assert!(snapshot(target) == snapshot(source));
    assert_eq!(attributes(target), attributes(source));
}

#[test]
fn holes_and_attributes_come_back_with_the_tree() {
    let bench = Bench::new();
    tree(&bench);
    for frame_size in [4096, 1 << 20] {
        let packed = bench.pack_as(&bench.options(), frame_size).unwrap();
        let target = bench.path(format!("out-{frame_size}"));
        let strict = RestoreOptions { strict: true, ..options(&packed.archive, &target) };
        let restored = restore(&strict).unwrap();
        assert_eq!(restored.n_xattrs_lost, 0);
        assert_same(&target, &bench.source());
        assert_eq!(times(&target), times(&bench.source()));
        assert!(fs::metadata(target.join("image")).unwrap().blocks() < 128);
        assert_eq!(fs::metadata(target.join("dir/nothing")).unwrap().blocks(), 0);
    }
}

/// Too long for a header: the long name and the attributes each stand in an entry before it.
#[test]
fn attributes_on_long_paths_come_back() {
    let bench = Bench::new();
    let source = bench.source();
    let dir = "d".repeat(120);
    let long = format!("{dir}/{}", "f".repeat(120));
    bench.file(&long, b"x");
    sparse_file(&source.join(format!("{long}.holes")), 2 * MIB, &[(7, vec![1])]);
    fs::hard_link(source.join(&long), source.join(format!("{dir}/other"))).unwrap();
    for path in [&dir, &long, &format!("{long}.holes")] {
        set(&source.join(path), b"user.long", b"v");
    }
    let packed = bench.pack();
    let whole = options(&packed.archive, &bench.path("out"));
    let foreign = RestoreOptions { sidecar: None, target: bench.path("foreign"), ..whole.clone() };
    for options in [whole, foreign] {
        restore(&options).unwrap();
        assert_same(&options.target, &source);
    }
    let only = Some(RawPath::from(Path::new(&long)));
    let part = RestoreOptions { only, ..options(&packed.archive, &bench.path("part")) };
    restore(&part).unwrap();
    assert_eq!(attributes(&part.target).len(), 1);
}

#[test]
fn parts_and_links_have_them_too() {
    let bench = Bench::new();
    tree(&bench);
    let packed = bench.pack();
    let target = bench.path("out");
    for part in ["dir", "image", "closed/file"] {
        let only = Some(RawPath::from(Path::new(part)));
        restore(&RestoreOptions { only, ..options(&packed.archive, &target) }).unwrap();
    }
    let mut expected = attributes(&bench.source());
    expected.remove(Path::new("closed"));
    assert_eq!(attributes(&target), expected);
    assert!(fs::metadata(target.join("image")).unwrap().blocks() < 128);
    let linked = RestoreOptions {
        cache: Some(bench.path("cache")),
        linked: true,
        ..options(&packed.archive, &bench.path("linked"))
    };
    restore(&linked).unwrap();
    assert_eq!(attributes(&linked.target), attributes(&bench.source()));
}

#[test]
fn what_the_sidecar_says_of_them_must_be_true() {
    let bench = Bench::new();
    tree(&bench);
    let packed = bench.pack();
    let whole = fs::read(&packed.sidecar).unwrap();
    let lie = |change: fn(&mut Sidecar)| {
        let mut sidecar = Sidecar::parse(&whole).unwrap();
        change(&mut sidecar);
        fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
        restore(&options(&packed.archive, &bench.path("out"))).unwrap_err().to_string()
    };
    let holes = lie(|s| {
        let image = s.entries.iter_mut().find(|e| e.sparse.is_some()).unwrap();
        image.sparse = Some(vec![(0, 4096)]);
    });
    assert!(holes.contains("differ in the holes"), "{holes}");
    let attributes = lie(|s| {
        let entry = s.entries.iter_mut().find(|e| !e.attributes.is_empty()).unwrap();
        entry.attributes.clear();
    });
    assert!(attributes.contains("differ in the attributes"), "{attributes}");
    assert!(!bench.path("out").exists());
    let verify = crate::VerifyOptions::new(&packed.archive);
    let clock = durable_fs::ManualClock::at(std::time::Duration::ZERO);
    let verify = || crate::verify(&DiskFs, &clock, &verify, &crate::Unwatched).unwrap();
    fs::write(&packed.sidecar, &whole).unwrap();
    assert!(verify().is_whole(), "{:?}", verify().findings);
    let mut sidecar = Sidecar::parse(&whole).unwrap();
    let dir = sidecar.entries.iter_mut().find(|e| e.merkle.is_some()).unwrap();
    dir.merkle = Some(Box::new(crate::Digest::of(b"another")));
    fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
    assert_eq!(verify().findings[0].code, "tree-mismatch");
}

/// What is no attribute of a user is left out, counted, and refused where that was asked for.
#[test]
fn attributes_of_the_system_are_never_set() {
    let bench = Bench::new();
    let archive = bench.path("foreign.tar");
    let tar = crate::read::tests::Tarball::default()
        .pax(b'x', &[("SCHILY.xattr.trusted.x", b"v"), ("SCHILY.xattr.user.ok", b"v")])
        .file(b"file", b"content")
        .pax(b'x', &[("SCHILY.xattr.user.dir", b"v"), ("SCHILY.xattr.security.y", b"v")])
        .dir(b"dir/")
        .end();
    fs::write(&archive, tar).unwrap();
    let target = bench.path("out");
    let restored = restore(&options(&archive, &target)).unwrap();
    assert_eq!(restored.n_xattrs_lost, 2);
    let mut list = [0; 256];
    for (path, name) in [("file", &b"user.ok\0"[..]), ("dir", b"user.dir\0")] {
        let n = listxattr(target.join(path), &mut list[..]).unwrap();
        assert_eq!(&list[..n], name);
    }
    let target = bench.path("strict");
    let strict = RestoreOptions { strict: true, ..options(&archive, &target) };
    assert_eq!(restore(&strict).unwrap_err().code(), "attribute-lost");
    assert!(!target.exists());
}

#[test]
fn what_gnu_tar_packs_has_them_too() {
    let bench = Bench::new();
    tree(&bench);
    let source = bench.source();
    let archive = bench.path("gnu.tar");
    let tar = Command::new("tar")
        .args(["--xattrs", "--sparse", "-C"])
        .arg(&source)
        .args(["-cf".as_ref(), archive.as_os_str(), ".".as_ref()])
        .output()
        .unwrap();
    assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    let target = bench.path("out");
    let strict = RestoreOptions { strict: true, ..options(&archive, &target) };
    restore(&strict).unwrap();
    assert_same(&target, &source);
}

/// The walk asks only some files for attributes; those of the others are found when they are read.
#[test]
fn one_file_among_many_keeps_its_attributes() {
    for with in ["f0", "f17", "f39"] {
        let bench = Bench::new();
        (0..40).for_each(|n| bench.file(format!("dir/f{n}"), &[7; 3000]));
        let (path, name) = (format!("dir/{with}"), "user.lonely");
        set(&bench.source().join(&path), name.as_bytes(), b"value");
        let packed = bench.pack_as(&bench.options(), 8192).unwrap();
        let target = bench.path("out");
        restore(&options(&packed.archive, &target)).unwrap();
        let mut value = [0; 16];
        let n = rustix::fs::getxattr(target.join(&path), name, &mut value[..]).unwrap();
        assert_eq!(&value[..n], b"value", "{with}");
    }
}

/// bsdtar, where it is at hand, reads ours and we read its. It reads names of attributes as they are
/// written, so those that we escape are left out here.
#[test]
fn bsdtar_and_we_read_each_other() {
    let program = std::env::var_os("NESTR_TEST_BSDTAR").unwrap_or_else(|| "bsdtar".into());
    if Command::new(&program).arg("--version").output().is_err() {
        println!("skipped: no bsdtar on the path; NESTR_TEST_BSDTAR names another place");
        return;
    }
    let bench = Bench::new();
    tree(&bench);
    let source = bench.source();
    rustix::fs::removexattr(source.join("dir/file"), "user.odd=name 100%").unwrap();
    rustix::fs::removexattr(source.join("image"), OsStr::from_bytes(b"user.\xfe")).unwrap();
    let run = |args: &[&OsStr]| {
        let tar = Command::new(&program).args(args).output().unwrap();
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    };
    let packed = bench.pack();
    let plain = bench.path("plain.tar");
    let zstd =
        Command::new("zstd").args(["-q", "-d", "-o"]).args([&plain, &packed.archive]).status();
    assert!(zstd.unwrap().success());
    let theirs = bench.path("theirs");
    fs::create_dir(&theirs).unwrap();
    run(&["-xpf".as_ref(), plain.as_ref(), "-C".as_ref(), theirs.as_ref()]);
    assert_same(&theirs, &source);
    let archive = bench.path("bsd.tar");
    let of = ["-cf".as_ref(), archive.as_os_str(), "-C".as_ref(), source.as_ref(), ".".as_ref()];
    run(&of);
    let ours = bench.path("ours");
    restore(&RestoreOptions { strict: true, ..options(&archive, &ours) }).unwrap();
    assert_same(&ours, &source);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_holes_and_attributes_come_back(
        files in prop::collection::vec(
            (
                prop::collection::vec((0u64..3 * MIB, prop_oneof![1usize..5, 4000usize..9000]), 0..5),
                prop::collection::vec(
                    ("[a-z=%\n é]{1,12}", prop::collection::vec(any::<u8>(), 0..300)), 0..4,
                ),
            ),
            1..5,
        ),
        frame_size in prop_oneof![Just(4096u32), Just(65_536)],
    ) {
        let bench = Bench::new();
        for (n, (runs, named)) in files.iter().enumerate() {
            let mut at = 0;
            let mut data = Vec::new();
            for (gap, len) in runs {
                at += gap;
                data.push((at, vec![u8::try_from(n + 1).unwrap(); *len]));
                at += *len as u64;
            }
            let path = bench.source().join(format!("file-{n}"));
            sparse_file(&path, at + (n as u64) * MIB, &data);
            for (name, value) in named {
                set(&path, format!("user.{name}").as_bytes(), value);
            }
        }
        let packed = bench.pack_as(&bench.options(), frame_size).unwrap();
        let target = bench.path("out");
        let strict = RestoreOptions { strict: true, ..options(&packed.archive, &target) };
        restore(&strict).unwrap();
        prop_assert!(snapshot(&target) == snapshot(&bench.source()));
        prop_assert_eq!(attributes(&target), attributes(&bench.source()));
        for (n, _) in files.iter().enumerate() {
            let name = format!("file-{n}");
            let blocks = |root: &Path| fs::metadata(root.join(&name)).unwrap().blocks();
            // Runs of zeros shorter than 1 MiB are written, never longer ones.
            prop_assert!(blocks(&target) <= blocks(&bench.source()) + 5 * 2 * MIB / 512);
        }
    }
}
