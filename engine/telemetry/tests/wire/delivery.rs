//! The three signals arrive whole and belong together.

use std::time::Duration;

use crate::sink::{Sink, attribute};
use http::{HeaderMap, HeaderValue};
use nestr_telemetry::names::{Direction, EventType, Outcome, Stage, attr, metric, span};
use nestr_telemetry::{Export, Telemetry, TelemetryOptions, adopt, fail, inject};
use nestr_telemetry::{trace_id, trace_id_of, traceparent, traceparent_of};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, NumberDataPoint, metric::Data,
};
use tracing::dispatcher::with_default;

const LONG: Duration = Duration::from_secs(20);
const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn started(sink: &Sink) -> (Telemetry, tracing::Dispatch) {
    let export = Some(Export::to(sink.endpoint()));
    Telemetry::build(&TelemetryOptions { export, ..TelemetryOptions::default() }).unwrap()
}

fn called_by(traceparent: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static(traceparent));
    headers
}

#[test]
fn spans_and_records_arrive_with_one_trace_and_their_resource() {
    let sink = Sink::up();
    let (telemetry, dispatch) = started(&sink);
    with_default(&dispatch, || {
        let request = tracing::info_span!("request", otel.kind = "server");
        adopt(&request, &called_by(CALLER));
        let _request = request.enter();
        let pack = tracing::info_span!(span::PELLET_PACK, { attr::NESTR_PELLET_FRAMES } = 3);
        pack.in_scope(|| tracing::warn!(path = "a/b", "file vanished while it was packed"));
        fail(&pack, "path-vanished", "a/b is gone");
        tracing::debug!("not kept at this level");
    });
    assert!(telemetry.shutdown(LONG));

    let spans = sink.spans();
    let named = |name: &str| spans.iter().find(|(_, s)| s.name == name).unwrap();
    let (resource, request) = named("request");
    let (_, pack) = named(span::PELLET_PACK);
    assert_eq!(spans.len(), 2);
    assert_eq!(attribute(resource, attr::SERVICE_NAME).unwrap(), "nestr");
    assert_eq!(attribute(resource, attr::SERVICE_NAMESPACE).unwrap(), "nestr");
    assert_eq!(attribute(resource, attr::SERVICE_INSTANCE_ID).unwrap().len(), 36);
    assert_eq!(hex::encode(&request.trace_id), CALLER[3..35]);
    assert_eq!(hex::encode(&request.parent_span_id), CALLER[36..52]);
    assert_eq!(request.kind, 2, "a server span");
    assert!(request.attributes.is_empty(), "not in the catalogue: {:?}", request.attributes);

    assert_eq!((&pack.trace_id, &pack.parent_span_id), (&request.trace_id, &request.span_id));
    assert_eq!(attribute(&pack.attributes, attr::NESTR_PELLET_FRAMES).unwrap(), "3");
    assert_eq!(attribute(&pack.attributes, attr::ERROR_TYPE).unwrap(), "path-vanished");
    assert_eq!(attribute(&pack.attributes, attr::EXCEPTION_MESSAGE).unwrap(), "a/b is gone");
    assert_eq!(pack.status.as_ref().unwrap().code, 2, "an error");
    assert!(pack.events.is_empty(), "records are not repeated as span events");

    let records = sink.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((&records[0].trace_id, &records[0].span_id), (&pack.trace_id, &pack.span_id));
    assert_eq!(records[0].severity_text, "WARN");
    assert_ne!(records[0].time_unix_nano, 0);
    assert_eq!(records[0].event_name, "");
    assert_eq!(attribute(&records[0].attributes, "path").unwrap(), "a/b");
}

#[test]
fn metrics_are_pushed_cumulatively_under_their_catalogue_names() {
    let sink = Sink::up();
    let (telemetry, _dispatch) = started(&sink);
    telemetry.instruments().pellet_compressed(Outcome::Success, Duration::from_millis(1500));
    assert!(telemetry.flush(LONG));
    telemetry.instruments().pellet_compressed(Outcome::Success, Duration::from_millis(1500));
    assert!(telemetry.shutdown(LONG));

    let values: Vec<String> = sink
        .metrics()
        .into_iter()
        .filter(|m| m.name == metric::PELLET_COMPRESS.name)
        .flat_map(|m| cumulative_points(m.data.unwrap()))
        .filter(|p| attribute(&p.attributes, attr::OUTCOME).as_deref() == Some("success"))
        .map(|p| format!("{:?}", p.value.unwrap()))
        .collect();
    assert_eq!(values, ["AsInt(1)", "AsInt(2)"]);
}

fn cumulative_points(data: Data) -> Vec<NumberDataPoint> {
    let Data::Sum(sum) = data else { panic!("{data:?} is no sum") };
    assert!(sum.is_monotonic);
    assert_eq!(sum.aggregation_temporality, AggregationTemporality::Cumulative as i32);
    sum.data_points
}

#[test]
fn the_scrape_shows_every_metric_under_its_prometheus_name() {
    let (telemetry, _dispatch) = Telemetry::build(&TelemetryOptions::default()).unwrap();
    let all = telemetry.instruments();
    all.pellet_compressed(Outcome::Success, Duration::from_millis(1500));
    all.pellet_restored(Outcome::Success, Duration::from_millis(20));
    all.pellet_verified(Outcome::Failed, Duration::from_millis(20));
    all.pellets_collected(Outcome::Success, Duration::from_millis(20));
    all.pellet_bytes(Direction::In, Stage::Compress, 4000);
    all.pellet_ratio(4.0);
    all.pellet_store(1000, 1);
    all.event_published(EventType::PelletCompressed);
    all.http_request(Some("/api/pellets"), "GET", 200, Duration::from_millis(3));
    all.http_request(None, "BREW", 404, Duration::from_millis(3));
    let watching = all.watch();
    let text = telemetry.metrics_text().unwrap();
    drop(watching);

    for line in [
        "nestr_pellet_compress_total{outcome=\"success\"} 1",
        "nestr_pellet_compress_total{outcome=\"failed\"} 0",
        "nestr_pellet_compress_duration_seconds_bucket{outcome=\"success\",le=\"1\"} 0",
        "nestr_pellet_compress_duration_seconds_bucket{outcome=\"success\",le=\"2.5\"} 1",
        "nestr_pellet_restore_total{outcome=\"success\"} 1",
        "nestr_pellet_verify_total{outcome=\"failed\"} 1",
        "nestr_pellet_gc_total{outcome=\"success\"} 1",
        "nestr_pellet_gc_duration_seconds_count{outcome=\"success\"} 1",
        "nestr_pellet_bytes_total{direction=\"in\",stage=\"compress\"} 4000",
        "nestr_pellet_ratio_sum 4",
        "nestr_pellet_store_bytes 1000",
        "nestr_pellet_store_count 1",
        "nestr_events_published_total{type=\"pellet:compressed\"} 1",
        "nestr_event_watchers 1",
        "nestr_http_requests_total{method=\"GET\",route=\"/api/pellets\",status=\"200\"} 1",
        "nestr_http_requests_total{method=\"OTHER\",route=\"unmatched\",status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "no line {line} in\n{text}");
    }
    let families: Vec<&str> =
        text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for family in &families {
        let known = [
            metric::PELLET_COMPRESS,
            metric::PELLET_COMPRESS_DURATION,
            metric::PELLET_RESTORE,
            metric::PELLET_RESTORE_DURATION,
            metric::PELLET_VERIFY,
            metric::PELLET_VERIFY_DURATION,
            metric::PELLET_GC,
            metric::PELLET_GC_DURATION,
            metric::PELLET_BYTES,
            metric::PELLET_RATIO,
            metric::PELLET_STORE_BYTES,
            metric::PELLET_STORE_COUNT,
            metric::EVENTS_PUBLISHED,
            metric::EVENT_WATCHERS,
            metric::HTTP_REQUESTS,
            metric::HTTP_REQUEST_DURATION,
        ];
        let named = known.iter().any(|m| m.prometheus == *family) || *family == "target_info";
        assert!(named, "{family} is not in the catalogue");
    }
    assert_eq!(families.len(), 17, "{families:?}");
    assert!(!text.contains("otel_scope"), "{text}");
    assert!(telemetry.metrics_text().unwrap().contains("nestr_event_watchers 0"));
}

#[test]
fn context_goes_in_and_out_and_garbage_makes_a_root() {
    let (_telemetry, dispatch) = Telemetry::build(&TelemetryOptions::default()).unwrap();
    with_default(&dispatch, || {
        assert_eq!((trace_id(), traceparent()), (None, None));
        let child = tracing::info_span!("child");
        adopt(&child, &called_by(CALLER));
        let parent = child.in_scope(|| {
            let mut headers = HeaderMap::new();
            inject(&mut headers);
            assert_eq!(headers["traceparent"], traceparent().unwrap());
            traceparent().unwrap()
        });
        assert_eq!(parent[..35], CALLER[..35]);
        assert_ne!(parent[36..52], CALLER[36..52]);
        assert_eq!(parent, traceparent_of(&child).unwrap());
        assert_eq!(trace_id_of(&child).unwrap(), CALLER[3..35]);

        for garbage in ["", "00-zz-1-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01"]
        {
            let root = tracing::info_span!("root");
            adopt(&root, &called_by(garbage));
            assert_ne!(trace_id_of(&root).unwrap(), CALLER[3..35]);
            assert_eq!(trace_id_of(&root).unwrap().len(), 32);
        }
    });
}
