//! Files that are brought back in pieces, by whichever thread has them.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use durable_fs::DiskFs;

use super::kit::{options, remains, restore, times};
use crate::tests::kit::{Bench, snapshot};
use crate::{Digest, PackOptions, Profile, RawPath, RestoreOptions, Sidecar};

const PIECE: usize = 256 << 10;

/// Bytes that no two pieces share.
fn content(len: usize) -> Vec<u8> {
    (0..len as u64)
        .map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).to_le_bytes()[0])
        .collect()
}

/// Large files among small ones, of lengths around those at which something changes.
fn tree(bench: &Bench) {
    for (n, len) in
        [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 777, 1_100_003].into_iter().enumerate()
    {
        bench.file(format!("large/{n}"), &content(len));
        bench.file(format!("large/{n}-small"), &content(n * 300));
    }
    bench.file("z/closed", &content(2 * PIECE));
    let source = bench.source();
    fs::hard_link(source.join("large/3"), source.join("z/link")).unwrap();
    fs::set_permissions(source.join("z/closed"), PermissionsExt::from_mode(0o400)).unwrap();
    fs::set_permissions(source.join("large"), PermissionsExt::from_mode(0o500)).unwrap();
}

#[test]
fn large_files_come_back_from_whatever_frames_they_span() {
    let bench = Bench::in_memory();
    tree(&bench);
    for frame_size in [32 << 10, 200 << 10, 4 << 20] {
        let packed = bench.pack_as(&bench.options(), frame_size).unwrap();
        for threads in [1, 2, 5] {
            let target = bench.path(format!("out-{frame_size}-{threads}"));
            let threads = NonZeroUsize::new(threads).unwrap();
            let options = RestoreOptions { threads, ..options(&packed.archive, &target) };
            restore(&options).unwrap();
            assert!(snapshot(&target) == snapshot(&bench.source()), "{frame_size} {threads}");
            assert_eq!(times(&target), times(&bench.source()));
        }
        let part = bench.path(format!("part-{frame_size}"));
        for only in ["large", "z/closed"] {
            let only = Some(RawPath::from(Path::new(only)));
            restore(&RestoreOptions { only, ..options(&packed.archive, &part) }).unwrap();
        }
        for name in ["large/3", "large/4", "z/closed"] {
            assert_eq!(
                fs::read(part.join(name)).unwrap(),
                fs::read(bench.source().join(name)).unwrap()
            );
        }
    }
}

#[test]
fn damage_in_any_piece_is_found() {
    let bench = Bench::in_memory();
    tree(&bench);
    let packed = bench.pack_as(&bench.options(), 200 << 10).unwrap();
    let whole = fs::read(&packed.archive).unwrap();
    let sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    let target = bench.path("out");
    let refused = || {
        let error = restore(&options(&packed.archive, &target)).unwrap_err();
        assert!(!target.exists() && remains(&target).is_empty());
        error
    };
    for frame in &sidecar.frames {
        let mut bytes = whole.clone();
        bytes[usize::try_from(frame.offset).unwrap() + frame.compressed as usize / 2] ^= 1;
        fs::write(&packed.archive, &bytes).unwrap();
        let code = refused().code();
        assert!(matches!(code, "frame-damaged" | "content-mismatch"), "{code}");
    }
    fs::write(&packed.archive, &whole).unwrap();
    let lie = |change: fn(&mut crate::SidecarEntry)| {
        let mut sidecar = sidecar.clone();
        change(sidecar.entries.iter_mut().find(|e| e.path.as_path() == "large/4").unwrap());
        fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
        refused()
    };
    let error = lie(|entry| entry.blake3 = Some(Digest::of(b"other")));
    assert_eq!(
        (error.code(), error.entry().unwrap().as_path()),
        ("content-mismatch", Path::new("large/4"))
    );
    // Its header may stand in another frame than its content, and then either thread may be the first to tell.
    let wrong = |code| matches!(code, "entry-mismatch" | "content-mismatch");
    assert!(wrong(lie(|entry| entry.size = Some(1_100_004)).code()));
    assert!(wrong(lie(|entry| entry.header = 1024).code()));
    assert_eq!(lie(|entry| entry.mode = 0o777).code(), "entry-mismatch");
}

/// Both files in steps, as far as they are equal.
fn assert_equal(a: &Path, b: &Path) {
    let (mut a, mut b) = (fs::File::open(a).unwrap(), fs::File::open(b).unwrap());
    let (mut here, mut there) = (vec![0; 4 << 20], vec![0; 4 << 20]);
    let len = a.metadata().unwrap().len();
    assert_eq!(len, b.metadata().unwrap().len());
    for at in (0..len).step_by(here.len()) {
        let n = here.len().min(usize::try_from(len - at).unwrap());
        a.read_exact(&mut here[..n]).unwrap();
        b.read_exact(&mut there[..n]).unwrap();
        assert!(here[..n] == there[..n], "at {at}");
    }
}

#[test]
fn a_file_of_gigabytes_with_holes_comes_back() {
    let bench = Bench::in_memory();
    bench.file("small", b"beside it");
    let file = fs::File::create(bench.source().join("huge")).unwrap();
    // Around what 32 bits hold, and behind the largest size of a plain tar header.
    let ends = [0, (1 << 31) - 3, (1 << 32) - 5, (8 << 30) - 1, (8 << 30) + (5 << 20)];
    for at in ends {
        file.write_all_at(&content(3 * PIECE + 11), at).unwrap();
    }
    file.set_len((8 << 30) + (9 << 20) + 1).unwrap();
    let packed = bench.pack();
    assert!(packed.bytes_in > 8 << 30 && packed.bytes_out < 64 << 20);
    let target = bench.path("out");
    restore(&options(&packed.archive, &target)).unwrap();
    let (from, to) = (bench.source().join("huge"), target.join("huge"));
    let blocks = |path: &Path| fs::metadata(path).unwrap().blocks() * 512;
    assert!(blocks(&to) <= blocks(&from) + (1 << 20), "the holes are holes again");
    let (from, to) = (fs::File::open(from).unwrap(), fs::File::open(to).unwrap());
    assert_eq!(from.metadata().unwrap().len(), to.metadata().unwrap().len());
    for at in ends {
        let read = |file: &fs::File| {
            let mut bytes = vec![0; 4 * PIECE];
            file.read_exact_at(&mut bytes, at.saturating_sub(99)).unwrap();
            bytes
        };
        assert!(read(&from) == read(&to), "at {at}");
    }
}

#[test]
#[ignore = "needs 7 GB of room and half a minute; `make soak` runs it"]
fn gigabytes_without_holes_come_back() {
    let bench = Bench::new();
    let mut part = content(1 << 20);
    for (name, n_parts) in [("a/long", 3_100), ("b/short", 200)] {
        fs::create_dir_all(bench.source().join(name).parent().unwrap()).unwrap();
        let mut file = fs::File::create(bench.source().join(name)).unwrap();
        for n in 0..n_parts {
            part[..4].copy_from_slice(&u32::to_le_bytes(n));
            file.write_all(&part).unwrap();
        }
    }
    for profile in [Profile::Seekable, Profile::Dense] {
        let packed = bench
            .pack_as(&PackOptions { profile, ..bench.options() }, profile.parameters(0).frame_size)
            .unwrap();
        let target = bench.path(profile.as_str());
        restore(&options(&packed.archive, &target)).unwrap();
        for name in ["a/long", "b/short"] {
            assert_equal(&bench.source().join(name), &target.join(name));
        }
        fs::remove_dir_all(target).unwrap();
    }
}
