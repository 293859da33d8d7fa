//! Archives of other tars come back as those tars bring them back.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::process::Command;

use super::kit::{options, remains, restore};
use crate::tests::kit::{Bench, snapshot};

#[test]
fn what_gnu_tar_packs_comes_back_as_gnu_tar_brings_it() {
    let bench = Bench::new();
    bench.file("dir/file", b"content");
    bench.file("n".repeat(150), b"long");
    bench.file("dir/nothing", b"");
    let source = bench.source();
    fs::create_dir_all(source.join("empty/dir")).unwrap();
    symlink("../dir/file", source.join("empty/link")).unwrap();
    fs::hard_link(source.join("dir/file"), source.join("hard")).unwrap();
    let sparse = fs::File::create(source.join("sparse")).unwrap();
    sparse.set_len(5 << 20).unwrap();
    for at in [0, 1 << 20, 3 << 20] {
        sparse.write_all_at(&[7; 5000], at).unwrap();
    }
    drop(sparse);
    for (name, flags) in [
        ("gnu", &["--format=gnu", "--sparse"][..]),
        ("pax0", &["--format=posix", "--sparse", "--sparse-version=0.0"]),
        ("pax1", &["--format=posix", "--sparse", "--sparse-version=1.0", "--zstd"]),
        ("plain", &["--format=posix", "--zstd"]),
    ] {
        let archive = bench.path(format!("{name}.tar"));
        let tar = Command::new("tar")
            .args(flags)
            .arg("-C")
            .arg(&source)
            .args(["-cf".as_ref(), archive.as_os_str(), ".".as_ref()])
            .output()
            .unwrap();
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        let target = bench.path(format!("{name}.out"));
        let restored =
            restore(&options(&archive, &target)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(snapshot(&target), snapshot(&source), "{name}");
        assert!(!restored.verified && restored.digest.is_none());
        assert!(remains(&target).is_empty());
    }
}

#[test]
fn a_hole_costs_nothing_where_nobody_told_its_digest() {
    use std::os::unix::fs::MetadataExt;
    let records: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"hole"),
        ("GNU.sparse.realsize", b"1099511627776"),
    ];
    let mut map = b"1\n1099511627776\n0\n".to_vec();
    map.resize(512, 0);
    let tarball = crate::read::tests::Tarball::default().pax(b'x', &records);
    let bench = Bench::new();
    let archive = bench.path("hole.tar");
    fs::write(&archive, tarball.file(b"GNUSparseFile.0/hole", &map).end()).unwrap();
    let target = bench.path("out");
    restore(&options(&archive, &target)).unwrap();
    let hole = fs::metadata(target.join("hole")).unwrap();
    assert_eq!((hole.len(), hole.blocks()), (1 << 40, 0));
}

#[test]
fn a_bomb_is_refused_before_it_fills_the_disk() {
    let bench = Bench::new();
    let archive = bench.path("bomb.tar.zst");
    let tar = crate::read::tests::Tarball::default().file(b"zeros", &vec![0; 64 << 20]).end();
    fs::write(&archive, zstd::bulk::compress(&tar, 19).unwrap()).unwrap();
    let target = bench.path("out");
    let mut options = options(&archive, &target);
    options.limits.ratio_from = 1 << 20;
    let error = restore(&options).unwrap_err();
    assert_eq!(error.code(), "ratio-too-high");
    assert!(!target.exists() && remains(&target).is_empty());
}

#[test]
fn what_is_no_archive_says_what_it_is() {
    let bench = Bench::new();
    let target = bench.path("out");
    let refused = |name: &str, bytes: &[u8]| {
        let archive = bench.path(name);
        fs::write(&archive, bytes).unwrap();
        let error = restore(&options(&archive, &target)).unwrap_err();
        assert_eq!(error.path(), Some(archive.as_path()), "{name}");
        (error.code(), error.what().to_owned())
    };
    for (name, bytes, word) in [
        ("a.tgz", &[0x1f, 0x8b, 0x08, 0x00, 1, 2, 3][..], "gzip"),
        ("a.txz", b"\xfd7zXZ\0\0", "xz"),
        ("a.zip", b"PK\x03\x04\x14\0", "zip"),
        ("a.lz4", b"\x04\x22\x4d\x18\x64", "lz4"),
    ] {
        let (code, what) = refused(name, bytes);
        assert_eq!(code, "archive-unknown", "{name}");
        assert!(what.contains(&format!("with {word},")), "{what}");
    }
    assert_eq!(refused("a.tar", &[b'x'; 2048]).0, "tar-checksum");
    fs::create_dir(bench.path("dir")).unwrap();
    let error = restore(&options(&bench.path("dir"), &target)).unwrap_err();
    assert_eq!(
        (error.code(), error.path()),
        ("archive-unknown", Some(bench.path("dir").as_path()))
    );
    assert!(!target.exists() && remains(&target).is_empty());
}

#[test]
fn a_tar_beside_a_pellet_of_its_name_is_not_taken_for_it() {
    let bench = Bench::new();
    bench.file("of/the/pellet", b"1");
    let packed = bench.pack();
    let tar = packed.archive.with_extension("tar");
    fs::write(&tar, crate::read::tests::Tarball::default().file(b"of-the-tar", b"2").end())
        .unwrap();
    let target = bench.path("out");
    assert!(!restore(&options(&tar, &target)).unwrap().verified);
    assert_eq!(fs::read(target.join("of-the-tar")).unwrap(), b"2");
}

#[test]
fn a_file_for_which_there_is_no_room_is_refused_before_it_is_written() {
    let bench = Bench::new();
    let archive = bench.path("long.tar");
    // Its header tells of more than any disk has, and nothing follows.
    let mut header = tar::Header::new_gnu();
    header.set_path("long").unwrap();
    header.set_size(1 << 60);
    header.set_mode(0o644);
    header.set_cksum();
    fs::write(&archive, header.as_bytes()).unwrap();
    let target = bench.path("out");
    let mut options = options(&archive, &target);
    options.limits.max_bytes = u64::MAX;
    let error = restore(&options).unwrap_err();
    assert_eq!(error.code(), "no-space", "{error}");
    assert!(!target.exists() && remains(&target).is_empty());
}
