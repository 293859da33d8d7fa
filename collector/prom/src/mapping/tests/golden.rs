//! One test per rule of "Prometheus and OpenMetrics Compatibility".

use super::*;

#[test]
fn a_monotonic_sum_is_a_counter_with_unit_and_total() {
    check(
        r#"{"name":"pellet.bytes","unit":"By","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
            {"timeUnixNano":"1700000000123456789","asInt":"42","attributes":[
                {"key":"direction","value":{"stringValue":"in"}},
                {"key":"http.status","value":{"intValue":"200"}},
                {"key":"empty","value":{"stringValue":""}},
                {"key":"ok","value":{"boolValue":true}}],
             "exemplars":[{"timeUnixNano":"1700000000100000000","asInt":"7","traceId":"0af7651916cd43dd8448eb211c80319c",
                "spanId":"b7ad6b7169203331","filteredAttributes":[{"key":"user.tier","value":{"stringValue":"gold"}}]}]}]}}"#,
        r##"
pellet_bytes_total{direction="in",http_status="200",instance="a1",job="shop/cart",ok="true"} 42 @1700000000123
  # {span_id="b7ad6b7169203331",trace_id="0af7651916cd43dd8448eb211c80319c",user_tier="gold"} 7 @1700000000100
"##,
    );
}

#[test]
fn gauges_and_sums_that_may_fall_are_gauges() {
    check(
        r#"{"name":"cpu.utilization","unit":"1","gauge":{"dataPoints":[{"timeUnixNano":"2000000","asDouble":0.25}]}},
           {"name":"queue.size","unit":"{item}","sum":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"2000000","asInt":"-3"}]}},
           {"name":"share","unit":"1","sum":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"2000000","asInt":"1"}]}}"#,
        r#"
cpu_utilization_ratio{instance="a1",job="shop/cart"} 0.25 @2
queue_size{instance="a1",job="shop/cart"} -3 @2
share{instance="a1",job="shop/cart"} 1 @2
"#,
    );
}

#[test]
fn explicit_buckets_become_cumulative_and_carry_their_exemplars() {
    check(
        r#"{"name":"req.duration","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"5000000","count":"7","sum":3.5,"explicitBounds":[0.005,1,10],"bucketCounts":["1","2","0","4"],
             "attributes":[{"key":"le","value":{"stringValue":"mine"}}],
             "exemplars":[
                {"timeUnixNano":"3000000","asDouble":1,"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"},
                {"asDouble":99,"spanId":"b7ad6b7169203331"},
                {"timeUnixNano":"3000000"}]}]}}"#,
        r##"
req_duration_seconds_bucket{instance="a1",job="shop/cart",le="0.005"} 1 @5
req_duration_seconds_bucket{instance="a1",job="shop/cart",le="1"} 3 @5
  # {span_id="b7ad6b7169203331",trace_id="0af7651916cd43dd8448eb211c80319c"} 1 @3
req_duration_seconds_bucket{instance="a1",job="shop/cart",le="10"} 3 @5
req_duration_seconds_bucket{instance="a1",job="shop/cart",le="+Inf"} 7 @5
  # {span_id="b7ad6b7169203331"} 99 @5
req_duration_seconds_sum{instance="a1",job="shop/cart",le="mine"} 3.5 @5
req_duration_seconds_count{instance="a1",job="shop/cart",le="mine"} 7 @5
"##,
    );
}

#[test]
fn a_histogram_without_buckets_or_sum_still_counts() {
    check(
        r#"{"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"5000000","count":"7"}]}}"#,
        r#"
h_bucket{instance="a1",job="shop/cart",le="+Inf"} 7 @5
h_count{instance="a1",job="shop/cart"} 7 @5
"#,
    );
}

#[test]
fn exponential_buckets_become_native_one_index_higher() {
    check(
        r#"{"name":"h","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"5000000","count":"14","sum":8,"scale":1,"zeroCount":"2","zeroThreshold":0.001,
             "positive":{"offset":-2,"bucketCounts":["3","0","1","0","0","0","4"]},
             "negative":{"offset":3,"bucketCounts":["4"]}}]}}"#,
        r#"
h{instance="a1",job="shop/cart"} schema=1 count=14 sum=8 zero=2<1e-3 positive=[-1:3 3:1] [3, -3, 1, 3] negative=[4:1] [4] @5
"#,
    );
}

#[test]
fn scales_beyond_prometheus_are_halved_or_refused() {
    check(
        r#"{"name":"h","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"5000000","count":"6","scale":10,"positive":{"offset":-5,"bucketCounts":["1","1","1","1","1","1"]}},
            {"timeUnixNano":"6000000","count":"1","scale":-5,"positive":{"bucketCounts":["1"]}},
            {"timeUnixNano":"7000000","count":"2","scale":0,"positive":{"bucketCounts":["1"]}}]}}"#,
        r#"
h{instance="a1",job="shop/cart"} schema=8 count=6 sum=0 zero=0<1e-128 positive=[-1:3] [1, 3, -3] negative=[] [] @5
refused 1: buckets that contradict each other
refused 1: exponential buckets wider than schema -4
"#,
    );
}

#[test]
fn summaries_keep_their_quantiles() {
    check(
        r#"{"name":"rpc","unit":"ms","summary":{"dataPoints":[{"timeUnixNano":"5000000","count":"3","sum":6,
            "quantileValues":[{"quantile":0.5,"value":2},{"quantile":1,"value":3}]}]}}"#,
        r#"
rpc_milliseconds{instance="a1",job="shop/cart",quantile="0.5"} 2 @5
rpc_milliseconds{instance="a1",job="shop/cart",quantile="1"} 3 @5
rpc_milliseconds_sum{instance="a1",job="shop/cart"} 6 @5
rpc_milliseconds_count{instance="a1",job="shop/cart"} 3 @5
"#,
    );
}

#[test]
fn no_recorded_value_ends_the_series() {
    check(
        r#"{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000","flags":1}]}},
           {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1000000","flags":1,"explicitBounds":[1]}]}},
           {"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1000000","flags":1}]}},
           {"name":"s","summary":{"dataPoints":[{"timeUnixNano":"1000000","flags":1}]}}"#,
        r#"
g{instance="a1",job="shop/cart"} stale @1
h_bucket{instance="a1",job="shop/cart",le="1"} stale @1
h_bucket{instance="a1",job="shop/cart",le="+Inf"} stale @1
h_sum{instance="a1",job="shop/cart"} stale @1
h_count{instance="a1",job="shop/cart"} stale @1
e{instance="a1",job="shop/cart"} stale count=0x7ff0000000000002 @1
s_sum{instance="a1",job="shop/cart"} stale @1
s_count{instance="a1",job="shop/cart"} stale @1
"#,
    );
}

#[test]
fn attributes_that_collide_are_joined_in_the_order_of_their_keys() {
    check(
        r#"{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asInt":"1","attributes":[
            {"key":"a_b","value":{"stringValue":"third"}},
            {"key":"a.b","value":{"stringValue":"second"}},
            {"key":"a-b","value":{"stringValue":"first"}},
            {"key":"job","value":{"stringValue":"mine"}},
            {"key":"1st","value":{"stringValue":"x"}}]}]}}"#,
        r#"
g{a_b="first;second;third",instance="a1",job="shop/cart",key_1st="x"} 1 @1
"#,
    );
}

#[test]
fn points_of_one_series_are_sorted_and_one_per_millisecond() {
    check(
        r#"{"name":"g","gauge":{"dataPoints":[
            {"timeUnixNano":"3000000","asInt":"3"},{"timeUnixNano":"1000000","asInt":"1"},
            {"timeUnixNano":"3000001","asInt":"3"},{"timeUnixNano":"3000002","asInt":"4"}]}},
           {"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"2000000","asInt":"2"}]}}"#,
        r#"
g{instance="a1",job="shop/cart"} 1 @1
g{instance="a1",job="shop/cart"} 2 @2
g{instance="a1",job="shop/cart"} 3 @3
refused 1: second value for the same series and time
"#,
    );
}

#[test]
fn what_has_no_form_is_refused_by_reason() {
    check(
        r#"{"name":"...","gauge":{"dataPoints":[{"timeUnixNano":"1","asInt":"1"}]}},
           {"name":"a","gauge":{"dataPoints":[{"asInt":"1"}]}},
           {"name":"b","gauge":{"dataPoints":[{"timeUnixNano":"1"}]}},
           {"name":"c","sum":{"dataPoints":[{"timeUnixNano":"1","asInt":"1"},{"timeUnixNano":"2","asInt":"1"}]}},
           {"name":"d","histogram":{"aggregationTemporality":2,"dataPoints":[
                {"timeUnixNano":"1","count":"1","explicitBounds":[2,1],"bucketCounts":["1","0","0"]},
                {"timeUnixNano":"1","count":"1","explicitBounds":[1],"bucketCounts":["1"]},
                {"timeUnixNano":"1","count":"1","explicitBounds":["Infinity"],"bucketCounts":["1","0"]}]}}"#,
        "
refused 1: metric without a usable name
refused 1: point without a time
refused 1: point without a usable value
refused 2: neither delta nor cumulative
refused 3: buckets that contradict each other
",
    );
}

#[test]
fn a_resource_is_described_once_by_target_info() {
    let attributes = format!(
        r#"{RESOURCE},{{"key":"deployment.environment.name","value":{{"stringValue":"prod"}}}}"#
    );
    let gauge = r#"{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asInt":"1"},{"timeUnixNano":"9000000","asInt":"1"}]}}"#;
    let described = Bench::new(Options::default()).send_from(&attributes, gauge);
    assert_eq!(
        text(&described),
        r#"
g{instance="a1",job="shop/cart"} 1 @1
g{instance="a1",job="shop/cart"} 1 @9
target_info{deployment_environment_name="prod",instance="a1",job="shop/cart"} 1 @9
"#
        .trim_start()
    );
    let mut bench = Bench::new(Options::default());
    bench.send_from(&attributes, gauge);
    let late = gauge.replace('9', "8").replace("\"g\"", "\"f\"");
    assert_eq!(
        bench.send_from(&attributes, &late).series.len(),
        1,
        "not behind what was said before"
    );
    let options = Options { target_info: false, ..Options::default() };
    let bare = Bench::new(options).send_from(&attributes, gauge);
    assert_eq!(bare.series.len(), 1);
}

#[test]
fn job_is_the_name_alone_without_a_namespace_and_absent_without_a_name() {
    let gauge = r#"{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asInt":"1"}]}}"#;
    let mut bench = Bench::new(Options::default());
    let named = bench.send_from(r#"{"key":"service.name","value":{"stringValue":"cart"}}"#, gauge);
    assert_eq!(text(&named), "g{job=\"cart\"} 1 @1\n");
    let nameless = bench.send_from(r#"{"key":"host.name","value":{"stringValue":"h"}}"#, gauge);
    assert_eq!(text(&nameless), "g{} 1 @1\n", "nothing to join target_info by");
}

#[test]
fn external_labels_yield_to_the_senders() {
    let label = |name: &str| Label { name: name.into(), value: "outside".into() };
    let external_labels = vec![label("cluster"), label("zone")];
    let options = Options { external_labels, metadata: true, ..Options::default() };
    let translated = Bench::new(options).send(
        r#"{"name":"g","unit":"s","description":"says","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asInt":"1",
            "attributes":[{"key":"zone","value":{"stringValue":"inside"}}]}]}}"#,
    );
    assert_eq!(
        text(&translated),
        "g_seconds{cluster=\"outside\",instance=\"a1\",job=\"shop/cart\",zone=\"inside\"} 1 @1\n"
    );
    let described = &translated.metadata[0];
    assert_eq!(
        (described.metric_family_name.as_str(), described.help.as_str(), described.unit.as_str()),
        ("g_seconds", "says", "s")
    );
}

#[test]
fn exemplars_that_say_too_much_keep_their_trace_alone() {
    let long = "x".repeat(80);
    check(
        &format!(
            r#"{{"name":"c","sum":{{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{{"timeUnixNano":"1000000","asInt":"1",
            "exemplars":[{{"asInt":"7","traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
                "filteredAttributes":[{{"key":"k","value":{{"stringValue":"{long}"}}}}]}}]}}]}}}}"#
        ),
        r##"
c_total{instance="a1",job="shop/cart"} 1 @1
  # {span_id="b7ad6b7169203331",trace_id="0af7651916cd43dd8448eb211c80319c"} 7 @1
"##,
    );
}
