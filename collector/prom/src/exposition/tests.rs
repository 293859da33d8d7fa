//! Pages as scrapers read them, what expires, and what finds no room.

use std::time::Duration;

use super::*;
use crate::mapping::tests::Bench;
use crate::mapping::{Options, Translated};

const EVERYTHING: &str = r#"
    {"name":"orders","unit":"{order}","description":"Orders \\ placed,\nwith \"care\".","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
        {"timeUnixNano":"1700000000123000000","asInt":"42","attributes":[{"key":"path","value":{"stringValue":"C:\\\"x\"\n"}}],
         "exemplars":[{"timeUnixNano":"1700000000100000000","asInt":"7","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"}]}]}},
    {"name":"wait","unit":"s","description":"Time in line.","histogram":{"aggregationTemporality":2,"dataPoints":[
        {"timeUnixNano":"1700000000123000000","count":"7","sum":3.5,"explicitBounds":[0.005,1,10],"bucketCounts":["1","2","0","4"],
         "exemplars":[{"timeUnixNano":"1700000000000000000","asDouble":0.3,"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"}]}]}},
    {"name":"size","unit":"By","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
        {"timeUnixNano":"1700000000123000000","count":"13","sum":30,"scale":3,"zeroCount":"2",
         "positive":{"offset":10,"bucketCounts":["1","0","0","0","0","3","2"]},"negative":{"offset":0,"bucketCounts":["5"]}}]}},
    {"name":"load","unit":"1","gauge":{"dataPoints":[{"timeUnixNano":"1700000000123000000","asDouble":1e300}]}},
    {"name":"odd","gauge":{"dataPoints":[{"timeUnixNano":"1700000000123000000","asDouble":"NaN"}]}},
    {"name":"rpc","summary":{"dataPoints":[{"timeUnixNano":"1700000000123000000","count":"2","sum":4,
        "quantileValues":[{"quantile":0.5,"value":2},{"quantile":1,"value":3}]}]}}"#;

const WITH_HOST: &str = r#"{"key":"service.name","value":{"stringValue":"cart"}},{"key":"host.name","value":{"stringValue":"h1"}}"#;

fn everything() -> Translated {
    Bench::new(Options::default()).send_from(WITH_HOST, EVERYTHING)
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn bounds(max_series: usize) -> Bounds {
    Bounds { max_series, expiry: at(300) }
}

fn gauge(name: &str, time: u64, value: u64) -> String {
    format!(
        r#"{{"name":"{name}","gauge":{{"dataPoints":[{{"timeUnixNano":"{time}000000000","asInt":"{value}"}}]}}}}"#
    )
}

#[test]
fn a_page_in_each_format() {
    let mut exposition = Exposition::new(bounds(1000));
    assert_eq!(exposition.apply(&everything().series, at(0)), Applied::default());
    insta::assert_snapshot!("text", exposition.render(Format::Text, true, at(1)));
    insta::assert_snapshot!("openmetrics", exposition.render(Format::OpenMetrics, false, at(1)));
    assert_eq!(
        exposition.render(Format::OpenMetrics, true, at(301)),
        "# EOF\n",
        "all of it expires"
    );
    assert_eq!(exposition.n_series(), 0);
}

#[test]
fn the_newest_is_shown_and_what_ended_is_not() {
    let mut bench = Bench::new(Options { target_info: false, ..Options::default() });
    let mut exposition = Exposition::new(bounds(1000));
    for (time, value) in [(2, 7), (1, 5)] {
        exposition.apply(&bench.send(&gauge("g", time, value)).series, at(0));
    }
    let page = exposition.render(Format::Text, false, at(0));
    assert_eq!(page, "# TYPE g gauge\ng{instance=\"a1\",job=\"shop/cart\"} 7\n");
    let ended = r#"{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"3000000000","flags":1}]}}"#;
    exposition.apply(&bench.send(ended).series, at(0));
    assert_eq!(exposition.render(Format::Text, false, at(0)), "");
}

#[test]
fn a_bound_that_was_given_up_is_gone() {
    let mut bench = Bench::new(Options { target_info: false, ..Options::default() });
    let mut exposition = Exposition::new(bounds(1000));
    for (time, bound) in [(1, 5), (2, 6)] {
        let point = format!(
            r#"{{"name":"h","histogram":{{"aggregationTemporality":2,"dataPoints":[{{"timeUnixNano":"{time}000000000","count":"3","sum":2,
            "explicitBounds":[{bound}],"bucketCounts":["1","2"]}}]}}}}"#
        );
        exposition.apply(&bench.send(&point).series, at(0));
    }
    let page = exposition.render(Format::Text, false, at(0));
    assert!(page.contains("le=\"6\"") && !page.contains("le=\"5\""), "{page}");
    assert_eq!(exposition.n_series(), 4);
}

#[test]
fn room_is_bounded_and_the_known_go_on() {
    let mut bench = Bench::new(Options { target_info: false, ..Options::default() });
    let mut exposition = Exposition::new(bounds(2));
    let mut apply = |name: &str, now| {
        let series = bench.send(&gauge(name, now + 1, 1)).series;
        exposition.apply(&series, at(now))
    };
    assert_eq!(apply("a", 0), Applied::default());
    assert_eq!(apply("b", 0), Applied::default());
    assert_eq!(apply("c", 200), Applied { n_overflowed: 1, n_contradictory: 0 });
    assert_eq!(apply("a", 200), Applied::default());
    assert_eq!(apply("c", 400), Applied::default(), "b has expired");
}

#[test]
fn a_name_has_one_type() {
    let mut bench = Bench::new(Options { target_info: false, ..Options::default() });
    let mut exposition = Exposition::new(bounds(9));
    exposition.apply(&bench.send(&gauge("g", 1, 1)).series, at(0));
    let summary = r#"{"name":"g","summary":{"dataPoints":[{"timeUnixNano":"2000000000","count":"1","sum":1}]}}"#;
    let applied = exposition.apply(&bench.send(summary).series, at(0));
    assert_eq!(applied, Applied { n_overflowed: 0, n_contradictory: 1 });
}

#[test]
fn scrapers_get_what_they_prefer() {
    for (accept, want) in [
        ("", Format::Text),
        ("*/*", Format::Text),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Text),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", Format::OpenMetrics),
        ("application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.5", Format::Text),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.9", Format::Text),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            Format::OpenMetrics,
        ),
    ] {
        assert_eq!(Format::negotiate(accept), want, "{accept}");
    }
}
