//! The sidecar: its form, and that what it says leads to the right bytes.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use durable_fs::DiskFs;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, setxattr, utimensat};

use super::kit::Bench;
use crate::{Digest, EntryKind, RawPath, SeekTable, Sidecar, SidecarError};

fn stamp(path: &Path, mode: Option<u32>) {
    if let Some(mode) = mode {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let at = Timespec { tv_sec: 1_700_000_000, tv_nsec: 123_456_789 };
    let times = Timestamps { last_access: at, last_modification: at };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

#[test]
fn form() {
    let bench = Bench::new();
    bench.file("bin/run", b"#!/bin/sh\n");
    bench.file("lib/data", &[42; 5000]);
    let source = bench.source();
    let raw = source.join(std::ffi::OsStr::from_bytes(b"raw-\xff"));
    std::fs::hard_link(source.join("bin/run"), &raw).unwrap();
    symlink("lib/data", source.join("link")).unwrap();
    stamp(&source.join("bin/run"), Some(0o755));
    stamp(&source.join("lib/data"), Some(0o640));
    stamp(&source.join("link"), None);
    for dir in ["bin", "lib", ""] {
        stamp(&source.join(dir), Some(0o750));
    }
    let packed = bench.pack_as(&bench.options(), 4096).unwrap();
    let text = std::fs::read_to_string(&packed.sidecar).unwrap();
    let mut sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    // What finds one entry among many relies on it: each stands on a line of its own, frames too.
    let lines: Vec<&str> = text.lines().collect();
    let own = |first: &str| lines.iter().filter(|line| line.starts_with(first)).count();
    assert_eq!(own("{\"path\":"), sidecar.entries.len());
    assert_eq!(own("{\"offset\":"), sidecar.frames.len());
    assert_eq!(lines.len(), sidecar.entries.len() + sidecar.frames.len() + 3);
    assert_eq!(sidecar.origin.arch, std::env::consts::ARCH);
    assert_eq!(sidecar.created_by, concat!("nestr ", env!("CARGO_PKG_VERSION")));
    sidecar.origin.arch = "[arch]".to_owned();
    assert!(sidecar.origin.libc.is_some());
    sidecar.origin.libc = Some("[libc]".to_owned());
    sidecar.created_by = "nestr [version]".to_owned();
    // Inodes and times of this machine.
    assert!(sidecar.stamps.take().is_some());
    let pretty = serde_json::to_string_pretty(&sidecar).unwrap();
    insta::assert_snapshot!(pretty.replace(source.to_str().unwrap(), "/srv/tree"));
}

#[test]
fn each_frame_stands_alone_and_each_entry_is_found_in_it() {
    let bench = Bench::new();
    for n in 0..40u8 {
        bench.file(format!("dir/{n}"), &vec![n; usize::from(n) * usize::from(n) * 17]);
    }
    bench.file("d".repeat(180), b"behind a long header");
    let packed = bench.pack_as(&bench.options(), 8192).unwrap();
    let sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    let bytes = std::fs::read(&packed.archive).unwrap();
    let table = SeekTable::decode(&bytes).unwrap();
    let sizes: Vec<_> = sidecar.frames.iter().map(|f| (f.compressed, f.content)).collect();
    assert_eq!(table.frames.iter().map(|f| (f.compressed, f.content)).collect::<Vec<_>>(), sizes);
    // Backwards, so that no frame can lean on an earlier one.
    let contents: Vec<Vec<u8>> = sidecar
        .frames
        .iter()
        .rev()
        .map(|f| {
            let start = usize::try_from(f.offset).unwrap();
            let frame = &bytes[start..start + f.compressed as usize];
            zstd::bulk::decompress(frame, f.content as usize).unwrap()
        })
        .collect();
    let contents: Vec<Vec<u8>> = contents.into_iter().rev().collect();
    assert!(contents.iter().all(|c| c.len() <= 8192));
    let mut n_spanning = 0;
    for entry in sidecar.entries.iter().filter(|e| e.kind == EntryKind::File) {
        let frame = usize::try_from(entry.frame).unwrap();
        let start = usize::try_from(entry.offset + entry.header).unwrap();
        let len = usize::try_from(entry.size.unwrap()).unwrap();
        n_spanning += usize::from(start + len > contents[frame].len());
        let content: Vec<u8> = contents[frame..].concat()[start..start + len].to_vec();
        assert_eq!(Some(Digest::of(&content)), entry.blake3);
        assert_eq!(content, std::fs::read(bench.source().join(entry.path.as_path())).unwrap());
    }
    assert!(n_spanning > 5);
}

#[test]
fn a_newer_version_is_refused_by_number() {
    let error = Sidecar::parse(br#"{"schema_version": 3, "anything": []}"#).unwrap_err();
    assert!(matches!(error, SidecarError::Version(3)));
    assert!(matches!(Sidecar::parse(b"{").unwrap_err(), SidecarError::Form(_)));
}

#[test]
fn a_path_is_text_where_it_can_be() {
    let check = |bytes: &[u8], json: &str| {
        let path = RawPath::from(bytes);
        assert_eq!(serde_json::to_string(&path).unwrap(), json);
        assert_eq!(serde_json::from_str::<RawPath>(json).unwrap(), path);
    };
    check("häuser/🏠".as_bytes(), "\"häuser/🏠\"");
    check(b"a\nb", r#""a\nb""#);
    check(b"\xff\x00z", r#"{"hex":"ff007a"}"#);
}

#[test]
fn the_format_page_names_every_field() {
    let bench = Bench::new();
    bench.file("a", b"a");
    bench.file("Cargo.lock", b"");
    bench.file("zeros", &vec![0; 1 << 20]);
    bench.file(".nestrignore", b"a-*");
    bench.file("a-b", b"");
    bench.file("dir/b", b"b");
    setxattr(bench.source().join("a"), "user.x", b"y", XattrFlags::empty()).unwrap();
    symlink("a", bench.source().join("x".repeat(101))).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(bench.source().join("p")).status().is_ok());
    let text = std::fs::read(bench.pack().sidecar).unwrap();
    let page = include_str!("../../../../docs/formats/pellet.md");
    let mut todo = vec![serde_json::from_slice::<serde_json::Value>(&text).unwrap()];
    let mut n_fields = 0;
    while let Some(value) = todo.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                for (field, value) in fields {
                    assert!(page.contains(&format!("`{field}`")), "{field} is not on the page");
                    n_fields += 1;
                    todo.push(value);
                }
            }
            serde_json::Value::Array(items) => todo.extend(items),
            _ => {}
        }
    }
    assert!(n_fields > 50, "{n_fields}");
}
