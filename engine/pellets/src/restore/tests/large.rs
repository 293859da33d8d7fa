//! Files that are brought back in pieces, by whichever thread has them.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use durable_fs::DiskFs;

use super::kit::{options, remains, restore, times};
use crate::tests::kit::{Bench, snapshot};
use crate::{Digest, RawPath, RestoreOptions, Sidecar};

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
    assert_eq!(lie(|entry| entry.size = Some(1_100_004)).code(), "entry-mismatch");
    assert_eq!(lie(|entry| entry.header = 1024).code(), "entry-mismatch");
    assert_eq!(lie(|entry| entry.mode = 0o777).code(), "entry-mismatch");
}
