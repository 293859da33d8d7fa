//! `perch up --demo` with nothing else installed: a trace, a log line and a metric of a real operation.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::fs;
use std::path::Path;

use journeys::{Client, Stack, StackOptions, wait_for};
use serde_json::Value;

#[test]
fn a_demo_pellet_has_a_trace_log_lines_and_a_counter() {
    let mut stack =
        Stack::start(&StackOptions { flags: vec!["--demo".to_owned()], ..StackOptions::default() });
    let engine = stack.engine();

    let pellet = wait_for("a demo Pellet", 60, || {
        let list = engine.get("/api/pellets")?.ok()?;
        list["items"].get(0).cloned().ok_or_else(|| list.to_string())
    });
    let trace_id = pellet["trace_id"].as_str().unwrap().to_owned();
    wait_for("its trace through the Engine's proxy", 30, || has_phases(&engine, &trace_id));
    wait_for("its log lines", 30, || {
        let logs = engine.get(&format!("/api/perch/logs?trace_id={trace_id}"))?.ok()?;
        if logs["data"].as_array().is_some_and(|lines| !lines.is_empty()) {
            Ok(())
        } else {
            Err(logs.to_string())
        }
    });
    wait_for("its objective", 90, || {
        let status = stack.perch().get("/api/slo/nestr-pellet-compress-availability")?.ok()?;
        let windows = status["data"]["windows"].as_array().cloned().unwrap_or_default();
        let counted = windows.last().is_some_and(|w| w["total"] == 1 && w["bad"] == 0);
        if counted { Ok(()) } else { Err(status.to_string()) }
    });
    wait_for("the trace by search", 30, || {
        let found = stack
            .perch()
            .get("/api/traces?service=nestr&operation=pellet.compress&limit=5")?
            .ok()?;
        if found.to_string().contains(&trace_id) { Ok(()) } else { Err(found.to_string()) }
    });
    let metrics = engine.get("/metrics").unwrap().text;
    assert!(metrics.contains("nestr_pellet_compress_total{outcome=\"success\"} 1"), "{metrics}");

    let children = children_of(stack.pid());
    assert!(children.len() >= 2, "Engine and collector run as children: {children:?}");
    assert_eq!(stack.stop(), 0);
    let left: Vec<&u32> = children.iter().filter(|pid| is_alive(**pid)).collect();
    assert!(left.is_empty(), "still running: {left:?}");
}

/// The token stands where the operator sees it and nowhere else.
#[test]
fn the_token_is_in_no_file_that_perch_up_writes() {
    let mut stack =
        Stack::start(&StackOptions { flags: vec!["--demo".to_owned()], ..StackOptions::default() });
    let token = stack.ready()["token"].as_str().unwrap().to_owned();
    assert_eq!(stack.stop(), 0);
    let signature = token.rsplit('.').next().unwrap();
    for file in files_beneath(&stack.state_dir()) {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(signature.len()).any(|w| w == signature.as_bytes());
        assert!(!found, "the token stands in {}", file.display());
    }
}

fn has_phases(engine: &Client, trace_id: &str) -> Result<(), String> {
    let reply = engine.get(&format!("/api/perch/traces/{trace_id}"))?.ok()?;
    let text = reply.to_string();
    match ["pellet.walk", "pellet.pack", "pellet.seal", "pellet.record"]
        .iter()
        .find(|p| !text.contains(**p))
    {
        None => Ok(()),
        Some(absent) => Err(format!("no {absent} in {text}")),
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let parent = |entry: &Path| -> Option<u32> {
        let stat = fs::read_to_string(entry.join("stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|path| parent(path) == Some(pid))
        .filter_map(|path| path.file_name()?.to_str()?.parse().ok())
        .collect()
}

fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended; only its parent has not looked yet.
    !stat.is_empty() && !stat.contains(") Z ")
}

fn files_beneath(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() { files.extend(files_beneath(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn a_trace_outlives_a_restart_of_the_whole() {
    let tree = tempfile::tempdir().unwrap();
    journeys::sample_tree(tree.path(), 3);
    let state = tempfile::tempdir().unwrap();
    let flags = vec!["--state-dir".to_owned(), state.path().to_string_lossy().into_owned()];
    let options =
        StackOptions { roots: vec![tree.path().to_owned()], flags, ..StackOptions::default() };
    let mut first = Stack::start(&options);
    let body = serde_json::json!({"path": tree.path(), "name": "kept"});
    let accepted = first.engine().post("/api/pellets/compress", &[], &body).unwrap().ok().unwrap();
    let trace_id = accepted["trace_id"].as_str().unwrap().to_owned();
    wait_for("the trace", 30, || has_phases(&first.engine(), &trace_id));
    assert_eq!(first.stop(), 0);
    let mut second = Stack::start(&options);
    wait_for("the trace after a restart", 30, || has_phases(&second.engine(), &trace_id));
    let list = second.engine().get("/api/pellets").unwrap().ok().unwrap();
    let names: Vec<&Value> = list["items"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["kept"]);
    assert_eq!(second.stop(), 0);
}
