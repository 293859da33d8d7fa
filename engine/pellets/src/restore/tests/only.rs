//! Parts of a Pellet, brought back into a tree that stands.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::kit::{options, packed, remains, restore};
use crate::tests::kit::{Bench, Thing, snapshot};
use crate::{Packed, RawPath, RestoreOptions};

fn only(packed: &Packed, target: &Path, path: &str) -> RestoreOptions {
    let only = Some(RawPath::from(Path::new(path)));
    RestoreOptions { only, ..options(&packed.archive, target) }
}

#[test]
fn one_file_comes_back_from_few_frames() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let target = bench.path("out");
    for path in ["lib/3/index.js", "bin/run", "zero", "big", "lib/run", "out"] {
        let restored = restore(&only(&packed, &target, path)).unwrap();
        assert_eq!((restored.entries, restored.replaced), (1, false), "{path}");
    }
    let whole = snapshot(&bench.source());
    let got = snapshot(&target);
    for path in ["lib/3/index.js", "bin/run", "zero", "lib/run", "out"] {
        assert_eq!(got[Path::new(path)], whole[Path::new(path)], "{path}");
    }
    assert_eq!(
        fs::read(target.join("big")).unwrap(),
        fs::read(bench.source().join("big")).unwrap()
    );
    let time = |root: &Path| fs::metadata(root.join("bin/run")).unwrap().modified().unwrap();
    assert_eq!(time(&target), time(&bench.source()));
    assert!(remains(&target).is_empty());
}

#[test]
fn another_name_of_a_file_comes_back_as_that_file() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let target = bench.path("out");
    restore(&only(&packed, &target, "lib/big")).unwrap();
    let got = snapshot(&target);
    assert!(matches!(&got[Path::new("lib/big")], Thing::File { n_links: 1, .. }));
    assert_eq!(got.len(), 2);
}

#[test]
fn a_directory_comes_back_with_files_whose_first_name_is_elsewhere() {
    let bench = Bench::new();
    bench.file("a/first", &[5; 30_000]);
    bench.file("deps/own", b"own");
    let source = bench.source();
    let lib = source.join("deps/sub");
    fs::create_dir(&lib).unwrap();
    for name in ["deps/sub/one", "deps/two"] {
        fs::hard_link(source.join("a/first"), source.join(name)).unwrap();
    }
    fs::hard_link(source.join("deps/own"), source.join("deps/own2")).unwrap();
    let packed = bench.pack_as(&bench.options(), 8192).unwrap();
    let target = bench.path("out");
    assert_eq!(restore(&only(&packed, &target, "deps")).unwrap().entries, 6);
    let got = snapshot(&target);
    let n_links = |path: &str| match &got[Path::new(path)] {
        Thing::File { content, n_links, .. } => (content.len(), *n_links),
        other => panic!("{path}: {other:?}"),
    };
    assert_eq!((n_links("deps/sub/one"), n_links("deps/two")), ((30_000, 2), (30_000, 2)));
    assert_eq!((n_links("deps/own"), n_links("deps/own2")), ((3, 2), (3, 2)));
    assert!(!got.contains_key(Path::new("a")), "nothing comes along that was not asked for");
    let time = |root: &Path| fs::metadata(root.join("deps/two")).unwrap().modified().unwrap();
    assert_eq!(time(&target), time(&source));
    assert!(remains(&target).is_empty());
}

#[test]
fn a_directory_comes_back_with_what_is_below_it() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let target = bench.path("out");
    let restored = restore(&only(&packed, &target, "lib/2")).unwrap();
    assert_eq!(restored.entries, 2);
    let got = snapshot(&target);
    let want: Vec<_> =
        snapshot(&bench.source()).into_iter().filter(|(p, _)| p.starts_with("lib/2")).collect();
    let got: Vec<_> = got.into_iter().filter(|(p, _)| p.starts_with("lib/2")).collect();
    assert_eq!(got, want);
}

#[test]
fn what_stands_there_is_replaced_only_when_asked_for() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let target = bench.path("out");
    fs::create_dir_all(target.join("bin/run")).unwrap();
    let mut options = only(&packed, &target, "bin/run");
    let error = restore(&options).unwrap_err();
    assert_eq!((error.code(), error.path().unwrap()), ("target-exists", &*target.join("bin/run")));
    options.replace = true;
    assert!(restore(&options).unwrap().replaced);
    assert_eq!(fs::read(target.join("bin/run")).unwrap(), b"#!/bin/sh\n");
}

#[test]
fn the_way_leads_through_no_link() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let (target, outside) = (bench.path("out"), bench.path("outside"));
    fs::create_dir_all(&target).unwrap();
    fs::create_dir_all(&outside).unwrap();
    symlink("../outside", target.join("bin")).unwrap();
    let error = restore(&only(&packed, &target, "bin/run")).unwrap_err();
    assert_eq!(error.code(), "target-exists");
    assert_eq!(snapshot(&outside).len(), 0);
}

#[test]
fn paths_that_are_not_there() {
    let bench = Bench::new();
    let packed = packed(&bench);
    let code = |path: &str| restore(&only(&packed, &bench.path("out"), path)).unwrap_err().code();
    assert_eq!(code("missing"), "entry-not-found");
    assert_eq!(code("bin/ru"), "entry-not-found");
    for none in ["../tree", "/bin", "bin//run", ".", "/", "./"] {
        assert_eq!(code(none), "entry-not-found", "{none}");
    }
    assert!(!bench.path("out").exists());
    for (n, run) in ["bin/run", "./bin/run", "bin/run/", "bin/", "././bin"].iter().enumerate() {
        let target = bench.path(format!("{n}"));
        restore(&only(&packed, &target, run)).unwrap();
        assert!(target.join("bin/run").is_file(), "{run}");
    }
    let options = RestoreOptions { sidecar: None, ..only(&packed, &bench.path("out"), "bin/run") };
    assert_eq!(restore(&options).unwrap_err().code(), "sidecar-missing");
}

#[test]
fn the_limit_of_bytes_holds_for_one_file_too() {
    let bench = Bench::new();
    bench.file("big", b"not at all");
    let packed = bench.pack();
    let mut sidecar = crate::Sidecar::read(&durable_fs::DiskFs, &packed.sidecar).unwrap();
    sidecar.entries[0].size = Some(1 << 62);
    let mut text = Vec::new();
    sidecar.encode(&mut text).unwrap();
    fs::write(&packed.sidecar, text).unwrap();
    let error = restore(&only(&packed, &bench.path("out"), "big")).unwrap_err();
    assert_eq!(error.code(), "too-many-bytes");
}

#[test]
fn a_sidecar_in_another_form_is_read_whole() {
    let bench = Bench::new();
    bench.file("quote\"d/na\\me", b"x");
    let packed = bench.pack();
    let sidecar = crate::Sidecar::read(&durable_fs::DiskFs, &packed.sidecar).unwrap();
    let target = bench.path("out");
    restore(&only(&packed, &target, "quote\"d/na\\me")).unwrap();
    fs::write(&packed.sidecar, serde_json::to_vec_pretty(&sidecar).unwrap()).unwrap();
    fs::remove_dir_all(&target).unwrap();
    restore(&only(&packed, &target, "quote\"d/na\\me")).unwrap();
    assert_eq!(fs::read(target.join("quote\"d/na\\me")).unwrap(), b"x");
}
