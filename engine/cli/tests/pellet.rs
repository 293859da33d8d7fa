//! `nestr pellet` as people and build servers meet it: what it says, how it ends, what it leaves behind.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod failures;
mod kit;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use kit::{Bench, Collector};

#[test]
fn each_failure_says_what_why_and_what_to_do() {
    let bench = Bench::new();
    bench.file("tree/a", b"a");
    fs::create_dir(bench.path("project")).unwrap();
    bench.run(&["compress", "tree", "--output", "project/it.pellet"]).ok();
    bench.file("alone.pellet", b"no archive");
    bench.file("broken.pellet", &fs::read(bench.path("project/it.pellet")).unwrap());
    bench.file("broken.meta.json", b"{\"schema_version\": 1,");
    bench.file("it.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    let it = "project/it.pellet";
    let cases: &[(&[&str], i32, &str)] = &[
        (&["compress", "missing"], 4, "[path-not-found]"),
        (&["compress", "tree/a"], 2, "[not-a-directory]"),
        (&["compress", "tree", "--output", "no/x.pellet"], 4, "[path-not-found]"),
        (&["compress", "tree", "--output", "x.tar"], 2, "NAME.pellet"),
        (&["restore", "missing.pellet", "out"], 4, "missing.pellet"),
        (&["restore", "tree", "out"], 1, "a folder is no archive: tree"),
        (&["restore", "it.tar.gz", "out"], 1, "with gzip, which is not read: it.tar.gz"),
        (&["restore", it, "tree"], 3, "[target-exists]"),
        (&["restore", it, "project", "--replace"], 3, "[target-holds-source]"),
        (&["restore", it, ".", "--replace"], 3, "[target-holds-source]"),
        (&["restore", it, "out", "--only", "b"], 4, "[entry-not-found]"),
        (&["restore", it, "out", "--only", "../a"], 4, "[entry-not-found]"),
        (&["restore", "alone.pellet", "out", "--only", "a"], 4, "[sidecar-missing]"),
        (&["restore", "broken.pellet", "out"], 5, "broken.meta.json"),
        (&["verify", "missing.pellet"], 4, "missing.pellet: "),
        (&["verify", "alone.pellet"], 4, "alone.meta.json"),
        (&["verify", "broken.pellet"], 5, "broken.pellet is not as it was packed"),
        (&["show", "missing.pellet"], 4, "missing.meta.json"),
        (&["show", "broken.pellet"], 5, "broken.meta.json"),
        (&["diff", it, "broken.pellet"], 5, "broken.meta.json"),
        (&["diff", it, "missing.pellet"], 4, "[sidecar-missing]"),
        (&["list", "alone.pellet"], 1, "alone.pellet"),
    ];
    for (args, exit, text) in cases {
        let ended = bench.run(args);
        assert_eq!(ended.exit, Some(*exit), "{args:?}: {}", ended.err);
        assert!(ended.err.starts_with("error: "), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(text), "{args:?}: {}", ended.err);
        assert!(ended.err.contains("\nhint: "), "{args:?}: {}", ended.err);
    }
    assert!(!bench.path("out").exists());
    assert_eq!(bench.remains(), Vec::<String>::new());
}

/// The bytes of a Pellet depend on the tree alone: not on who packs it, in what surroundings.
#[test]
fn surroundings_change_no_byte_of_a_pellet() {
    let bench = Bench::new();
    for path in ["tree/a", "tree/B", "tree/ä/é", "tree/deep/er/file"] {
        bench.file(path, path.as_bytes());
    }
    bench.noise("tree/noise", 300_000);
    let compress = |file| ["compress", "tree", "--output", file];
    bench.run_in("chmod -R a+rwX . && exec \"$@\"", &compress("first.pellet")).ok();
    let first = fs::read(bench.path("first.pellet")).unwrap();
    let surroundings = [
        "umask 077; exec \"$@\"",
        "umask 0; export LC_ALL=tr_TR.UTF-8 TZ=Pacific/Auckland; exec \"$@\"",
        "unset HOME USER LOGNAME; export LANG=C; exec taskset 1 \"$@\"",
        // Only root can become somebody else, who may not reach the program where it lies.
        "[ \"$(id -u)\" = 0 ] || exec \"$@\"; cp \"$1\" program; shift
         exec setpriv --reuid=65534 --regid=65534 --clear-groups ./program \"$@\"",
    ];
    for script in surroundings {
        bench.run_in(script, &compress("again.pellet")).ok();
        assert!(fs::read(bench.path("again.pellet")).unwrap() == first, "{script}");
        fs::remove_file(bench.path("again.pellet")).unwrap();
    }
}

#[test]
fn an_archive_is_its_owners_alone_whatever_the_umask() {
    let bench = Bench::new();
    bench.file("tree/secret", b"a");
    for umask in ["000", "022", "077"] {
        // The second time it replaces one that everybody may read.
        for _ in 0..2 {
            bench.with_umask(umask, &["pellet", "compress", "tree", "--output", "it.pellet"]).ok();
            for name in ["it.pellet", "it.meta.json"] {
                let mode = || fs::metadata(bench.path(name)).unwrap().permissions().mode() & 0o7777;
                assert_eq!(mode(), 0o600, "{name} with umask {umask}");
                fs::set_permissions(bench.path(name), PermissionsExt::from_mode(0o644)).unwrap();
            }
        }
    }
    let help = bench.run(&["compress", "--help"]).ok();
    assert!(help.contains("mode 0600"), "{help}");
}

#[test]
fn a_list_names_the_pellets_whose_sidecar_cannot_be_used() {
    let bench = Bench::new();
    for name in ["whole", "damaged"] {
        bench.file(&format!("{name}/file"), name.as_bytes());
        let made = bench.run(&["compress", name, "--json"]).ok();
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let folder = format!("state/pellets/{}", made["digest"].as_str().unwrap());
        for ending in ["pellet", "meta.json"] {
            let file = format!("{name}.{ending}");
            let content = fs::read(bench.path(&file)).unwrap();
            bench.file(&format!("{folder}/{file}"), &content);
        }
        if name == "damaged" {
            bench.file(&format!("{folder}/damaged.meta.json"), b"{");
        }
    }
    let list = bench.run(&["list", "--state-dir", "state"]).ok();
    assert!(list.contains("damaged.meta.json: EOF while parsing"), "{list}");
    assert!(list.contains("[sidecar-damaged]\n1 pellets, "), "{list}");
    assert!(list.ends_with("; 1 more have an unusable sidecar\n"), "{list}");
    let list = bench.run(&["list", "--state-dir", "state", "--json"]).ok();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["items"][0]["name"], "whole", "{list}");
    assert_eq!(list["unusable"][0]["code"], "sidecar-damaged", "{list}");
}

#[test]
fn names_in_an_archive_do_not_command_the_terminal() {
    let bench = Bench::new();
    fs::create_dir(bench.path("tree")).unwrap();
    for name in [&b"red\x1b[31m"[..], b"new\nline", b"\xff"] {
        fs::write(bench.path("tree").join(std::ffi::OsStr::from_bytes(name)), b"x").unwrap();
    }
    let empty = bench.path("empty");
    fs::create_dir(empty).unwrap();
    for tree in ["tree", "empty"] {
        bench.run(&["compress", tree]).ok();
    }
    let list = bench.run(&["list", "tree.pellet"]).ok();
    let names: Vec<&str> = list.lines().map(|line| line.rsplit("  ").next().unwrap()).collect();
    assert_eq!(names, ["new\\nline", "red\\033[31m", "\\377"]);
    let diff = bench.run(&["diff", "empty.pellet", "tree.pellet"]).ok();
    assert_eq!(diff.lines().nth(1), Some("+ red\\033[31m"));
    let missing = bench.run(&["restore", "tree.pellet", "out", "--only", "\x1b]0;title\x07"]);
    assert!(missing.err.contains("\\033]0;title\\007"), "{}", missing.err);
    let missing = bench.run(&["restore", "\x1b[31m.pellet", "out"]);
    assert!(!missing.err.contains('\x1b'), "{}", missing.err);
}

#[test]
fn a_signal_ends_packing_and_restoring_without_remains() {
    let bench = Bench::new();
    // Long enough that the signal comes in the midst of it.
    bench.noise("tree/noise", 96 << 20);
    for signal in ["TERM", "INT"] {
        let args = ["compress", "tree", "--output", "cut.pellet", "--profile", "dense"];
        let ended = bench.signalled(signal, &args);
        assert_eq!(ended.exit, Some(130), "{signal}: {}", ended.err);
        assert!(ended.err.contains("[cancelled]"), "{}", ended.err);
        assert_eq!(bench.remains(), Vec::<String>::new(), "{signal}");
        assert!(!bench.path("cut.pellet").exists() && !bench.path("cut.meta.json").exists());
    }
    bench.run(&["compress", "tree"]).ok();
    for signal in ["TERM", "INT"] {
        let ended = bench.signalled(signal, &["restore", "tree.pellet", "out"]);
        assert_eq!(ended.exit, Some(130), "{signal}: {}", ended.err);
        assert_eq!(bench.remains(), Vec::<String>::new(), "{signal}");
        assert!(!bench.path("out").exists());
    }
}

#[test]
fn the_trace_of_a_failed_command_arrives() {
    let bench = Bench::new();
    bench.file("tree/a", b"a");
    bench.run(&["compress", "tree"]).ok();
    let collector = Collector::start();
    let url = collector.url.clone();
    for (args, span, code) in [
        (&["restore", "tree.pellet", "tree"][..], "pellet.restore", "target-exists"),
        (&["compress", "tree", "--output", "no/x.pellet"], "pellet.compress", "path-not-found"),
        (&["verify", "missing.pellet"], "pellet.verify", "pellet-not-found"),
    ] {
        let ended = bench.run(&[args, &["--otlp-endpoint", &url]].concat());
        let trace = ended.err.lines().find_map(|line| line.strip_prefix("trace: "));
        let trace = trace.unwrap_or_else(|| panic!("no trace is named: {}", ended.err));
        let told = collector.traces();
        let whole = told.iter().find(|body| contains(body, span.as_bytes()));
        let whole = whole.unwrap_or_else(|| panic!("no span {span} in {} bodies", told.len()));
        assert!(contains(whole, code.as_bytes()), "{span} does not say {code}");
        let id: Vec<u8> =
            (0..16).map(|n| u8::from_str_radix(&trace[2 * n..2 * n + 2], 16).unwrap()).collect();
        assert!(contains(whole, &id), "{span} is of another trace than {trace}");
    }
    // Where nobody listens there is no trace to look at.
    assert!(!bench.run(&["restore", "tree.pellet", "tree"]).err.contains("trace: "));
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}
