//! Trees that name their own path.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use super::crash::each_fault;
use super::kit::{options, restore, times};
use crate::tests::kit::{Bench, snapshot};
use crate::{Ecosystem, Packed, Relocate, RestoreOptions, Way};

/// An environment whose interpreter is a shell script that says where it stands.
fn environment(bench: &Bench) -> Packed {
    let source = bench.source();
    let at = source.display();
    bench.file(
        "pyvenv.cfg",
        format!("home = /usr/bin\ncommand = python3 -m venv {at}\n").as_bytes(),
    );
    bench.file("bin/python", b"#!/bin/sh\necho \"$0\"\n");
    bench.file("bin/tool", format!("#!/bin/sh\nexec {at}/bin/python\n").as_bytes());
    bench.file("bin/activate", format!("VIRTUAL_ENV=\"{at}\"\n").as_bytes());
    bench.file("bin/other", b"#!/usr/bin/env python\n");
    bench.file("lib/python3/site-packages/x.py", format!("# {at}\n").as_bytes());
    for script in ["bin/python", "bin/tool", "bin/other"] {
        fs::set_permissions(source.join(script), PermissionsExt::from_mode(0o755)).unwrap();
    }
    fs::hard_link(source.join("bin/tool"), source.join("bin/zz")).unwrap();
    bench.pack_as(&bench.options(), 8192).unwrap()
}

fn assert_moved(bench: &Bench, target: &Path) {
    let said = Command::new(target.join("bin/tool")).output().unwrap();
    let python = target.join("bin/python");
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), python.display().to_string());
    let activate = fs::read_to_string(target.join("bin/activate")).unwrap();
    assert_eq!(activate, format!("VIRTUAL_ENV=\"{}\"\n", target.display()));
    assert_eq!(times(target), times(&bench.source()));
    let code = fs::read_to_string(target.join("lib/python3/site-packages/x.py")).unwrap();
    assert!(code.contains(&bench.source().display().to_string()), "code is not touched");
}

#[test]
fn an_environment_names_the_place_where_it_stands() {
    let bench = Bench::new();
    let packed = environment(&bench);
    let target = bench.path("moved");
    let restored = restore(&options(&packed.archive, &target)).unwrap();
    assert_eq!((restored.n_relocated, restored.shapes[0].ecosystem), (3, Ecosystem::Python));
    assert_moved(&bench, &target);
    let inode = |name: &str| fs::metadata(target.join(name)).unwrap().ino();
    assert_eq!(inode("bin/tool"), inode("bin/zz"), "a hard link stays one");
}

#[test]
fn a_tree_that_was_not_moved_or_shall_stay_is_as_it_was_packed() {
    let bench = Bench::new();
    let packed = environment(&bench);
    let before = snapshot(&bench.source());
    let never = RestoreOptions {
        relocate: Relocate::Never,
        ..options(&packed.archive, &bench.path("never"))
    };
    let back = RestoreOptions { replace: true, ..options(&packed.archive, &bench.source()) };
    for options in [never, back] {
        assert_eq!(restore(&options).unwrap().n_relocated, 0);
        assert_eq!(snapshot(&options.target), before);
    }
}

#[test]
fn rewriting_a_linked_tree_leaves_the_unpacked_one_alone() {
    let bench = Bench::new();
    let packed = environment(&bench);
    let linked = |name: &str| RestoreOptions {
        cache: Some(bench.path("cache")),
        linked: true,
        ..options(&packed.archive, &bench.path(name))
    };
    for name in ["one", "two"] {
        let restored = restore(&linked(name)).unwrap();
        assert_eq!((restored.way, restored.n_relocated), (Way::Linked, 3));
        assert_moved(&bench, &bench.path(name));
    }
}

#[test]
fn a_place_that_no_script_can_name_is_refused_with_nothing_done() {
    let bench = Bench::new();
    let packed = environment(&bench);
    let refused = restore(&options(&packed.archive, &bench.path("a$b"))).unwrap_err();
    assert_eq!(refused.code(), "target-unquotable");
    assert!(!bench.path("a$b").exists());
}

#[test]
fn a_failure_while_rewriting_leaves_nothing_or_the_new_tree() {
    let bench = Bench::new();
    let packed = environment(&bench);
    let options = options(&packed.archive, &bench.path("moved"));
    restore(&options).unwrap();
    let new = snapshot(&options.target);
    let nothing = || {
        let _ = fs::remove_dir_all(&options.target);
        std::collections::BTreeMap::new()
    };
    each_fault(&options, nothing, &new);
}
