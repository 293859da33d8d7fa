//! What was packed comes back, through tools that are not ours.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

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
