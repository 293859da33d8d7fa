//! What was packed comes back, through tools that are not ours.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use durable_fs::DiskFs;
use proptest::prelude::*;
use rustix::fs::{Mode, OFlags, XattrFlags, setxattr};

use super::kit::{Bench, list, snapshot, unpack};
use crate::Profile;

#[test]
fn a_dependency_tree_survives_the_systems_tar() {
    let bench = Bench::new();
    bench.file("left-pad/index.js", b"module.exports = 1\n");
    bench.file("left-pad/bin/pad", b"#!/bin/sh\n");
    bench.file("empty-file", b"");
    let big: Vec<u8> =
        (0..3_000_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    bench.file("native/lib.so", &big);
    let source = bench.source();
    std::fs::set_permissions(source.join("left-pad/bin/pad"), PermissionsExt::from_mode(0o755))
        .unwrap();
    std::fs::create_dir_all(source.join("empty/dir")).unwrap();
    symlink("../left-pad/bin/pad", source.join(".bin")).unwrap();
    std::fs::hard_link(source.join("native/lib.so"), source.join("native/lib.so.1")).unwrap();
    bench.file("x".repeat(101), b"long name");
    bench.file(format!("{}/{}", "d".repeat(200), "f".repeat(250)), b"deep");
    symlink("t".repeat(300), source.join("long-target")).unwrap();

    let packed = bench.pack();
    let out = bench.path("out");
    unpack(&packed.archive, &out);
    assert_eq!(snapshot(&out), snapshot(&source));
    let mut listed = list(&packed.archive);
    listed.sort();
    assert_eq!(listed, snapshot(&source).into_keys().collect::<Vec<_>>());
    let test = Command::new("zstd").args(["-q", "-t"]).arg(&packed.archive).output().unwrap();
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stderr));
}

#[test]
fn both_profiles_pack_with_their_own_frames() {
    let bench = Bench::new();
    bench.file("a", b"a");
    for profile in [Profile::Seekable, Profile::Dense] {
        let options = crate::PackOptions { profile, ..bench.options() };
        let packed = bench.pack_as(&options, profile.parameters(0).frame_size).unwrap();
        let out = bench.path(profile.as_str());
        unpack(&packed.archive, &out);
        assert_eq!(snapshot(&out), snapshot(&bench.source()));
    }
}

/// One step of building a random tree; a step that does not fit the others is left out.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    File { path: Vec<Vec<u8>>, len: usize, mode: u32 },
    Dir { path: Vec<Vec<u8>>, mode: u32 },
    Symlink { path: Vec<Vec<u8>>, target: Vec<u8> },
    HardLink { path: Vec<Vec<u8>>, to: prop::sample::Index },
    Attribute { of: prop::sample::Index, name: u8, value: Vec<u8> },
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => b'a'..=b'd', 1 => 1u8..=255];
    let name = prop_oneof![
        8 => prop::collection::vec(byte.clone(), 1..4),
        1 => prop::collection::vec(byte, 90..130),
    ];
    name.prop_filter("a file name", |n| !n.contains(&b'/') && !matches!(n.as_slice(), b"." | b".."))
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let path = || prop::collection::vec(name(), 1..6);
    let len = prop_oneof![
        Just(0),
        510usize..515,
        3580usize..3590,
        4090usize..4100,
        8000usize..8200,
        0usize..30_000
    ];
    prop_oneof![
        5 => (path(), len, 0u32..512).prop_map(|(path, len, mode)| {
            Step::File { path, len, mode: mode | 0o400 }
        }),
        1 => (path(), 0u32..512).prop_map(|(path, mode)| Step::Dir { path, mode: mode | 0o700 }),
        1 => (path(), prop::collection::vec(1u8..=255, 1..150))
            .prop_map(|(path, target)| Step::Symlink { path, target }),
        1 => (path(), any::<prop::sample::Index>())
            .prop_map(|(path, to)| Step::HardLink { path, to }),
        1 => (any::<prop::sample::Index>(), 1u8..=255, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(of, name, value)| Step::Attribute { of, name, value }),
    ]
}

pub(crate) fn build(bench: &Bench, steps: &[Step]) {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut dirs = Vec::new();
    let place = |path: &[Vec<u8>]| {
        let path: PathBuf = path.iter().map(|name| OsStr::from_bytes(name)).collect();
        let path = bench.source().join(path);
        let fits = std::fs::create_dir_all(path.parent().unwrap()).is_ok()
            && std::fs::symlink_metadata(&path).is_err();
        fits.then_some(path)
    };
    for (n, step) in steps.iter().enumerate() {
        match step {
            Step::File { path, len, mode } => {
                let Some(path) = place(path) else { continue };
                let content: Vec<u8> =
                    (0..*len).map(|i| u8::try_from((i * i + n) % 251).unwrap()).collect();
                std::fs::write(&path, content).unwrap();
                std::fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).unwrap();
                files.push(path);
            }
            Step::Dir { path, mode } => {
                let Some(path) = place(path) else { continue };
                std::fs::create_dir(&path).unwrap();
                dirs.push((path, *mode));
            }
            Step::Symlink { path, target } => {
                let Some(path) = place(path) else { continue };
                symlink(OsStr::from_bytes(target), path).unwrap();
            }
            Step::HardLink { path, to } => {
                if files.is_empty() {
                    continue;
                }
                let Some(path) = place(path) else { continue };
                std::fs::hard_link(to.get(&files), &path).unwrap();
            }
            Step::Attribute { of, name, value } => {
                let all: Vec<_> = files.iter().chain(dirs.iter().map(|(dir, _)| dir)).collect();
                if all.is_empty() {
                    continue;
                }
                // Where memory is a file system without attributes, there are none to bring back.
                let name = [b"user.", &[*name][..]].concat();
                let _ = setxattr(
                    of.get(&all).as_path(),
                    OsStr::from_bytes(&name),
                    value,
                    XattrFlags::empty(),
                );
            }
        }
    }
    for (dir, mode) in dirs {
        std::fs::set_permissions(dir, PermissionsExt::from_mode(mode)).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_tree_survives_the_systems_tar(steps in prop::collection::vec(step(), 0..40)) {
        let bench = Bench::in_memory();
        build(&bench, &steps);
        let packed = bench.pack_as(&bench.options(), 4096).unwrap();
        let out = bench.path("out");
        unpack(&packed.archive, &out);
        let source = snapshot(&bench.source());
        prop_assert_eq!(snapshot(&out), source.clone());
        prop_assert_eq!(packed.entries, source.len() as u64);
    }
}

#[test]
fn a_tree_deeper_than_any_path_is_packed() {
    // Longer than PATH_MAX and deeper than what stays open; tar itself cannot name such a path.
    let bench = Bench::new();
    let name = "n".repeat(100);
    let flags = OFlags::DIRECTORY | OFlags::RDONLY;
    let mut dir = rustix::fs::open(bench.source(), flags, Mode::empty()).unwrap();
    for _ in 0..60 {
        rustix::fs::mkdirat(&dir, &*name, Mode::RWXU).unwrap();
        dir = rustix::fs::openat(&dir, &*name, flags, Mode::empty()).unwrap();
    }
    let flags = OFlags::CREATE | OFlags::WRONLY;
    let file = rustix::fs::openat(&dir, "leaf", flags, Mode::RUSR).unwrap();
    rustix::io::write(&file, b"found").unwrap();
    let packed = bench.pack();
    let sidecar = crate::Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    let leaf = sidecar.entries.last().unwrap();
    assert_eq!(leaf.path.as_bytes().len(), 60 * 101 + 4);
    assert_eq!(leaf.blake3, Some(crate::Digest::of(b"found")));
}
