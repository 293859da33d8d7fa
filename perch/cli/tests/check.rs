//! What `perch check` prints, whole.

#![allow(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;

use support::perch;

const CONFIG: &str = r#"
receivers:
  otlp: {protocols: {grpc: , http: {endpoint: 127.0.0.1:0, auth: {authenticator: bearertokenauth}}}}
processors:
  memory_limiter: {limit_mib: 512, spike_limit_percentage: 0}
  batch:
exporters:
  otlp/tempo:
    endpoint: tempo.example:4317
    headers: {x-scope-orgid: s3cret, authorization: "Bearer s3cret"}
    tls: {insecure: true}
    keepalive: {time: 10s}
    retry_on_failure: {initial_interval: 250ms, max_elapsed_time: 0}
    sending_queue: {num_consumers: 4, queue_size: 5000, batch: {min_size: 10}}
  otlphttp: {endpoint: 'http://127.0.0.1:3100/otlp', compression: gzip}
  prometheusremotewrite:
    endpoint: http://127.0.0.1:9090/api/v1/write
    external_labels: {cluster: eu1}
    remote_write_queue: {enabled: true, queue_size: 10000, num_consumers: 5}
  prometheus: {endpoint: 'localhost:9464', const_labels: {shop: 'a: b$c'}}
  loki: {endpoint: 'http://127.0.0.1:3100/loki/api/v1/push'}
  debug:
extensions:
  bearertokenauth: {token: s3cret}
storage: {directory: /var/lib/perch, max_age: 36h}
service:
  extensions: [bearertokenauth]
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp/tempo, debug]}
    metrics: {receivers: [otlp], exporters: [prometheusremotewrite, prometheus], ack: memory}
    logs: {receivers: [otlp], exporters: [loki, otlphttp]}
"#;

fn check(dir: &Path, config: &str, more: &[&str]) -> String {
    std::fs::write(dir.join("perch.yaml"), config).unwrap();
    let output =
        perch().arg("check").arg("perch.yaml").args(more).current_dir(dir).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("s3cret"), "{text}");
    text
}

#[test]
fn a_configuration_is_shown_as_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!("described", check(dir.path(), CONFIG, &[]));
    let expanded = check(dir.path(), CONFIG, &["--expand"]);
    insta::assert_snapshot!("expanded", expanded);
    // What is written out is a configuration, and is what it says it is.
    assert_eq!(check(dir.path(), &expanded, &["--expand"]), expanded);
    let json = check(dir.path(), CONFIG, &["--expand", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["config"]["exporters"]["otlp_grpc/tempo"]["headers"]["authorization"], "****");
    assert_eq!(json["config"]["exporters"]["prometheusremotewrite"]["shards"], 5);
    assert_eq!(json["config"]["service"]["pipelines"]["metrics"]["ack"], "memory");
}

#[test]
fn a_failure_is_one_object_where_json_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [(&[&str], i32, &str); 3] = [
        (&["check", "none.yaml", "--json"], 1, "failed"),
        (&["slo", "validate", "none.yaml", "--json"], 4, "not-found"),
        (&["check", "--json"], 2, "usage"),
    ];
    for (args, exit, code) in cases {
        let output = perch().args(args).current_dir(dir.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{args:?}");
        let told: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!((&told["code"], &told["exit_code"]), (&code.into(), &exit.into()), "{told}");
        assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{told}");
    }
}
