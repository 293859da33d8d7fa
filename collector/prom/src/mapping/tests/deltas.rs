//! Running totals.

use super::*;

fn sum(time: u64, value: i64) -> String {
    sum_of("c", time, value)
}

fn sum_of(name: &str, time: u64, value: i64) -> String {
    format!(
        r#"{{"name":"{name}","sum":{{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{{"timeUnixNano":"{time}000000","asInt":"{value}"}}]}}}}"#
    )
}

/// The lines without what all of them share.
fn short(translated: &Translated) -> String {
    text(translated).replace(r#"{instance="a1",job="shop/cart"}"#, "")
}

#[test]
fn sums_are_added_up() {
    let mut bench = Bench::new(Options::default());
    assert_eq!(short(&bench.send(&sum(1, 5))), "c_total 5 @1\n");
    assert_eq!(short(&bench.send(&sum(2, 7))), "c_total 12 @2\n");
    let late = "refused 1: delta not newer than the one before\n";
    assert_eq!(short(&bench.send(&sum(2, 7))), late, "a repetition is not added twice");
    assert_eq!(short(&bench.send(&sum(3, 1))), "c_total 13 @3\n");
}

#[test]
fn explicit_buckets_are_added_up_until_their_bounds_change() {
    let point = |time: u64, bounds: &str, counts: &str| {
        format!(
            r#"{{"name":"h","histogram":{{"aggregationTemporality":1,"dataPoints":[{{"timeUnixNano":"{time}000000","count":"3","sum":2,
            "explicitBounds":[{bounds}],"bucketCounts":[{counts}]}}]}}}}"#
        )
    };
    let mut bench = Bench::new(Options::default());
    bench.send(&point(1, "1", r#""1","2""#));
    let second = text(&bench.send(&point(2, "1", r#""3","0""#)));
    assert!(
        second.contains("le=\"1\"} 4 @2\n")
            && second.contains("_sum{instance=\"a1\",job=\"shop/cart\"} 4 @2\n")
    );
    assert!(second.contains("le=\"+Inf\"} 6 @2\n"), "{second}");
    let anew = text(&bench.send(&point(3, "2", r#""3","0""#)));
    assert!(anew.contains("le=\"2\"} 3 @3\n") && anew.contains("le=\"+Inf\"} 3 @3\n"), "{anew}");
}

#[test]
fn exponential_buckets_are_added_up_at_the_coarser_scale() {
    let point = |time: u64, scale: i32, counts: &str, n: u32| {
        format!(
            r#"{{"name":"h","exponentialHistogram":{{"aggregationTemporality":1,"dataPoints":[{{"timeUnixNano":"{time}000000","count":"{n}","sum":1,
            "scale":{scale},"positive":{{"bucketCounts":[{counts}]}}}}]}}}}"#
        )
    };
    let mut bench = Bench::new(Options::default());
    bench.send(&point(1, 1, r#""1","1","1","1""#, 4));
    let merged = short(&bench.send(&point(2, 0, r#""5","6""#, 11)));
    assert_eq!(
        merged,
        "h schema=0 count=15 sum=2 zero=0<1e-128 positive=[1:2] [7, 1] negative=[] [] @2\n"
    );
}

#[test]
fn a_series_that_ended_or_fell_silent_starts_anew() {
    let mut bench = Bench::new(Options::default());
    bench.send(&sum(1, 5));
    bench.send(r#"{"name":"c","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"2000000","flags":1}]}}"#);
    assert_eq!(short(&bench.send(&sum(3, 2))), "c_total 2 @3\n");
    bench.clock.advance(Duration::from_secs(3601));
    assert_eq!(short(&bench.send(&sum(4, 1))), "c_total 1 @4\n");
}

#[test]
fn one_series_more_than_are_kept_is_refused_until_another_falls_silent() {
    let delta = DeltaLimits { max_series: 2, ..DeltaLimits::default() };
    let mut bench = Bench::new(Options { delta, ..Options::default() });
    bench.send(&sum_of("a", 1, 1));
    bench.send(&sum_of("b", 1, 1));
    assert_eq!(short(&bench.send(&sum_of("x", 1, 1))), "refused 1: too many delta series\n");
    assert_eq!(short(&bench.send(&sum_of("a", 2, 1))), "a_total 2 @2\n", "those kept go on");
    bench.clock.advance(Duration::from_secs(3601));
    assert_eq!(short(&bench.send(&sum_of("x", 2, 1))), "x_total 1 @2\n");
}
