//! Without a collector the process works, says so once, and ends in time.
//!
//! The test executable runs itself, because records go to standard error of a whole process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sink::Sink;
use nestr_telemetry::{Export, TelemetryOptions};

const ENDPOINT: &str = "TELEMETRY_ENDPOINT";
const DEADLINE: Duration = Duration::from_secs(2);

fn child(test: &str, endpoint: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(ENDPOINT, endpoint)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn telemetry(endpoint: String) -> nestr_telemetry::Telemetry {
    let export = Export { endpoint, metric_interval: Duration::from_millis(20) };
    let options = TelemetryOptions { export: Some(export), ..TelemetryOptions::default() };
    nestr_telemetry::init(&options).unwrap()
}

fn work(n: u32) {
    tracing::info_span!("work").in_scope(|| tracing::info!(n, "work done"));
}

fn lines_with(text: &str, needle: &str) -> usize {
    text.lines().filter(|line| line.contains(needle)).count()
}

#[test]
fn a_collector_that_goes_and_comes_is_told_once_each() {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        return goes_and_comes(endpoint);
    }
    let sink = Sink::down();
    let mut child =
        child("silence::a_collector_that_goes_and_comes_is_told_once_each", &sink.endpoint());
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(out.any(|line| line.unwrap().ends_with("failed thrice")));
    sink.rise();
    writeln!(child.stdin.take().unwrap(), "go on").unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(child.wait().unwrap().success(), "{errors}");
    assert_eq!(lines_with(&errors, "telemetry cannot be delivered"), 1, "{errors}");
    assert_eq!(lines_with(&errors, "telemetry is delivered again"), 1, "{errors}");
    assert_eq!(lines_with(&errors, "work done"), 4, "{errors}");
    assert_eq!(errors.lines().count(), 6, "nobody else speaks: {errors}");
    assert!(!sink.spans().is_empty() && !sink.records().is_empty() && !sink.metrics().is_empty());
}

fn goes_and_comes(endpoint: String) {
    let telemetry = telemetry(endpoint);
    for n in 0..3 {
        work(n);
        assert!(!telemetry.flush(Duration::from_secs(20)));
    }
    println!("failed thrice");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    work(3);
    assert!(telemetry.flush(Duration::from_secs(20)));
    assert!(telemetry.shutdown(Duration::from_secs(20)));
}

#[test]
fn shutdown_keeps_its_deadline_when_nothing_listens() {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        let telemetry = telemetry(endpoint);
        (0..20_000).for_each(work);
        let started = Instant::now();
        telemetry.shutdown(DEADLINE);
        println!("took {}", started.elapsed().as_millis());
        return;
    }
    // Whoever asks for any free port gets one of 127.0.0.1: this one stays free.
    let nobody = TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap();
    let output = child(
        "silence::shutdown_keeps_its_deadline_when_nothing_listens",
        &format!("http://{nobody}"),
    )
    .wait_with_output()
    .unwrap();
    let (out, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let took = out.lines().find_map(|l| l.rsplit_once("took ")?.1.parse::<u64>().ok()).unwrap();
    assert!(took < 2_500, "shutdown took {took} ms");
    assert_eq!(lines_with(&errors, "telemetry cannot be delivered"), 1);
}
