//! `perch up` with the real Engine: everything starts, is watched, and stops without a trace.
//!
//! The Engine's binary is the one in `NESTR_BIN`, else the one beside `perch`.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "test code")]

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use support::{Perch, get, perch, send, wait_for};

/// Every listener that is opened without servers.
const LISTENERS: [&str; 5] =
    ["--engine-listen", "--engine-metrics-listen", "--otlp-grpc", "--otlp-http", "--api-listen"];

/// The Engine's binary; without one the test is put down as not run.
fn engine(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_perch")).with_file_name("nestr");
    let found = std::env::var_os("NESTR_BIN").map_or(beside, PathBuf::from);
    if found.is_file() {
        return Some(found);
    }
    let line = format!("perch-cli {test}: the Engine's binary is not built\n");
    eprint!("not run: {line}");
    if let Some(list) = std::env::var_os("NESTR_NOT_RUN") {
        let mut list = std::fs::File::options().create(true).append(true).open(list).unwrap();
        list.write_all(line.as_bytes()).unwrap();
    }
    None
}

/// A program that stands in for an Engine which does not start.
fn script(dir: &Path, line: &str) -> PathBuf {
    let path = dir.join("nestr");
    std::fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    path
}

fn up(engine: &Path, dir: &Path) -> Command {
    let mut command = perch();
    command.arg("up").arg("--no-backends").arg("--state-dir").arg(dir.join("state"));
    for flag in LISTENERS {
        command.args([flag, "127.0.0.1:0"]);
    }
    command.current_dir(dir).env("NESTR_BIN", engine);
    command
}

/// Processes whose command line names the folder.
fn processes_of(dir: &Path) -> Vec<String> {
    let name = dir.display().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_str().is_some_and(|n| n.parse::<u32>().is_ok()))
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&name))
        .collect()
}

fn pid_of(ready: &Value, name: &str) -> u32 {
    let all = ready["components"].as_array().unwrap();
    let one = all.iter().find(|c| c["name"] == name).unwrap();
    assert_eq!(one["state"], "ready", "{ready}");
    one["pid"].as_u64().unwrap().try_into().unwrap()
}

#[test]
fn what_dies_is_started_again_and_a_signal_stops_all() {
    let Some(engine) = engine("what_dies_is_started_again_and_a_signal_stops_all") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut stack = Perch::start(up(&engine, dir.path()).arg("--demo"))
        .unwrap_or_else(|(status, said)| panic!("{status}: {said}"));
    let trace = stack.text("/demo/trace_id");
    let url = format!("{}/api/traces/{trace}", stack.text("/perch/url"));
    wait_for("the demo's trace is in the store", || {
        let reply = get(&url)?;
        let names = reply.body.contains("pellet.compress") && reply.body.contains("pellet.seal");
        (reply.status == 200 && names).then_some(())
    });

    for (component, url) in [("engine", "/engine/url"), ("collector", "/perch/url")] {
        let ready = format!("{}/readyz", stack.text(url));
        let pid = pid_of(&stack.ready, component);
        send(pid, Signal::KILL);
        wait_for("the killed process is gone", || {
            (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
        wait_for("another one is ready", || get(&ready).filter(|r| r.status == 200).map(drop));
    }
    wait_for("the trace is there after the restart", || {
        get(&url).filter(|r| r.status == 200).map(drop)
    });

    let status = stack.end_by(Signal::INT);
    let said = stack.said();
    assert!(status.success(), "{status}: {said}");
    assert!(!said.contains("was killed"), "{said}");
    assert_eq!(processes_of(dir.path()), [""; 0]);
}

#[test]
fn killed_itself_it_leaves_nobody_behind() {
    let Some(engine) = engine("killed_itself_it_leaves_nobody_behind") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut stack = Perch::start(&mut up(&engine, dir.path()))
        .unwrap_or_else(|(status, said)| panic!("{status}: {said}"));
    assert!(processes_of(dir.path()).len() >= 3);
    stack.end_by(Signal::KILL);
    wait_for("all are gone", || processes_of(dir.path()).is_empty().then_some(()));
}

#[test]
fn a_taken_port_is_told_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let mut command = perch();
    command.arg("up").arg("--no-backends").arg("--state-dir").arg(dir.path().join("state"));
    for flag in &LISTENERS[..4] {
        command.args([flag, "127.0.0.1:0"]);
    }
    command.args(["--api-listen", &addr]).current_dir(&dir).env("NESTR_BIN", "/bin/false");
    let Err((status, said)) = Perch::start(&mut command) else { panic!("it started") };
    assert_eq!(status.code(), Some(1));
    let owner = format!("process {}", std::process::id());
    for part in [addr.as_str(), owner.as_str(), "--api-listen"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    assert!(!dir.path().join("state/perch/logs/collector.log").exists());
}

#[test]
fn a_start_that_is_broken_off_leaves_nobody_behind() {
    let dir = tempfile::tempdir().unwrap();
    let slow = script(dir.path(), "while :; do sleep 1; done");
    let mut command = up(&slow, dir.path());
    let mut stack = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    wait_for("the Engine is being started", || {
        let engine = format!("{} serve", slow.display());
        processes_of(dir.path()).iter().any(|line| line.contains(&engine)).then_some(())
    });
    send(stack.id(), Signal::INT);
    let status = wait_for("perch ends", || stack.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    assert_eq!(processes_of(dir.path()), [""; 0]);
}

#[test]
fn an_engine_that_does_not_start_takes_all_down_and_shows_why() {
    let dir = tempfile::tempdir().unwrap();
    let broken = script(dir.path(), "echo the disk has a hole >&2; exit 3");
    let Err((status, said)) = Perch::start(&mut up(&broken, dir.path())) else {
        panic!("it started")
    };
    assert_eq!(status.code(), Some(1));
    for part in ["engine did not start", "exit status: 3", "| the disk has a hole"] {
        assert!(said.contains(part), "{part} is missing in: {said}");
    }
    assert_eq!(processes_of(dir.path()), [""; 0]);
}
