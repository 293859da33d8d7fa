//! `perch bench send` and `perch bench sink` against each other, directly and over `perch collect`:
//! what one says was lost, duplicated or refused is what the other was told to do.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{Perch, get, perch, wait_for};

const ITEMS: u64 = 2_000;
const BATCH: u64 = 100;

fn sink(flags: &[&str]) -> Perch {
    let mut command = perch();
    command.args(["bench", "sink"]).args(flags);
    Perch::start(&mut command).unwrap_or_else(|(status, said)| panic!("{status}: {said}"))
}

/// A collector between `otlp` and the sink, one exporter for each of its ports.
fn collector(dir: &Path, sink: &Perch, compression: &str) -> Perch {
    let (grpc, http) = (sink.text("/grpc"), sink.text("/http"));
    let yaml = format!(
        "receivers:\n  otlp/grpc: {{ protocols: {{ grpc: {{ endpoint: \"127.0.0.1:0\" }} }} }}\n  \
         otlp/http: {{ protocols: {{ http: {{ endpoint: \"127.0.0.1:0\" }} }} }}\n\
         exporters:\n  otlp_grpc: {{ endpoint: \"{grpc}\", compression: {compression} }}\n  \
         otlp_http: {{ endpoint: \"{http}\", compression: {compression} }}\n\
         service:\n  pipelines:\n    \
         traces/grpc: {{ receivers: [otlp/grpc], exporters: [otlp_grpc] }}\n    \
         traces/http: {{ receivers: [otlp/http], exporters: [otlp_http] }}\n    \
         metrics/grpc: {{ receivers: [otlp/grpc], exporters: [otlp_grpc] }}\n    \
         metrics/http: {{ receivers: [otlp/http], exporters: [otlp_http] }}\n    \
         logs/grpc: {{ receivers: [otlp/grpc], exporters: [otlp_grpc] }}\n    \
         logs/http: {{ receivers: [otlp/http], exporters: [otlp_http] }}\n"
    );
    let file = dir.join(format!("{compression}.yaml"));
    std::fs::write(&file, yaml).unwrap();
    let mut command = perch();
    command.arg("collect").arg("--config").arg(file).args(["--api-listen", "127.0.0.1:0"]);
    Perch::start(&mut command).unwrap_or_else(|(status, said)| panic!("{status}: {said}"))
}

/// Runs `send` to its end: its exit code and its report.
fn send(to: &str, sink: &Perch, flags: &[&str]) -> (i32, Value) {
    let (items, batch) = (ITEMS.to_string(), BATCH.to_string());
    let mut command = perch();
    command.args(["bench", "send", "--json", "--endpoint", to, "--sink", &sink.text("/report")]);
    command.args(["--items", &items, "--batch", &batch, "--timeout", "30s"]).args(flags);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    (output.status.code().unwrap(), report)
}

fn all_of(items: u64) -> Value {
    json!({"arrived": items, "lost": 0, "duplicated": 0, "unacknowledged": 0})
}

#[test]
fn over_a_collector_everything_arrives_once_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let sink = sink(&[]);
    for (compression, signal) in [("none", "traces"), ("gzip", "metrics"), ("zstd", "logs")] {
        let collector = collector(dir.path(), &sink, compression);
        for protocol in ["grpc", "http"] {
            let to = collector.text(&format!("/otlp/{protocol}"));
            let pid = collector.pid().to_string();
            let flags = ["--protocol", protocol, "--compression", compression, "--signal", signal];
            let flags = [&flags[..], &["--pid", &pid, "--connections", "2"]].concat();
            let (code, report) = send(&to, &sink, &flags);
            assert_eq!(report["sink"], all_of(ITEMS), "{report}");
            assert_eq!(report["acked"], json!({"requests": ITEMS / BATCH, "items": ITEMS}));
            assert_eq!(code, 0, "{report}");
            assert!(report["process"]["peak_rss_bytes"].as_u64().unwrap() > 1 << 20, "{report}");
        }
    }
    let report = get(&format!("{}/api/bench/report", sink.text("/report"))).unwrap().json();
    assert_eq!(report["items"], 6 * ITEMS, "{report}");
    assert_eq!((&report["unmarked"], &report["runs"].as_array().unwrap().len()), (&json!(0), &6));
}

#[test]
fn refusals_are_counted_by_code_and_made_good_by_sending_again() {
    for (answer, grpc, http) in
        [("unavailable", "UNAVAILABLE", "HTTP 503"), ("full", "RESOURCE_EXHAUSTED", "HTTP 429")]
    {
        for (protocol, code) in [("grpc", grpc), ("http", http)] {
            let wait = if protocol == "grpc" { "5ms" } else { "1s" };
            let sink = sink(&["--refuse-every", "5", "--answer", answer, "--retry-after", wait]);
            let to = sink.text(&format!("/{protocol}"));
            let flags = ["--protocol", protocol, "--retries", "20", "--in-flight", "16"];
            let (exit, report) = send(&to, &sink, &flags);
            assert_eq!(report["sink"], all_of(ITEMS), "{report}");
            // Of 24 requests the 5th, 10th, 15th and 20th are refused; the 20 others are taken.
            assert_eq!(report["refused_requests"], json!({code: 4}), "{report}");
            assert_eq!((&report["resent_requests"], exit), (&json!(4), 0), "{report}");
        }
    }
}

#[test]
fn what_is_taken_but_refused_comes_twice() {
    let flags = ["--refuse-every", "5", "--take-refused", "--retry-after", "5ms"];
    let sink = sink(&flags);
    let (code, report) = send(&sink.text("/grpc"), &sink, &["--retries", "20"]);
    let expected =
        json!({"arrived": ITEMS, "lost": 0, "duplicated": 4 * BATCH, "unacknowledged": 0});
    assert_eq!((&report["sink"], code), (&expected, 0), "{report}");
    let (code, report) = send(&sink.text("/grpc"), &sink, &[]);
    let given_up = report["given_up"]["items"].as_u64().unwrap();
    assert!(given_up >= 4 * BATCH, "{report}");
    let expected =
        json!({"arrived": ITEMS, "lost": 0, "duplicated": 0, "unacknowledged": given_up});
    assert_eq!((&report["sink"], code), (&expected, 0), "{report}");
}

#[test]
fn what_a_collector_gives_up_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let sink = sink(&["--refuse-every", "4", "--answer", "invalid"]);
    let collector = collector(dir.path(), &sink, "none");
    let flags = ["--settle", "500ms"];
    let (code, report) = send(&collector.text("/otlp/grpc"), &sink, &flags);
    let lost = ITEMS / 4;
    let expected =
        json!({"arrived": ITEMS - lost, "lost": lost, "duplicated": 0, "unacknowledged": 0});
    assert_eq!(report["sink"], expected, "{report}");
    assert_eq!(report["acked"]["items"], ITEMS, "{report}");
    assert_eq!(code, 1);
}

#[test]
fn a_slow_sink_and_a_fixed_rate_take_their_time() {
    let sink = sink(&["--items-per-second", "10000", "--delay", "20ms"]);
    let (_, report) = send(&sink.text("/grpc"), &sink, &[]);
    assert_eq!(report["sink"], all_of(ITEMS), "{report}");
    assert!(report["seconds"]["sent"].as_f64().unwrap() >= 0.2, "{report}");
    assert!(report["latency_ms"]["p50"].as_f64().unwrap() >= 20.0, "{report}");

    let sink = self::sink(&["--count-only"]);
    let mut command = perch();
    command.args(["bench", "send", "--json", "--endpoint", &sink.text("/grpc")]);
    command.args(["--rate", "10000", "--batch", "100", "--for", "300ms"]);
    let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(report["sent"]["items"], 3_000, "{report}");
    assert_eq!(report["sink"], Value::Null);
    let counted = get(&format!("{}/api/bench/report", sink.text("/report"))).unwrap().json();
    assert_eq!((&counted["items"], &counted["runs"]), (&json!(3_000), &json!([])));
}

#[test]
fn the_report_stays_on_this_machine_and_refuses_nonsense() {
    let sink = sink(&[]);
    let report = sink.text("/report");
    assert_eq!(get(&format!("{report}/api/bench/runs/xyz")).unwrap().status, 400);
    assert_eq!(get(&format!("{report}/api/bench/runs/1?from=x")).unwrap().status, 400);
    assert_eq!(get(&format!("{report}/else")).unwrap().status, 404);
    let foreign = [("Host", "rebound.example.org")];
    let reply = support::call("GET", &format!("{report}/api/bench/report"), &foreign, b"");
    assert_eq!(reply.unwrap().status, 421);
    let mut command = perch();
    command.args(["bench", "sink", "--report", "0.0.0.0:0"]);
    let Err((status, said)) = Perch::start(&mut command) else { panic!("it started") };
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("beyond this machine"), "{said}");
}

#[test]
fn the_sink_reports_when_it_is_stopped() {
    let mut command = perch();
    command.args(["bench", "sink"]).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert!(line.starts_with("OTLP gRPC  http://127.0.0.1:"), "{line}");
    support::send(child.id(), rustix::process::Signal::TERM);
    let status = wait_for("the sink ends", || child.try_wait().unwrap());
    assert!(status.success());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut out, &mut text).unwrap();
    assert!(text.contains("requests taken"), "{text}");
}
