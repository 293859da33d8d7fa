use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nestr_pellets::{Ecosystem, Expected, RawPath, SelfTest, Shape};

use super::command::{Ended, run};
use super::*;
use crate::operations::Cancel;

const SOON: Duration = Duration::from_secs(60);

fn shell(script: &str) -> SelfTest {
    SelfTest {
        ecosystem: Ecosystem::Npm,
        command: ["/bin/sh", "-c", script].iter().map(OsString::from).collect(),
        dir: std::env::temp_dir(),
        needs: Vec::new(),
        env: vec![("OWN", OsString::from("set"))],
        expected: Expected::Success,
    }
}

/// An environment whose interpreter says that it stands at `says`.
fn environment(root: &Path, says: &str) {
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::write(root.join("pyvenv.cfg"), "").unwrap();
    let python = root.join("bin/python");
    fs::write(&python, format!("#!/bin/sh\necho \"{says}\"\n")).unwrap();
    fs::set_permissions(&python, PermissionsExt::from_mode(0o755)).unwrap();
}

fn shape(ecosystem: Ecosystem) -> Shape {
    Shape { ecosystem, at: RawPath::from(Path::new("")) }
}

#[test]
fn a_command_is_killed_at_its_deadline_with_what_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", left.display());
    let ran =
        run(&shell(&script), Duration::from_millis(300), &Cancel::default(), |_| None).unwrap();
    assert_eq!(ran.ended, Ended::Late);
    let pid = fs::read_to_string(left).unwrap();
    let status = format!("/proc/{}/stat", pid.trim());
    let gone = || fs::read_to_string(&status).map_or(true, |s| s.contains(") Z "));
    let started = std::time::Instant::now();
    while !gone() {
        assert!(started.elapsed() < SOON, "what the command started is still there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_a_command_prints_is_bounded_and_its_input_is_empty() {
    let flood = "cat; echo first $OWN; head -c 3000000 /dev/zero | tr '\\0' x; echo last >&2";
    let ran = run(&shell(flood), SOON, &Cancel::default(), |_| None).unwrap();
    assert_eq!(ran.ended, Ended::Well);
    assert!(ran.output.starts_with("first set\n") && ran.output.len() <= 4 << 10);
    assert_eq!(ran.complaint, "last\n");
}

#[test]
fn a_background_process_does_not_keep_a_command_from_ending() {
    let ran = run(&shell("sleep 600 & exit 3"), SOON, &Cancel::default(), |_| None).unwrap();
    assert_eq!(ran.ended, Ended::Badly("exit code 3".to_owned()));
}

#[test]
fn a_build_that_compiles_is_stopped_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("target");
    fs::create_dir_all(root.join("debug/.fingerprint")).unwrap();
    let fresh = r#"{"reason":"compiler-artifact","package_id":"a 1","fresh":true}"#;
    let stale = r#"{"reason":"compiler-artifact","package_id":"b 2","fresh":false}"#;
    for (messages, expected) in
        [(fresh.to_owned(), None), (format!("{fresh}\n{stale}\n"), Some("b 2 was compiled again"))]
    {
        let test = SelfTest { expected: Expected::Fresh, ..shell(&format!("echo '{messages}'")) };
        let proof = super::judge::tried(&test, SOON, &Cancel::default());
        let verdict = expected.map_or(Verdict::Passed, |why| Verdict::Failed(why.to_owned()));
        assert_eq!(proof.verdict, verdict);
    }
}

#[test]
fn an_environment_is_proved_by_where_it_says_to_stand() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join(".venv");
    environment(&root, &root.display().to_string());
    let proof = prove(&[shape(Ecosystem::Python)], &root, SOON, &Cancel::default()).unwrap();
    assert_eq!((proof.outcome, proof.reason()), (ProofOutcome::Proved, None), "{proof:?}");

    environment(&root, "/elsewhere");
    let proof = prove(&[shape(Ecosystem::Python)], &root, SOON, &Cancel::default()).unwrap();
    assert_eq!(proof.outcome, ProofOutcome::Refuted);
    assert!(proof.reason().unwrap().contains("/elsewhere"), "{proof:?}");
    assert_eq!(proof.to_json()["tests"][0]["verdict"], "failed");
}

#[test]
fn what_cannot_be_tried_is_not_proved() {
    let dir = tempfile::tempdir().unwrap();
    let none = prove(&[], dir.path(), SOON, &Cancel::default()).unwrap();
    assert_eq!(none.outcome, ProofOutcome::Unproven);
    let alone = prove(&[shape(Ecosystem::Npm)], dir.path(), SOON, &Cancel::default()).unwrap();
    assert_eq!(alone.outcome, ProofOutcome::Unproven);
    assert!(alone.reason().unwrap().contains("package.json is not there"), "{alone:?}");
}
