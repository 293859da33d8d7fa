//! What a failing command tells a program that asked for JSON, and a person who did not.

use std::fmt::Write as _;
use std::fs;

use crate::kit::Bench;

/// One of each kind, whole lines of arguments.
const CASES: &[&str] = &[
    "",
    "pellet",
    "pellet compress",
    "pellet compres tree",
    "pellet compress tree --profile quick",
    "pellet compress tree --delta",
    "pellet gc",
    "pellet gc --max-age 5x",
    "token create --ttl 2y",
    "pellet compress missing",
    "pellet compress tree/a",
    "pellet compress tree --output x.tar",
    "pellet compress tree --name it",
    "pellet compress tree --base it.pellet --sign-key none.pem --output y.pellet",
    "pellet compress tree --config none.yaml",
    "pellet restore it.pellet tree",
    "pellet restore it.pellet out --only b",
    "pellet restore it.pellet . --replace",
    "pellet list broken.pellet --json",
    "pellet show broken.pellet",
    "pellet diff it.pellet missing.pellet",
    "pellet verify missing.pellet",
    "pellet gc --max-count 1 --state-dir held",
    "serve --listen 256.0.0.1:80",
    "serve --state-dir tree/a",
    "token create --state-dir tree/a",
    "config show --config odd.yaml",
];

fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("tree/a", b"a");
    bench.run(&["compress", "tree", "--output", "it.pellet"]).ok();
    bench.file("broken.pellet", b"no archive");
    bench.file("broken.meta.json", b"{\"schema_version\": 1,");
    bench.file("odd.yaml", b"pellets:\n  thread: 4\n");
    // A state folder whose record is no database.
    bench.file("held/nestr.db", b"no database, but long enough to be looked at as one");
    fs::create_dir(bench.path("held/pellets")).unwrap();
    bench
}

fn told(json: bool) -> String {
    let bench = bench();
    let mut text = String::new();
    for case in CASES {
        let mut args: Vec<&str> = case.split_whitespace().filter(|arg| *arg != "--json").collect();
        args.extend(json.then_some("--json"));
        let ended = bench.nestr(&args);
        let _ = writeln!(text, "$ nestr {}\n{}", args.join(" "), ended.out);
        let _ = writeln!(text, "{}exit {}\n", ended.err, ended.exit.unwrap_or(-1));
    }
    bench.anonymous(&text)
}

#[test]
fn a_program_gets_one_json_object_on_standard_error() {
    let told = told(true);
    for chunk in told.split("\n\n").filter(|chunk| chunk.starts_with('{')) {
        let (line, exit) = chunk.split_once("\nexit ").unwrap_or_else(|| panic!("{chunk}"));
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["exit_code"].to_string(), exit.trim(), "{chunk}");
        for name in ["type", "title", "detail", "code", "hint"] {
            assert!(object[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {line}");
        }
        let uri = format!("https://nestr.dev/problems/{}", object["code"].as_str().unwrap());
        assert_eq!(object["type"], uri);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_person_gets_lines() {
    insta::assert_snapshot!(told(false));
}

#[test]
fn help_is_no_failure_and_a_file_may_be_named_like_the_flag() {
    let bench = bench();
    let help = bench.nestr(&["pellet", "compress", "--json", "--help"]);
    assert_eq!((help.exit, help.err.as_str()), (Some(0), ""));
    assert!(help.out.contains("Usage: nestr pellet compress"), "{}", help.out);
    // Behind `--` there are names only.
    let missing = bench.nestr(&["pellet", "show", "--", "--json"]);
    assert!(missing.err.starts_with("error: the sidecar is not there: --json"), "{}", missing.err);
}

#[test]
fn a_result_and_a_failure_come_on_two_streams() {
    let bench = bench();
    let mut bytes = fs::read(bench.path("it.pellet")).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    bench.file("it.pellet", &bytes);
    let ended = bench.nestr(&["pellet", "verify", "it.pellet", "--json"]);
    assert_eq!(ended.exit, Some(5));
    let (out, err): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&ended.out).unwrap(), serde_json::from_str(&ended.err).unwrap());
    assert_eq!((&out["whole"], &err["code"]), (&false.into(), &"verification-failed".into()));
}

#[test]
fn the_guide_shows_what_is_printed() {
    let guide = include_str!("../../../../docs/guides/failures.md");
    let bench = bench();
    let shown = bench.nestr(&["pellet", "restore", "it.pellet", "tree", "--json"]).err;
    assert!(guide.contains(shown.trim_end()), "{shown}");
    let shown = bench.nestr(&["pellet", "restore", "it.pellet", "tree"]).err;
    assert!(guide.contains(shown.trim_end()), "{shown}");
}
