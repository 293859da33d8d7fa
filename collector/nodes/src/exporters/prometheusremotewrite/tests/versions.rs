//! 2.0, what it says was written, and the way back to 1.0.

use std::sync::Mutex;

use super::*;

const SECOND: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

fn is_second(got: &Got) -> bool {
    got.header("content-type") == Some(SECOND)
}

/// Samples in either version.
fn n_any(got: &Got) -> u64 {
    if !is_second(got) {
        return n_samples(got);
    }
    let request = decode_v2(&got.body, 64 << 20).unwrap();
    request.timeseries.iter().map(|s| (s.samples.len() + s.histograms.len()) as u64).sum()
}

/// A receiver of 2.0 that writes all samples but `n_short` of each request.
fn second(n_short: u64) -> HttpSink {
    HttpSink::answering(n_any, move |got| {
        let n = n_any(got).saturating_sub(n_short);
        let headers = format!("X-Prometheus-Remote-Write-Samples-Written: {n}\r\n");
        Success { status: "204 No Content", headers }
    })
}

/// A receiver that answers 2.0 so, and takes 1.0.
fn first(to_second: &'static str) -> HttpSink {
    HttpSink::answering(
        |got| if is_second(got) { 0 } else { n_samples(got) },
        move |got| {
            let status = if is_second(got) { to_second } else { "204 No Content" };
            Success { status, headers: String::new() }
        },
    )
}

fn auto(sink: &HttpSink, more: &str) -> Arc<dyn Exporter> {
    built(&format!("endpoint: {}/api/v1/write\n{more}", sink.url())).unwrap()
}

fn versions(sink: &HttpSink) -> Vec<&'static str> {
    sink.got().iter().map(|got| if is_second(got) { "2.0" } else { "1.0" }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_to_the_suite_in_the_second_version() {
    conforms(&Rig {
        kind: &KIND,
        settings: &|url| format!("endpoint: {url}/api/v1/write\nversion: '2.0'\nshards: 4"),
        backend: &|| Arc::new(second(0)),
        batch: &one_series,
    })
    .await;
}

/// `n` samples of one series, so that each batch is one request whatever the shards.
fn one_series(n: u32) -> Batch {
    let point = |i| format!(r#"{{"timeUnixNano":"17000000000{i:02}000000","asInt":"1"}}"#);
    let points: Vec<String> = (0..n).map(point).collect();
    metrics(&format!(r#"{{"name":"g","gauge":{{"dataPoints":[{}]}}}}"#, points.join(",")))
}

#[tokio::test]
async fn the_second_version_says_families_and_starts() {
    let sink = second(0);
    let exporter = auto(&sink, "");
    let batch = metrics(
        r#"{"name":"orders","unit":"{order}","description":"Orders placed.","sum":{"aggregationTemporality":2,
            "isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"1000000","timeUnixNano":"5000000","asInt":"7"}]}}"#,
    );
    assert_eq!(exporter.export(&batch, &Begun::default()).await, Ok(Delivered::whole()));
    let got = &sink.got()[0];
    assert_eq!(got.header("content-type"), Some(SECOND));
    assert_eq!(got.header("content-encoding"), Some("snappy"));
    assert_eq!(got.header("x-prometheus-remote-write-version"), Some("2.0.0"));
    let request = decode_v2(&got.body, 1 << 20).unwrap();
    let series = &request.timeseries[0];
    let metadata = series.metadata.unwrap();
    assert_eq!(request.symbols[metadata.help_ref as usize], "Orders placed.");
    assert_eq!(request.symbols[metadata.unit_ref as usize], "{order}");
    assert_eq!((metadata.r#type, series.samples[0].start_timestamp), (1, 1));
}

#[tokio::test]
async fn a_receiver_of_the_first_version_is_found_out_once() {
    for (to_second, n_asked) in
        [("415 Unsupported Media Type", 1), ("204 No Content", 1), ("400 Bad Request", 1)]
    {
        let sink = first(to_second);
        let exporter = auto(&sink, "");
        for _ in 0..3 {
            assert_eq!(
                exporter.export(&gauge(2), &Begun::default()).await,
                Ok(Delivered::whole()),
                "{to_second}"
            );
        }
        let want = [vec!["2.0"; n_asked], vec!["1.0"; 3]].concat();
        assert_eq!(versions(&sink), want, "{to_second}");
        assert_eq!(sink.n_items(), 6, "{to_second}");
    }
}

#[tokio::test]
async fn what_was_not_written_is_counted() {
    let sink = second(2);
    let delivered = auto(&sink, "").export(&gauge(10), &Begun::default()).await.unwrap();
    assert_eq!(delivered, Delivered::partial(2, "8 of 10 samples were written"));
    assert_eq!(sink.n_requests(), 1, "not sent again");
    let silent = HttpSink::start(n_any);
    let delivered =
        auto(&silent, "version: '2.0'").export(&gauge(10), &Begun::default()).await.unwrap();
    let said = "success without a word of what was written";
    assert_eq!(delivered, Delivered::partial(10, said));
}

#[tokio::test]
async fn a_refusal_counts_what_was_written_before_it() {
    let sink = HttpSink::answering(n_any, |_| Success {
        status: "400 Bad Request",
        headers: "X-Prometheus-Remote-Write-Samples-Written: 7\r\n".to_owned(),
    });
    let delivered = auto(&sink, "").export(&gauge(10), &Begun::default()).await.unwrap();
    assert_eq!(delivered.dropped, [(Reason::Partial, 3)]);
    assert_eq!(versions(&sink), ["2.0"]);
}

#[tokio::test]
async fn a_version_asked_for_is_the_only_one() {
    let sink = first("415 Unsupported Media Type");
    let error =
        auto(&sink, "version: '2.0'").export(&gauge(1), &Begun::default()).await.unwrap_err();
    assert!(matches!(error, ExportError::Permanent { .. }), "{error}");
    let exporter = auto(&sink, "protobuf_message: prometheus.WriteRequest");
    exporter.export(&gauge(1), &Begun::default()).await.unwrap();
    assert_eq!(versions(&sink), ["2.0", "1.0"]);
}

#[tokio::test]
async fn a_refusal_in_both_versions_is_the_fault_of_what_was_said() {
    let refused = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&refused);
    let sink = HttpSink::answering(n_any, move |_| {
        *counted.lock().unwrap() += 1;
        Success { status: "400 Bad Request", headers: String::new() }
    });
    let exporter = auto(&sink, "");
    for _ in 0..2 {
        exporter.export(&gauge(1), &Begun::default()).await.unwrap_err();
    }
    assert_eq!(versions(&sink), ["2.0", "1.0", "2.0", "1.0"], "nothing is settled");
    assert_eq!(*refused.lock().unwrap(), 4);
}

#[tokio::test]
async fn shards_keep_the_order_of_each_series() {
    let sink = second(0);
    let exporter = auto(&sink, "shards: 4\nmax_batch_size_bytes: 400");
    for _ in 0..3 {
        exporter.export(&gauge(40), &Begun::default()).await.unwrap();
    }
    assert_eq!(sink.n_items(), 120);
    assert!(sink.n_requests() > 12, "{} requests", sink.n_requests());
    let refused = |text: &str| built(text).err().map(|f| f.to_string()).unwrap_or_default();
    let none = refused("{endpoint: 'http://a:1/w', shards: 0}");
    assert!(none.contains("1:36: shards: 0 is not a number of request streams"), "{none}");
}

#[test]
fn versions_that_contradict_are_refused() {
    let refused = |text: &str| {
        built(&format!("{{endpoint: 'http://a:1/w', {text}}}")).err().map(|f| f.to_string())
    };
    let both = refused("version: '1.0', protobuf_message: io.prometheus.write.v2.Request").unwrap();
    assert!(both.contains("version: `protobuf_message` names another version"), "{both}");
    let unknown = refused("version: '3.0'").unwrap();
    assert!(unknown.contains("write auto, \"1.0\" or \"2.0\""), "{unknown}");
    assert_eq!(refused("version: 2.0"), None);
    assert_eq!(refused("version: auto"), None);
    let wide = refused("resource_to_telemetry_conversion: {enabled: true}").unwrap();
    assert!(wide.contains("target_info"), "{wide}");
}
