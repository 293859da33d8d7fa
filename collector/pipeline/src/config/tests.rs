//! Configurations, good and bad, and what is said about them.

use std::time::Duration;

use super::*;

fn env(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("4317".to_owned()),
        "SIZE" => Some("1048576".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Config, String> {
    Config::parse("perch.yaml", text, &env).map_err(|e| e.to_string())
}

const GOOD: &str = r"
receivers:
  otlp:
    protocols:
      grpc: {endpoint: '127.0.0.1:${env:PORT}'}
processors:
  batch:
exporters:
  otlp_grpc/jaeger:
    endpoint: http://127.0.0.1:14317
    sending_queue: {queue_size: '${env:SIZE}', sizer: bytes, num_consumers: 4}
    retry_on_failure: {initial_interval: 100ms, max_elapsed_time: 1m}
  debug:
storage: {directory: /var/lib/perch, max_bytes: 2GiB, max_age: 6h}
api: {listen: '127.0.0.1:0'}
service:
  telemetry: {logs: {level: DEBUG}}
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc/jaeger]}
    logs/second: {receivers: [otlp], exporters: []}
";

#[test]
fn reads_the_opentelemetry_shape() {
    let config = parse(GOOD).unwrap();
    let pipelines: Vec<String> = config.pipelines.iter().map(|p| p.id.to_string()).collect();
    assert_eq!(pipelines, ["traces", "logs/second"]);
    let exporter = &config.exporters[0];
    assert_eq!(exporter.id.to_string(), "otlp_grpc/jaeger");
    assert_eq!(exporter.queue, QueueConfig { max_bytes: Some(1 << 20), n_in_flight: Some(4) });
    assert_eq!(exporter.retry.initial, Duration::from_millis(100));
    assert_eq!(exporter.retry.give_up_after, Some(Duration::from_secs(60)));
    assert!(exporter.settings.get("sending_queue").is_none());
    let storage = config.storage.unwrap();
    assert_eq!((storage.max_bytes, storage.max_age), (2 << 30, Some(Duration::from_secs(21_600))));
    assert_eq!(config.log_level, "debug");
    let grpc = config.receivers[0].settings.get("protocols").unwrap().get("grpc").unwrap();
    let endpoint: String = grpc.get("endpoint").unwrap().read().unwrap();
    assert_eq!(endpoint, "127.0.0.1:4317");
    let notes: Vec<String> = config.notes.iter().map(|n| n.at.to_string()).collect();
    assert_eq!(notes, ["7:3", "13:3", "20:5"], "{:?}", config.notes);
}

#[test]
fn every_fault_is_found_at_its_place_with_advice() {
    let said = parse(
        r"
recievers:
  otlp:
exporters:
  otlp_grpc:
    sending_queue: {que_size: 5}
  debug/:
processors:
  tail_smpling:
storage: {directory: /x, max_byte: 5}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_grcp, otlp_grpc, otlp_grpc]}
    spans: {}
    logs: {recievers: [a]}
",
    )
    .unwrap_err();
    let want = "\
perch.yaml:2:1: unknown section `recievers` (did you mean `receivers`?)
perch.yaml:6:21: exporters.otlp_grpc.sending_queue: unknown key `que_size` (did you mean `queue_size`?)
perch.yaml:7:3: exporters: `debug/` is not a component's name (write `type` or `type/name`)
perch.yaml:10:26: storage: unknown key `max_byte` (did you mean `max_bytes`?)
perch.yaml:13:26: `otlp` is not defined under `receivers` (nothing is defined there)
perch.yaml:13:45: `otlp_grcp` is not defined under `exporters` (did you mean `otlp_grpc`?)
perch.yaml:13:67: `otlp_grpc` is named twice (leave one)
perch.yaml:14:5: `spans` is not a pipeline's name (write traces, metrics or logs, or one of them with `/name`)
perch.yaml:15:12: pipelines.logs: unknown key `recievers` (did you mean `receivers`?)";
    assert_eq!(said, want);
}

#[test]
fn yaml_faults_have_a_place_too() {
    assert_eq!(parse("a: 1\na: 2\n").unwrap_err(), "perch.yaml:2:1: duplicate mapping key: a");
    assert!(parse("a: [1\nb: 2\n").unwrap_err().starts_with("perch.yaml:2:2: "));
    assert!(parse("- 1\n").unwrap_err().contains("a mapping is wanted here, not a list"));
    assert!(parse("").unwrap_err().contains("there are no pipelines"));
}

#[test]
fn variables_fill_values_and_never_structure() {
    let said = parse("storage: {directory: '${env:NOWHERE}'}\n").unwrap_err();
    assert!(
        said.contains("perch.yaml:1:22: the environment variable NOWHERE is not set"),
        "{said}"
    );
    let default = "storage: {directory: '${env:NOWHERE:-/d}'}\nservice: {pipelines: {}}\n";
    assert_eq!(parse(default).unwrap().storage.unwrap().directory.to_str(), Some("/d"));
    let escaped = "storage: {directory: '/a$$b$'}\nservice: {pipelines: {}}\n";
    assert_eq!(parse(escaped).unwrap().storage.unwrap().directory.to_str(), Some("/a$b$"));
    assert!(parse("api: {listen: '${oh no}'}\n").unwrap_err().contains("is not a variable"));
}

#[test]
fn a_log_is_kept_unless_it_is_switched_off() {
    let kept =
        |text: &str| parse(&format!("{text}service: {{pipelines: {{}}}}\n")).map(|c| c.keeps_log);
    assert_eq!(kept(""), Ok(true));
    assert_eq!(kept("storage: {enabled: false}\n"), Ok(false));
    assert_eq!(kept("storage: {directory: /d}\n"), Ok(true));
    assert_eq!(kept("storage: {directory: /d, search: false}\n"), Ok(false));
    assert!(kept("storage: {max_bytes: 1GiB}\n").unwrap_err().contains("`directory` is missing"));
}

#[test]
fn an_authenticator_stands_where_it_is_named() {
    let text = |auth: &str, extensions: &str| {
        format!(
            "receivers: {{otlp: {{protocols: {{grpc: {{auth: {auth}}}}}}}}}\n\
             exporters: {{debug: {{auth: {auth}}}}}\n\
             extensions: {{bearertokenauth: {{token: s3cret}}, health_check: }}\n\
             service: {{extensions: {extensions}, pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}}}\n"
        )
    };
    let good = text("{authenticator: bearertokenauth}", "[bearertokenauth]");
    let config = parse(&good).unwrap();
    let grpc = config.receivers[0].settings.get("protocols").and_then(|p| p.get("grpc")).unwrap();
    for node in [grpc, &config.exporters[0].settings] {
        let token = node.get("auth").and_then(|auth| auth.get("token")).unwrap();
        assert_eq!(token.read::<String>().unwrap(), "s3cret");
    }
    let said = |auth: &str, extensions: &str| parse(&text(auth, extensions)).unwrap_err();
    let unknown = said("{authenticator: oidc}", "[]");
    assert!(
        unknown.contains("1:61: receivers.otlp.auth: `oidc` is not defined under `extensions`"),
        "{unknown}"
    );
    let other = said("{authenticator: health_check}", "[health_check]");
    assert!(other.contains("`health_check` does not authenticate"), "{other}");
    let asleep = said("{authenticator: bearertokenauth}", "[]");
    assert!(asleep.contains("is not started (name it under service.extensions)"), "{asleep}");
}

#[test]
fn a_reply_waits_for_the_disk_where_there_is_one() {
    let acks = |text: &str| {
        let head = "receivers: {otlp: }\nexporters: {debug: }\n";
        let pipeline = "receivers: [otlp], exporters: [debug]";
        let config = parse(&format!("{head}{}", text.replace("...", pipeline)))?;
        Ok::<_, String>(config.pipelines.iter().map(|p| p.ack.to_string()).collect::<Vec<_>>())
    };
    let disk = "storage: {directory: /d}\n";
    let plain = "service: {pipelines: {logs: {...}, metrics: {...}}}\n";
    assert_eq!(acks(plain).unwrap(), ["memory", "memory"]);
    assert_eq!(acks(&format!("{disk}{plain}")).unwrap(), ["durable", "durable"]);
    let mixed = "service: {pipelines: {logs: {..., ack: memory}, traces: {..., ack: durable}}}\n";
    assert_eq!(acks(&format!("{disk}{mixed}")).unwrap(), ["memory", "durable"]);
    let said = acks(mixed).unwrap_err();
    assert!(said.contains("`ack: durable` has no disk to write to (set storage.dir"), "{said}");
    let delivered = mixed.replace("durable", "delivered");
    assert_eq!(acks(&delivered).unwrap(), ["memory", "delivered"], "needs no disk");
    let said = acks(&delivered.replace("ack: delivered", "ack: delivered, primary: []"));
    assert!(said.unwrap_err().contains("`ack: delivered` has no exporter to wait for"));
    let said = acks(&format!("{disk}{}", mixed.replace("durable", "durabel"))).unwrap_err();
    assert!(said.contains("`durabel` is not one of memory, durable, delivered"), "{said}");
}

#[test]
fn file_storage_is_the_storage() {
    let config = parse(
        "extensions: {file_storage: {directory: /q}, health_check: }\n\
         service: {extensions: [file_storage, health_check], pipelines: {}}\n",
    )
    .unwrap();
    assert_eq!(config.storage.unwrap().directory.to_str(), Some("/q"));
    assert_eq!(config.notes.len(), 2);
}

#[test]
fn settings_of_others_are_mapped_or_noted() {
    let text = "receivers: {otlp: }\nexporters:\n  prometheusremotewrite:\n    endpoint: http://h/w\n    \
                remote_write_queue: {num_consumers: 5, queue_size: 9}\n    wal: {directory: /x}\n  \
                otlp_http: {endpoint: 'http://h', disable_keep_alives: true, sending_queue: {batch: {min_size: 5}}}\n\
                service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheusremotewrite, otlp_http]}}}\n";
    let config = parse(text).unwrap();
    let written = &config.exporters[1];
    assert_eq!(written.settings.get("shards").unwrap().read::<u32>().unwrap(), 5);
    assert!(
        written.settings.get("wal").is_none()
            && written.settings.get("remote_write_queue").is_none()
    );
    let notes: Vec<String> =
        config.notes.iter().map(|n| format!("{} {}", n.at, n.message)).collect();
    assert_eq!(
        notes,
        [
            "5:5 remote_write_queue.queue_size has no effect: what waits is in the pipeline's log",
            "5:5 remote_write_queue.num_consumers is `shards: 5` here",
            "6:5 wal has no effect: what waits is in the pipeline's log",
            "7:37 disable_keep_alives has no effect: connections are kept and sized by the client itself",
            "7:87 sending_queue.batch has no effect: batches travel as they came and are sent without waiting",
        ]
    );
    let wrong = text.replace("queue_size: 9", "queue_sice: 9");
    let said = parse(&wrong).unwrap_err();
    assert!(
        said.contains("exporters.prometheusremotewrite.remote_write_queue: unknown key"),
        "{said}"
    );
}

/// A configuration with that under `service.telemetry.traces`.
fn with_own_traces(traces: &str) -> String {
    format!(
        "receivers: {{otlp: }}\nexporters: {{debug: }}\nservice:\n  telemetry: {{traces: {traces}}}\n  \
         pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}\n"
    )
}

#[test]
fn own_traces_are_read_in_the_opentelemetry_shape() {
    let otlp = "{otlp: {protocol: http/protobuf, endpoint: 'http://h:4318', timeout: 2000, \
                compression: gzip, headers: [{name: x-key, value: s3cret}]}}";
    let sampler = "sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 0.25}}}}";
    let batch = format!("processors: [{{batch: {{schedule_delay: 100, exporter: {otlp}}}}}]");
    let text = with_own_traces(&format!("{{{batch}, {sampler}, max_spans_per_second: 7}}"));
    let own = parse(&text).unwrap().own_traces.unwrap();
    assert_eq!((own.protocol, own.endpoint.as_str()), (OwnProtocol::Http, "http://h:4318"));
    assert_eq!((own.ratio, own.max_per_second), (0.25, 7));
    assert_eq!((own.timeout, own.delay), (Duration::from_secs(2), Duration::from_millis(100)));
    assert_eq!(own.headers["x-key"], "s3cret");
    let plain = with_own_traces(
        "{processors: [{batch: {exporter: {otlp: {protocol: grpc, endpoint: 'h:1', insecure: true}}}}]}",
    );
    let own = parse(&plain).unwrap().own_traces.unwrap();
    assert_eq!((own.protocol, own.ratio, own.max_per_second), (OwnProtocol::Grpc, 1.0, 100));
    assert!(parse(&with_own_traces("{}")).unwrap().own_traces.is_none());
}

#[test]
fn what_is_wrong_with_own_traces_is_said_at_its_place() {
    for (traces, said) in [
        (
            "{procesors: []}",
            "service.telemetry.traces: unknown key `procesors` (did you mean `processors`?)",
        ),
        (
            "{sampler: {trace_id_ratio_based: {ratio: 2}}, processors: [{batch: {exporter: {otlp: {protocol: grpc, endpoint: h}}}}]}",
            "`ratio` is not between 0 and 1",
        ),
        (
            "{processors: [{batch: {exporter: {otlp: {protocol: http/json, endpoint: h}}}}]}",
            "http/json",
        ),
    ] {
        let error = parse(&with_own_traces(traces)).unwrap_err();
        assert!(error.contains(said), "{traces}: {error}");
    }
}
