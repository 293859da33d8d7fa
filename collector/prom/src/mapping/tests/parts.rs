//! A request that is translated in parts says what it says as a whole, and no part holds much.

use proptest::prelude::*;

use super::*;
use crate::mapping::Cursor;

/// The parts of a request, each with the bytes that its series take up.
fn parts(bytes: &[u8], max_bytes: usize) -> Vec<Translated> {
    let mut bench = Bench::new(Options::default());
    let (mut parts, mut from) = (Vec::new(), Some(Cursor::default()));
    while let Some(at) = from {
        let (part, rest) = bench.translator.translate_part(MetricsView::over(bytes), at, max_bytes);
        assert_ne!(rest, Some(at), "every part goes on");
        parts.push(part);
        from = rest;
    }
    parts
}

fn lines(parts: &[Translated]) -> Vec<String> {
    let mut lines: Vec<String> =
        parts.iter().flat_map(|p| text(p).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.sort();
    lines
}

/// Resources of some gauges, deltas and histograms each; every point has a series of its own.
fn request(n_points: &[(usize, usize, usize)]) -> Vec<u8> {
    let points = |n: usize, inside: &str| -> String {
        let point = |i| {
            let (time, attribute) = (1_700_000_000_000_000_000_u64 + i as u64 * 1_000_000, i);
            format!(
                r#"{{"startTimeUnixNano":"1","timeUnixNano":"{time}","attributes":[{{"key":"i","value":{{"intValue":"{attribute}"}}}}],{inside}}}"#
            )
        };
        (0..n).map(point).collect::<Vec<_>>().join(",")
    };
    let resources = n_points.iter().enumerate().map(|(at, (gauges, deltas, histograms))| {
        let (gauges, deltas) = (points(*gauges, r#""asInt":"7""#), points(*deltas, r#""asInt":"3""#));
        let inside = r#""count":"3","sum":4.5,"explicitBounds":[1,2],"bucketCounts":["1","1","1"]"#;
        let histograms = points(*histograms, inside);
        format!(
            r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"s{at}"}}}},{{"key":"zone","value":{{"stringValue":"a"}}}}]}},
            "scopeMetrics":[{{"metrics":[
            {{"name":"g","gauge":{{"dataPoints":[{gauges}]}}}},
            {{"name":"d","sum":{{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{deltas}]}}}},
            {{"name":"!","gauge":{{"dataPoints":[{{"timeUnixNano":"1","asInt":"1"}}]}}}},
            {{"name":"h","histogram":{{"aggregationTemporality":1,"dataPoints":[{histograms}]}}}}]}}]}}"#
        )
    });
    let json = format!(r#"{{"resourceMetrics":[{}]}}"#, resources.collect::<Vec<_>>().join(","));
    json::to_protobuf(Signal::Metrics, json.as_bytes(), &Limits::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_say_what_the_whole_says(
        n_points in prop::collection::vec((0..12_usize, 0..12_usize, 0..6_usize), 1..5),
        max_bytes in 1..12_000_usize,
    ) {
        let bytes = request(&n_points);
        let whole = parts(&bytes, usize::MAX);
        prop_assert_eq!(whole.len(), 1);
        let parts = parts(&bytes, max_bytes);
        let refused = |parts: &[Translated]| -> u64 { parts.iter().flat_map(|p| p.refused.values()).sum() };
        prop_assert_eq!(refused(&parts), refused(&whole));
        let series = |parts: &[Translated]| -> Vec<String> {
            lines(parts).into_iter().filter(|line| !line.starts_with("refused")).collect()
        };
        prop_assert_eq!(series(&parts), series(&whole));
        // The last point may go past the bound: a histogram of five series, and what describes the resource.
        let beyond = 6 * 2 * 600;
        for part in &parts {
            let held: usize = part.series.iter().map(held).sum();
            prop_assert!(held <= max_bytes + beyond, "{held} bytes of {max_bytes}");
        }
    }
}

/// Bytes that a series really takes up, by its parts.
fn held(weighed: &Weighed) -> usize {
    let TimeSeries { labels, samples, .. } = &weighed.series;
    let strings = labels.iter().map(|l| l.name.capacity() + l.value.capacity());
    let vecs = size_of_val(labels.as_slice()) + size_of_val(samples.as_slice());
    size_of::<Weighed>() + vecs + size_of_val(weighed.starts.as_slice()) + strings.sum::<usize>()
}
