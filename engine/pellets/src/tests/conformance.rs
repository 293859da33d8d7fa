//! Another reader, written from the documents of the format alone, reads what we write and finds every byte of it where
//! they say. What it refuses is a fault of the code or of a document.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use durable_fs::DiskFs;
use rustix::fs::{XattrFlags, setxattr};

use super::kit::{Bench, Thing, snapshot};
use crate::base::Base;
use crate::sign::tests::signing_key;
use crate::{Digest, Limits, PackOptions, Packed, Profile, Sidecar};

const FRAME: u32 = 8192;

/// What the reader prints of an entry: type, content's digest, target in hexadecimal.
type Told = BTreeMap<PathBuf, (String, String, String)>;

/// Makes a sidecar lie.
type Change = fn(&mut Sidecar);

fn reader(packed: &Packed, ancestors: &[&Packed]) -> Output {
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/conformance/reader.py");
    Command::new("python3")
        .args(["-B", reader])
        .arg(&packed.archive)
        .args(ancestors.iter().map(|a| &a.archive))
        .output()
        .unwrap()
}

fn told(packed: &Packed, ancestors: &[&Packed]) -> Told {
    let output = reader(packed, ancestors);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = |line: &str| {
        let fields: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let path = String::from_utf8(hex::decode(&fields[0]).unwrap()).unwrap();
        (path.into(), (fields[1].clone(), fields[3].clone(), fields[4].clone()))
    };
    String::from_utf8(output.stdout).unwrap().lines().map(line).collect()
}

/// The tree in the same words; a hard link is told as the file that it is.
fn expected(bench: &Bench, told: &Told) -> Told {
    let hex_of = |path: &Path| hex::encode(path.as_os_str().as_encoded_bytes());
    let of = |(path, thing): (PathBuf, Thing)| {
        let seen = match thing {
            Thing::Dir { .. } => ("directory".to_owned(), "-".to_owned(), "-".to_owned()),
            Thing::Link { target } => ("symlink".to_owned(), "-".to_owned(), hex_of(&target)),
            Thing::File { content, .. } => match &told[&path] {
                link if link.0 == "hardlink" => {
                    let first = String::from_utf8(hex::decode(&link.2).unwrap()).unwrap();
                    assert_eq!(std::fs::read(bench.source().join(first)).unwrap(), content);
                    link.clone()
                }
                _ => ("file".to_owned(), Digest::of(&content).to_string(), "-".to_owned()),
            },
        };
        (path, seen)
    };
    snapshot(&bench.source()).into_iter().map(of).collect()
}

/// Everything that has a form of its own.
fn tree(bench: &Bench) {
    let source = bench.source();
    for n in 0..40u8 {
        bench.file(format!("lib-{}/{n}", n % 3), &vec![n; 100 * usize::from(n)]);
    }
    bench.file("exact", &vec![b'e'; FRAME as usize - 512]);
    bench.file("long", &(0..7_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let deep = format!("{}/{}", "d".repeat(99), "f".repeat(120));
    bench.file(&deep, b"deep");
    bench.file("ünïcode \"quoted\\", b"");
    std::fs::create_dir_all(source.join("lib")).unwrap();
    std::fs::create_dir_all(source.join("lib.0/empty")).unwrap();
    std::fs::hard_link(source.join(&deep), source.join("z-link")).unwrap();
    symlink("t".repeat(101), source.join("lib/far")).unwrap();
    symlink("../long", source.join("lib/near")).unwrap();
    let mut holes = vec![b'h'; 5000];
    holes.resize((1 << 20) + 9000, 0);
    bench.file(format!("lib.0/{}", "h".repeat(101)), &holes);
    for (path, name) in [("lib-1", "user.b"), ("lib-1", "user.a"), (&*deep, "user.=%")] {
        setxattr(source.join(path), name, b"\xff v", XattrFlags::empty()).unwrap();
    }
}

#[test]
fn another_reader_finds_what_the_documents_say() {
    let bench = Bench::new();
    tree(&bench);
    let sign = Some(Arc::new(signing_key(&bench)));
    let options = PackOptions { sign, mtime: 1_700_000_000, ..bench.options() };
    let first = bench.pack_as(&options, FRAME).unwrap();
    assert!(first.frames > 10, "{}", first.frames);
    let seen = told(&first, &[]);
    assert_eq!(seen, expected(&bench, &seen));

    bench.file("lib-0/new", b"new");
    std::fs::remove_file(bench.source().join(format!("lib.0/{}", "h".repeat(101)))).unwrap();
    let base = Base::open(&DiskFs, &first.archive, &first.sidecar, &Limits::default()).unwrap();
    let base = Some(Arc::new(base));
    let options = PackOptions { base, delta: NonZeroU32::new(8), ..options };
    let delta = bench.pack_as(&options, FRAME).unwrap();
    assert_eq!(delta.layers, [first.digest]);
    let seen = told(&delta, &[&first]);
    assert_eq!(seen, expected(&bench, &seen));
}

#[test]
fn another_reader_refuses_what_is_not_so() {
    let bench = Bench::new();
    bench.file("dir/file", b"content");
    let sign = Some(Arc::new(signing_key(&bench)));
    let options = PackOptions { sign, profile: Profile::Dense, ..bench.options() };
    let packed = bench.pack_as(&options, FRAME).unwrap();
    let refused = |what: &str| {
        let output = reader(&packed, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(what), "{what}: {said}");
    };
    let whole = std::fs::read(&packed.sidecar).unwrap();
    let changes: [(Change, &str); 4] = [
        (|s| s.entries[1].mode = 0o600, "digest of the tree"),
        (|s| s.entries[0].merkle = Some(Box::new(Digest::of(b"other"))), "digest of directory"),
        (|s| s.entries[1].offset += 512, "the cut"),
        (|s| s.created_by = "somebody".into(), "signature"),
    ];
    for (change, what) in changes {
        let mut sidecar = Sidecar::parse(&whole).unwrap();
        change(&mut sidecar);
        std::fs::write(&packed.sidecar, serde_json::to_vec(&sidecar).unwrap()).unwrap();
        refused(what);
    }
    std::fs::write(&packed.sidecar, &whole).unwrap();
    let mut bytes = std::fs::read(&packed.archive).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&packed.archive, bytes).unwrap();
    refused("digest of the archive");
}
