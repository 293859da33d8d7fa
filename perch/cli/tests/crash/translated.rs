//! Backends of other protocols than ours are away while large requests wait for them: what is made of a request for
//! such a backend is many times its size, and is bounded all the same.

use std::process::Command;

use collector_otlp::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data, number_data_point,
};
use prost::Message as _;

use crate::site::peak_mib;
use crate::support::{Perch, call, free_address, get, wait_for};

/// What the process may use.
const MEMORY_MIB: u64 = 64;
/// Points and records of one request. A point of ten short attributes is some 150 bytes, and two thousand as a series.
const N_ITEMS: u64 = 30_000;
const TIME: u64 = 1_700_000_000_000_000_000;

#[test]
fn what_is_translated_for_backends_that_are_away_stays_within_memory() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = free_address();
    let file = dir.path().join("perch.yaml");
    let storage = dir.path().join("storage");
    let yaml = format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}\n\
         processors: {{memory_limiter: {{limit_mib: {MEMORY_MIB}}}}}\n\
         exporters:\n  prometheusremotewrite: {{endpoint: 'http://{nobody}/api/v1/write', retry_on_failure: &again {{initial_interval: 5ms, max_interval: 20ms}}}}\n  \
         loki: {{endpoint: 'http://{nobody}/loki/api/v1/push', retry_on_failure: *again}}\n\
         storage: {{directory: '{}'}}\n\
         service:\n  telemetry: {{logs: {{level: error}}}}\n  pipelines:\n    \
         metrics: {{receivers: [otlp], processors: [memory_limiter], exporters: [prometheusremotewrite]}}\n    \
         logs: {{receivers: [otlp], processors: [memory_limiter], exporters: [loki]}}\n",
        storage.display()
    );
    std::fs::write(&file, yaml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_perch"));
    command.arg("collect").arg("--config").arg(file).args(["--api-listen", "127.0.0.1:0"]);
    let perch = Perch::start(command.env_remove("PERCH_LOG")).unwrap();
    println!("{} MiB at rest", peak_mib(perch.pid()));
    for (signal, body) in [(Signal::Metrics, metrics()), (Signal::Logs, logs())] {
        let url = format!("{}{}", perch.text("/otlp/http"), signal.http_path());
        for _ in 0..2 {
            let headers = [("content-type", "application/x-protobuf")];
            let reply = call("POST", &url, &headers, &body).unwrap();
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    }
    for exporter in ["prometheusremotewrite", "loki"] {
        wait_for("it is tried again and again", || {
            (n_resent(&perch, exporter) > 5 * N_ITEMS).then_some(())
        });
    }
    let peak = peak_mib(perch.pid());
    println!("peak {peak} MiB");
    assert!(peak <= MEMORY_MIB, "{peak} MiB of {MEMORY_MIB}");
}

fn n_resent(perch: &Perch, exporter: &str) -> u64 {
    let page = get(&format!("{}/metrics", perch.text("/api"))).unwrap().body;
    let name = format!("perch_resent_items_total{{exporter=\"{exporter}\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |n| n.parse().unwrap())
}

fn word(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn metrics() -> Vec<u8> {
    let point = |i: u64| NumberDataPoint {
        attributes: (0..10).map(|n| word(&format!("n{n}"), i.to_string())).collect(),
        time_unix_nano: TIME,
        value: Some(number_data_point::Value::AsInt(1)),
        ..NumberDataPoint::default()
    };
    let data = Some(Data::Gauge(Gauge { data_points: (0..N_ITEMS).map(point).collect() }));
    let metrics = vec![Metric { name: "items".to_owned(), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

fn logs() -> Vec<u8> {
    let record = |i: u64| LogRecord {
        time_unix_nano: TIME + i,
        body: Some(AnyValue { value: Some(Value::StringValue(format!("line {i}"))) }),
        attributes: (0..3).map(|n| word(&format!("n{n}"), i.to_string())).collect(),
        ..LogRecord::default()
    };
    let log_records = (0..N_ITEMS).map(record).collect();
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}
