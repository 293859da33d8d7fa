//! Pellets whose archive or sidecar is not what was packed.

use std::fs;

use durable_fs::DiskFs;
use proptest::prelude::*;

use super::kit::{options, packed, remains, restore};
use crate::tests::kit::{Bench, snapshot};
use crate::{Digest, EntryKind, RawPath, ReadError, ReadErrorKind, Sidecar};

/// Restores after `change` to the sidecar.
fn with(change: impl FnOnce(&mut Sidecar)) -> Result<(), ReadError> {
    let bench = Bench::in_memory();
    let packed = packed(&bench);
    let mut sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    change(&mut sidecar);
    fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
    let target = bench.path("out");
    let done = restore(&options(&packed.archive, &target));
    assert_eq!(target.exists(), done.is_ok());
    assert!(remains(&target).is_empty());
    done.map(|_| ())
}

fn at(sidecar: &Sidecar, path: &str) -> usize {
    sidecar.entries.iter().position(|e| e.path.as_path() == path).unwrap()
}

#[test]
fn a_sidecar_that_lies_is_found_out() {
    type Change = fn(&mut Sidecar);
    let cases: [(&str, Change); 22] = [
        ("path-component", |s| s.entries[0].path = RawPath::from(&b"../evil"[..])),
        ("path-absolute", |s| s.entries[0].path = RawPath::from(&b"/evil"[..])),
        ("entry-mismatch", |s| {
            let i = at(s, "zero");
            s.entries[i].path = RawPath::from(&b"zero!"[..]);
        }),
        ("path-duplicate", |s| {
            let last = s.entries.len() - 1;
            s.entries[last].path = s.entries[last - 1].path.clone();
        }),
        ("entry-order", |s| {
            let i = at(s, "zero");
            s.entries[i].path = RawPath::from(&b"a"[..]);
        }),
        ("path-parent", |s| {
            let i = at(s, "lib/1");
            s.entries.remove(i);
        }),
        ("content-mismatch", |s| {
            let i = at(s, "big");
            s.entries[i].blake3 = Some(Digest::of(b"other"));
        }),
        ("content-mismatch", |s| {
            let i = at(s, "bin/run");
            s.entries[i].blake3 = Some(Digest::of(b"other"));
        }),
        ("entry-mismatch", |s| {
            let i = at(s, "bin/run");
            s.entries[i].mode = 0o777;
        }),
        ("entry-mismatch", |s| {
            let i = at(s, "bin/run");
            s.entries[i].size = Some(9);
        }),
        ("sidecar-damaged", |s| {
            let i = at(s, "bin/run");
            s.entries[i].blake3 = None;
        }),
        ("sidecar-damaged", |s| {
            let i = at(s, "bin/run");
            s.entries[i].target = Some(RawPath::from(&b"x"[..]));
        }),
        ("entry-mismatch", |s| {
            let i = at(s, "lib/run");
            s.entries[i].target = Some(RawPath::from(&b"/etc/passwd"[..]));
        }),
        ("link-target", |s| {
            let i = at(s, "lib/big");
            s.entries[i].target = Some(RawPath::from(&b"zero"[..]));
        }),
        ("link-target", |s| {
            let i = at(s, "lib/big");
            s.entries[i].target = Some(RawPath::from(&b"lib/run"[..]));
        }),
        ("entry-mismatch", |s| {
            let i = at(s, "lib/big");
            s.entries[i].target = Some(RawPath::from(&b"bin/run"[..]));
        }),
        ("entry-mismatch", |s| {
            let i = at(s, "zero");
            s.entries.remove(i);
        }),
        ("entry-mismatch", |s| {
            let i = at(s, "zero");
            s.entries[i].kind = EntryKind::Directory;
            (s.entries[i].size, s.entries[i].blake3) = (None, None);
        }),
        ("entry-place", |s| s.entries[1].offset += 1),
        ("entry-place", |s| s.entries[1].frame = 999),
        ("entry-place", |s| s.entries[1].header = 0),
        ("seek-table-mismatch", |s| s.frames[1].content += 512),
    ];
    for (n, (code, change)) in cases.into_iter().enumerate() {
        let error = with(change).expect_err(code);
        assert_eq!(error.code(), code, "case {n}: {error}");
    }
    assert!(with(|_| {}).is_ok());
}

#[test]
fn a_failure_names_frame_and_entry() {
    let error = with(|s| {
        let i = at(s, "bin/run");
        s.entries[i].blake3 = Some(Digest::of(b"other"));
    })
    .unwrap_err();
    assert_eq!(error.entry().unwrap().as_path(), "bin/run");
    assert!(error.frame().is_some());
    let found = Digest::of(b"#!/bin/sh\n");
    let want = format!(
        "the content of a file is not what was packed: {found} instead of {}, entry bin/run, frame {}: {}",
        Digest::of(b"other"),
        error.frame().unwrap(),
        error.path().unwrap().display(),
    );
    assert_eq!(error.to_string(), want);
    assert_eq!(error.kind(), ReadErrorKind::Damaged);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_changed_archive_is_refused_or_the_same_tree(
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
        cut in any::<bool>(),
    ) {
        let bench = Bench::in_memory();
        let packed = packed(&bench);
        let mut bytes = fs::read(&packed.archive).unwrap();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        fs::write(&packed.archive, &bytes).unwrap();
        let target = bench.path("out");
        match restore(&options(&packed.archive, &target)) {
            // zstd leaves some bits without a meaning; then nothing else changed.
            Ok(_) => prop_assert_eq!(snapshot(&target), snapshot(&bench.source())),
            Err(e) => {
                prop_assert!(!target.exists(), "{}", e);
                prop_assert!(matches!(
                    e.kind(), ReadErrorKind::Damaged | ReadErrorKind::Refused | ReadErrorKind::TooLarge
                ), "{}", e);
            }
        }
        prop_assert!(remains(&target).is_empty());
    }
}
