//! Damage of every kind, and what is said about it.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use durable_fs::{DiskFs, ManualClock};

use super::{Verified, VerifyOptions, verify};
use crate::tests::kit::Bench;
use crate::{Digest, Packed, ReadError, Sidecar, Unwatched};

fn packed(bench: &Bench) -> Packed {
    for n in 0..8u8 {
        bench.file(format!("dir/{n}"), &vec![n; 3000]);
    }
    bench.pack_as(&bench.options(), 8192).unwrap()
}

fn run(packed: &Packed, expected: Option<Digest>) -> Result<Verified, ReadError> {
    let threads = NonZeroUsize::new(2).unwrap();
    let options = VerifyOptions { threads, expected, ..VerifyOptions::new(&packed.archive) };
    verify(&DiskFs, &ManualClock::at(Duration::ZERO), &options, &Unwatched)
}

fn codes(verified: &Verified) -> Vec<&'static str> {
    verified.findings.iter().map(|f| f.code).collect()
}

fn edit(packed: &Packed, change: impl FnOnce(&mut Sidecar)) {
    let mut sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    change(&mut sidecar);
    fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
}

#[test]
fn a_whole_pellet_has_no_findings() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let verified = run(&packed, Some(packed.digest)).unwrap();
    assert!(verified.is_whole(), "{:?}", verified.findings);
    assert_eq!((verified.digest, verified.entries), (packed.digest, packed.entries));
    assert_eq!((verified.frames, verified.bytes), (packed.frames, packed.bytes_out));
    let other = run(&packed, Some(Digest::of(b"another"))).unwrap();
    assert_eq!(codes(&other), ["digest-mismatch"]);
}

/// A field that nobody knows is ignored, but bisection, which looks at lines alone, would find what stands in it.
#[test]
fn a_line_that_looks_like_an_entry_is_one() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let text = fs::read_to_string(&packed.sidecar).unwrap();
    let line = text.lines().find(|line| line.starts_with("{\"path\":\"dir/3\"")).unwrap();
    let line = line.trim_end_matches(',');
    let other = line.replace("\"offset\":", "\"offset\":1");
    let before = text.replacen(
        "\"frames\":",
        &format!("\"x\":{{\"entries\":[\n{other}\n]}},\"frames\":"),
        1,
    );
    let behind = text.replacen("\"origin\":", &format!("\"x\":[\n{line}\n],\"origin\":"), 1);
    for (what, text) in [("before", before), ("behind", behind)] {
        fs::write(&packed.sidecar, text).unwrap();
        let verified = run(&packed, None).unwrap();
        assert_eq!(codes(&verified), ["sidecar-damaged"], "{what}");
        assert_eq!(verified.findings[0].entry, Some(Path::new("dir/3").into()), "{what}");
    }
    // A field without such lines is none of our business.
    let known = text.replacen("\"frames\":", "\"x\":[\n{\"path\":\"dir/3\"}\n],\"frames\":", 1);
    fs::write(&packed.sidecar, known).unwrap();
    assert!(run(&packed, None).unwrap().is_whole());
}

#[test]
fn the_end_may_be_cut_by_frames() {
    let bench = Bench::new();
    bench.file("file", b"content");
    let packed = bench.pack_as(&bench.options(), 512).unwrap();
    let verified = run(&packed, None).unwrap();
    assert!(verified.is_whole(), "{:?}", verified.findings);
    assert_eq!(verified.frames, 4);
}

#[test]
fn every_sum_of_the_sidecar_is_compared() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let whole = fs::read(&packed.sidecar).unwrap();
    let changes: [fn(&mut crate::sidecar::Totals); 8] = [
        |t| t.entries += 1,
        |t| t.files -= 1,
        |t| t.directories += 1,
        |t| t.symlinks += 1,
        |t| t.hard_links += 1,
        |t| t.bytes_in = 0,
        |t| t.bytes_tar = u64::MAX,
        |t| t.bytes_out -= 1,
    ];
    for change in changes {
        edit(&packed, |sidecar| change(&mut sidecar.totals));
        assert_eq!(codes(&run(&packed, None).unwrap()), ["totals-mismatch"]);
        fs::write(&packed.sidecar, &whole).unwrap();
    }
}

#[test]
fn a_broken_frame_is_told_with_the_entries_that_it_takes_along() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    let mut bytes = fs::read(&packed.archive).unwrap();
    let frame = sidecar.frames[1];
    bytes[usize::try_from(frame.offset).unwrap() + frame.compressed as usize - 1] ^= 0xff;
    fs::write(&packed.archive, bytes).unwrap();
    let verified = run(&packed, None).unwrap();
    let lost: Vec<_> = verified.findings.iter().filter(|f| f.code == "entry-lost").collect();
    assert!(
        codes(&verified).contains(&"frame-damaged")
            && codes(&verified).contains(&"digest-mismatch")
    );
    assert!(lost.iter().all(|f| f.frame == Some(1)) && !lost.is_empty());
    assert_eq!(verified.entries + lost.len() as u64, packed.entries);
    assert_eq!(verified.frames + 1, packed.frames);
}

#[test]
fn a_wrong_digest_names_file_frame_expected_and_found() {
    let bench = Bench::new();
    let packed = packed(&bench);
    edit(&packed, |s| s.entries[3].blake3 = Some(Digest::of(b"other")));
    let verified = run(&packed, None).unwrap();
    assert_eq!(codes(&verified), ["tree-mismatch", "content-mismatch"]);
    let finding = &verified.findings[1];
    assert_eq!(finding.entry.as_ref().unwrap().as_path(), "dir/2");
    assert_eq!(finding.expected, Some(Digest::of(b"other").to_string()));
    assert_eq!(finding.found, Some(Digest::of(&[2; 3000]).to_string()));
    assert!(finding.frame.is_some());
}

#[test]
fn several_differences_are_all_told() {
    let bench = Bench::new();
    let packed = packed(&bench);
    edit(&packed, |s| {
        s.entries[1].mode = 0o777;
        s.entries[5].size = Some(1);
    });
    let verified = run(&packed, None).unwrap();
    assert_eq!(codes(&verified), ["tree-mismatch", "entry-mismatch", "entry-mismatch"]);
    assert_eq!(verified.findings[1].found.as_deref(), Some("0644"));
    assert_eq!(verified.findings[1].expected.as_deref(), Some("0777"));
    assert_eq!(verified.entries + 2, packed.entries);
}

#[test]
fn what_cannot_be_read_at_all_is_an_error_and_what_is_damaged_a_finding() {
    let bench = Bench::new();
    let packed = packed(&bench);
    fs::write(&packed.sidecar, b"{").unwrap();
    let verified = run(&packed, None).unwrap();
    assert_eq!((codes(&verified), verified.frames), (vec!["sidecar-damaged"], packed.frames));
    let what = &verified.findings[0].what;
    assert!(what.contains("EOF while parsing"), "it says where: {what}");
    let whole = fs::read(&packed.archive).unwrap();
    fs::write(&packed.archive, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(codes(&run(&packed, None).unwrap()), ["sidecar-damaged", "seek-table-damaged"]);
    fs::remove_file(&packed.archive).unwrap();
    assert_eq!(run(&packed, None).unwrap_err().code(), "pellet-not-found");
    fs::remove_file(&packed.sidecar).unwrap();
    assert_eq!(run(&packed, None).unwrap_err().code(), "pellet-not-found", "neither is there");
    fs::write(&packed.archive, &whole).unwrap();
    let error = run(&packed, None).unwrap_err();
    assert_eq!((error.code(), error.path()), ("sidecar-missing", Some(packed.sidecar.as_path())));
}
