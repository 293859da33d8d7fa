//! Holes, extended attributes, rules of what to leave out, digests of directories.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use durable_fs::DiskFs;
use proptest::prelude::*;
use rustix::fs::{XattrFlags, getxattr, setxattr};

use super::kit::{Bench, list, snapshot, unpack};
use crate::{Digest, PackOptions, RawPath, Sidecar, SidecarEntry};

const MIB: u64 = 1 << 20;

/// Writes a file of the tree that has data only where told.
fn sparse_file(bench: &Bench, path: &str, size: u64, data: &[(u64, &[u8])]) {
    let file = File::create(bench.source().join(path)).unwrap();
    for (offset, bytes) in data {
        file.write_all_at(bytes, *offset).unwrap();
    }
    file.set_len(size).unwrap();
}

fn sidecar_of(packed: &crate::Packed) -> Sidecar {
    Sidecar::read(&DiskFs, &packed.sidecar).unwrap()
}

fn entry(sidecar: &Sidecar, path: &str) -> SidecarEntry {
    sidecar.entries.iter().find(|e| e.path == RawPath::from(Path::new(path))).unwrap().clone()
}

#[test]
fn holes_survive_the_systems_tar_and_cost_nothing() {
    let bench = Bench::new();
    sparse_file(&bench, "inside", 10 * MIB + 7, &[(5, b"start"), (8 * MIB + 99, b"end")]);
    sparse_file(&bench, "behind", 40 * MIB + 1, &[(0, b"x")]);
    sparse_file(&bench, "nothing", 3 * MIB, &[]);
    sparse_file(&bench, &"long-".repeat(40), 4 * MIB, &[(2 * MIB, b"y")]);
    std::fs::hard_link(bench.source().join("inside"), bench.source().join("inside-too")).unwrap();
    symlink("inside", bench.source().join("link")).unwrap();
    bench.file("small", &[0; 5000]);
    for frame_size in [4096, 1 << 20] {
        let packed = bench.pack_as(&bench.options(), frame_size).unwrap();
        let out = bench.path(format!("out-{frame_size}"));
        unpack(&packed.archive, &out);
        assert_eq!(snapshot(&out), snapshot(&bench.source()));
        assert_eq!(list(&packed.archive).len(), 7);
        assert!(std::fs::metadata(out.join("behind")).unwrap().blocks() < 64);
        let sidecar = sidecar_of(&packed);
        assert!(sidecar.totals.bytes_tar < 64 << 10, "{}", sidecar.totals.bytes_tar);
        let inside = entry(&sidecar, "inside");
        let content = std::fs::read(out.join("inside")).unwrap();
        assert_eq!((inside.size, inside.blake3), (Some(10 * MIB + 7), Some(Digest::of(&content))));
        assert_eq!(inside.sparse, Some(vec![(0, 4096), (8 * MIB, 4096)]));
        assert_eq!(entry(&sidecar, "nothing").sparse, Some(Vec::new()));
        assert_eq!(entry(&sidecar, "small").sparse, None);
        std::fs::remove_dir_all(bench.path("store")).unwrap();
    }
}

#[test]
fn written_zeros_and_holes_give_the_same_archive() {
    let zeros = vec![0; 5 << 20];
    let archives = [true, false].map(|holes| {
        let bench = Bench::new();
        if holes {
            sparse_file(&bench, "file", 6 * MIB, &[(5 * MIB, &[7; 9000])]);
        } else {
            let mut content = zeros.clone();
            content.resize((5 << 20) + 9000, 7);
            content.resize(6 << 20, 0);
            bench.file("file", &content);
        }
        let packed = bench.pack_as(&bench.options(), 8192).unwrap();
        (packed.tree, packed.digest)
    });
    assert_eq!(archives[0], archives[1]);
}

/// Follows what the format page says: segments stand behind the header one after the other.
fn read_by_sidecar(sidecar: &Sidecar, archive: &[u8], entry: &SidecarEntry) -> Vec<u8> {
    let mut tar = Vec::new();
    for frame in &sidecar.frames {
        let start = usize::try_from(frame.offset).unwrap();
        let frame_bytes = &archive[start..start + frame.compressed as usize];
        tar.extend(zstd::bulk::decompress(frame_bytes, frame.content as usize).unwrap());
    }
    let frame = usize::try_from(entry.frame).unwrap();
    let before: u64 = sidecar.frames[..frame].iter().map(|f| u64::from(f.content)).sum();
    let mut at = usize::try_from(before + entry.offset + entry.header).unwrap();
    let size = usize::try_from(entry.size.unwrap()).unwrap();
    let whole = vec![(0, size as u64)];
    let mut content = vec![0; size];
    for (offset, len) in entry.sparse.as_ref().unwrap_or(&whole) {
        let (offset, len) = (usize::try_from(*offset).unwrap(), usize::try_from(*len).unwrap());
        content[offset..offset + len].copy_from_slice(&tar[at..at + len]);
        at += len;
    }
    content
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_holes_survive(
        files in prop::collection::vec(
            prop::collection::vec((0u64..3 * MIB, prop_oneof![1usize..5, 4000usize..9000]), 0..6),
            1..4,
        ),
        frame_size in prop_oneof![Just(4096u32), Just(65_536)],
        n_threads in 1usize..4,
    ) {
        let bench = Bench::in_memory();
        for (n, runs) in files.iter().enumerate() {
            let mut at = 0;
            let mut data = Vec::new();
            for (gap, len) in runs {
                at += gap;
                data.push((at, vec![u8::try_from(n + 1).unwrap(); *len]));
                at += *len as u64;
            }
            let data: Vec<(u64, &[u8])> = data.iter().map(|(at, d)| (*at, &**d)).collect();
            sparse_file(&bench, &format!("file-{n}"), at + (n as u64) * MIB, &data);
        }
        let options = PackOptions { threads: n_threads.try_into().unwrap(), ..bench.options() };
        let packed = bench.pack_as(&options, frame_size).unwrap();
        let out = bench.path("out");
        unpack(&packed.archive, &out);
        prop_assert!(snapshot(&out) == snapshot(&bench.source()));
        let sidecar = sidecar_of(&packed);
        let archive = std::fs::read(&packed.archive).unwrap();
        for entry in &sidecar.entries {
            let content = std::fs::read(bench.source().join(entry.path.as_path())).unwrap();
            prop_assert!(read_by_sidecar(&sidecar, &archive, entry) == content);
            prop_assert_eq!(entry.blake3, Some(Digest::of(&content)));
        }
    }
}

#[test]
fn attributes_of_the_user_survive_the_systems_tar() {
    let bench = Bench::new();
    bench.file("dir/file", b"x");
    bench.file("dir/plain", b"x");
    let source = bench.source();
    std::fs::hard_link(source.join("dir/file"), source.join("dir/other")).unwrap();
    let long = "n".repeat(120);
    bench.file(&long, b"x");
    let set: [(&str, &[u8], &[u8]); 6] = [
        ("dir/file", b"user.b", b"raw \x00\xff\n"),
        ("dir/file", b"user.a", b""),
        ("dir/file", b"user.odd=name 100%", b"v"),
        ("dir", b"user.on a folder", b"v"),
        (&long, b"user.long", &[b'z'; 3000]),
        ("dir/file", b"user.\xfe", b"v"),
    ];
    for (path, name, value) in set {
        setxattr(source.join(path), OsStr::from_bytes(name), value, XattrFlags::empty()).unwrap();
    }
    let packed = bench.pack_as(&bench.options(), 4096).unwrap();
    let out = bench.path("out");
    std::fs::create_dir(&out).unwrap();
    let tar = Command::new("tar")
        .args(["--zstd", "--xattrs", "-xpf"])
        .args([packed.archive.as_os_str(), OsStr::new("-C"), out.as_os_str()])
        .output()
        .unwrap();
    assert!(tar.status.success() && tar.stderr.is_empty(), "{tar:?}");
    assert_eq!(snapshot(&out), snapshot(&source));
    for (path, name, value) in set {
        let mut found = [0; 4096];
        let n = getxattr(out.join(path), OsStr::from_bytes(name), &mut found[..]).unwrap();
        assert_eq!(&found[..n], value, "{path}");
    }
    let sidecar = sidecar_of(&packed);
    let file = entry(&sidecar, "dir/file");
    let names: Vec<_> = file.attributes.iter().map(|a| a.name.as_bytes()).collect();
    assert_eq!(names, [&b"user.a"[..], b"user.b", b"user.odd=name 100%", b"user.\xfe"]);
    assert_eq!(file.attributes[1].value.as_bytes(), b"raw \x00\xff\n");
    assert!(entry(&sidecar, "dir/other").attributes.is_empty());
    setxattr(source.join("dir"), "user.on a folder", b"w", XattrFlags::empty()).unwrap();
    let changed = bench.pack_as(&bench.options(), 4096).unwrap();
    assert_ne!((changed.tree, changed.digest), (packed.tree, packed.digest));
}

#[test]
fn rules_of_the_tree_leave_paths_out() {
    let bench = Bench::new();
    bench.file(".nestrignore", b"# what can be made again\n*.log\n/build/\n!keep.log\n");
    for path in ["a.log", "keep.log", "src/b.log", "build/x/y", "src/build/z", "src/main.rs"] {
        bench.file(path, path.as_bytes());
    }
    // A file inside the tree rules nothing: a package does not decide what of it is kept.
    bench.file("src/.nestrignore", b"*");
    let packed = bench.pack();
    let mut listed = list(&packed.archive);
    listed.sort();
    let kept = [
        ".nestrignore",
        "keep.log",
        "src",
        "src/.nestrignore",
        "src/build",
        "src/build/z",
        "src/main.rs",
    ];
    assert_eq!(listed, kept.map(PathBuf::from));
    assert_eq!(packed.n_ignored, 3);
    assert_eq!(sidecar_of(&packed).totals.ignored, 3);
}

#[test]
fn a_directory_has_the_same_digest_wherever_it_stands() {
    let bench = Bench::new();
    let source = bench.source();
    for dir in ["a/lib", "z/deep/lib", "other/lib"] {
        bench.file(format!("{dir}/x/file"), b"content");
        bench.file(format!("{dir}/y"), b"more");
        symlink("y", source.join(dir).join("link")).unwrap();
    }
    // The same content by another name of a file elsewhere.
    std::fs::remove_file(source.join("z/deep/lib/y")).unwrap();
    std::fs::hard_link(source.join("a/lib/y"), source.join("z/deep/lib/y")).unwrap();
    bench.file("other/lib/x/file", b"CONTENT");
    let sidecar = sidecar_of(&bench.pack());
    let digest = |path| *entry(&sidecar, path).merkle.unwrap();
    assert_eq!(digest("a/lib"), digest("z/deep/lib"));
    assert_eq!(digest("a"), digest("z/deep"));
    assert_ne!(digest("a/lib"), digest("other/lib"));
    assert_ne!(digest("a/lib/x"), digest("other/lib/x"));
    assert_ne!(sidecar.merkle.unwrap(), digest("a"));
    let files = sidecar.entries.iter().filter(|e| e.merkle.is_some());
    assert!(files.clone().all(|e| e.kind == crate::EntryKind::Directory));
    assert_eq!(files.count() as u64, sidecar.totals.directories);
}

#[test]
fn the_lock_file_and_the_machine_are_told() {
    let bench = Bench::new();
    bench.file("node_modules/left-pad/index.js", b"x");
    bench.file("package-lock.json", b"{}");
    bench.file("yarn.lock", b"# yarn");
    bench.file("Cargo.lock", b"of no interest to this tree");
    let source = bench.source().join("node_modules");
    let packed = bench.pack_as(&PackOptions { source, ..bench.options() }, 4096).unwrap();
    let origin = sidecar_of(&packed).origin;
    let found: Vec<_> = origin.lock_files.iter().map(|l| (l.path.as_path(), l.blake3)).collect();
    let expected = [("../package-lock.json", &b"{}"[..]), ("../yarn.lock", b"# yarn")];
    assert_eq!(found, expected.map(|(path, text)| (Path::new(path), Digest::of(text))));
    let libc = origin.libc.unwrap();
    assert!(libc.starts_with("glibc 2.") || libc == "musl", "{libc}");
}

#[test]
fn more_attributes_than_readers_take_are_refused() {
    let bench = Bench::in_memory();
    bench.file("file", b"x");
    let file = bench.source().join("file");
    let fits = (0..20)
        .all(|n| setxattr(&file, format!("user.{n}"), &[1; 60_000], XattrFlags::empty()).is_ok());
    if !fits {
        println!("skipped: no file system at hand takes 1 MiB of attributes");
        return;
    }
    let error = bench.pack_as(&bench.options(), 4096).unwrap_err();
    assert!(error.to_string().contains("attributes of a path exceed"), "{error}");
}
