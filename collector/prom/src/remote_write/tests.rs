//! Both versions say the same; what 2.0 says besides; bodies that are refused.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::mapping::Weighed;

const MAX: usize = 1 << 20;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-c]{1,3}", "\\PC{0,8}"]
}

fn labels() -> impl Strategy<Value = Vec<Label>> {
    proptest::collection::btree_map("[a-d]{1,2}", text(), 0..5)
        .prop_map(|pairs| pairs.into_iter().map(|(name, value)| Label { name, value }).collect())
}

fn histogram() -> impl Strategy<Value = Histogram> {
    (any::<u64>(), any::<i64>(), -4..=8, 0..4_i32, proptest::collection::vec(any::<i64>(), 0..4))
        .prop_map(|(count_int, timestamp, schema, reset_hint, deltas)| Histogram {
            count_int,
            sum: 1.5,
            schema,
            zero_threshold: 1e-128,
            zero_count_int: count_int / 2,
            negative_spans: vec![BucketSpan { offset: -schema, length: 3 }],
            negative_deltas: deltas.clone(),
            positive_spans: vec![BucketSpan { offset: schema, length: 1 }],
            positive_deltas: deltas,
            reset_hint,
            timestamp,
        })
}

fn weighed() -> impl Strategy<Value = Weighed> {
    let sample = (any::<u64>(), any::<i64>())
        .prop_map(|(bits, timestamp)| Sample { value: f64::from_bits(bits), timestamp });
    let exemplar = (labels(), any::<i64>()).prop_map(|(labels, timestamp)| Exemplar {
        labels,
        value: 2.5,
        timestamp,
    });
    let family = (0..8_i32, text(), text(), text()).prop_map(|(kind, name, help, unit)| {
        Arc::new(MetricMetadata { r#type: kind, metric_family_name: name, help, unit })
    });
    (
        labels(),
        proptest::collection::vec(sample, 0..4),
        proptest::collection::vec(exemplar, 0..3),
        proptest::collection::vec(histogram(), 0..3),
        proptest::collection::vec(any::<i64>(), 0..7),
        proptest::option::of(family),
    )
        .prop_map(|(labels, samples, exemplars, histograms, starts, family)| Weighed {
            series: TimeSeries { labels, samples, exemplars, histograms },
            starts,
            family,
            n_points: 1,
        })
}

/// A request of 2.0 as series of 1.0, with starts and families kept; series that were parted stay so.
fn resolved(request: &v2::Request) -> Vec<Weighed> {
    let text = |place: u32| request.symbols[place as usize].clone();
    let labels = |refs: &[u32]| -> Vec<Label> {
        assert_eq!(refs.len() % 2, 0, "names and values come in pairs");
        refs.chunks(2).map(|pair| Label { name: text(pair[0]), value: text(pair[1]) }).collect()
    };
    let series = request.timeseries.iter().map(|s| {
        assert!(s.samples.is_empty() != s.histograms.is_empty(), "one kind, and not none");
        let samples = s.samples.iter();
        let histograms = s.histograms.iter();
        let starts = samples.clone().map(|s| s.start_timestamp);
        Weighed {
            starts: starts.chain(histograms.clone().map(|h| h.start_timestamp)).collect(),
            series: TimeSeries {
                labels: labels(&s.labels_refs),
                samples: samples
                    .map(|s| Sample { value: s.value, timestamp: s.timestamp })
                    .collect(),
                exemplars: s
                    .exemplars
                    .iter()
                    .map(|e| Exemplar {
                        labels: labels(&e.labels_refs),
                        value: e.value,
                        timestamp: e.timestamp,
                    })
                    .collect(),
                histograms: histograms
                    .map(|h| Histogram {
                        count_int: h.count_int,
                        sum: h.sum,
                        schema: h.schema,
                        zero_threshold: h.zero_threshold,
                        zero_count_int: h.zero_count_int,
                        negative_spans: h.negative_spans.clone(),
                        negative_deltas: h.negative_deltas.clone(),
                        positive_spans: h.positive_spans.clone(),
                        positive_deltas: h.positive_deltas.clone(),
                        reset_hint: h.reset_hint,
                        timestamp: h.timestamp,
                    })
                    .collect(),
            },
            family: s.metadata.map(|m| {
                let (help, unit) = (text(m.help_ref), text(m.unit_ref));
                let r#type = m.r#type;
                Arc::new(MetricMetadata { r#type, metric_family_name: String::new(), help, unit })
            }),
            n_points: 0,
        }
    });
    series.collect()
}

/// What 2.0 should give back: samples and histograms apart, a start for each, no empty series.
fn parted(weighed: &[Weighed]) -> Vec<Weighed> {
    let mut parts = Vec::new();
    for w in weighed {
        let start = |i: usize| w.starts.get(i).copied().unwrap_or(0);
        let family =
            w.family.as_deref().cloned().map(|family| {
                Arc::new(MetricMetadata { metric_family_name: String::new(), ..family })
            });
        let TimeSeries { labels, samples, exemplars, histograms } = w.series.clone();
        let n_samples = samples.len();
        let exemplars_of_histograms = if samples.is_empty() { exemplars.clone() } else { vec![] };
        if !samples.is_empty() {
            let starts = (0..n_samples).map(start).collect();
            let labels = labels.clone();
            let series = TimeSeries { labels, samples, exemplars, histograms: vec![] };
            parts.push(Weighed { series, starts, family: family.clone(), n_points: 0 });
        }
        if !histograms.is_empty() {
            let starts = (n_samples..n_samples + histograms.len()).map(start).collect();
            let exemplars = exemplars_of_histograms;
            let series = TimeSeries { labels, samples: vec![], exemplars, histograms };
            parts.push(Weighed { series, starts, family, n_points: 0 });
        }
    }
    parts
}

/// As text, so that one not-a-number equals another.
fn shown(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_versions_say_the_same(series in proptest::collection::vec(weighed(), 0..6)) {
        let first = decode(&encode(Version::V1, &series, &[]).unwrap(), MAX).unwrap();
        let wanted: Vec<_> = series.iter().map(|w| w.series.clone()).collect();
        prop_assert_eq!(shown(&first.timeseries), shown(&wanted));
        let second = decode_v2(&encode(Version::V2, &series, &[]).unwrap(), MAX).unwrap();
        prop_assert_eq!(shown(&resolved(&second)), shown(&parted(&series)));
        prop_assert_eq!(second.symbols.first().map(String::as_str), Some(""));
        let mut once = second.symbols.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), second.symbols.len(), "each string once");
    }
}

#[test]
fn families_travel_apart_in_the_first_version() {
    let family = MetricMetadata { metric_family_name: "up".into(), ..MetricMetadata::default() };
    let body = encode(Version::V1, &[], std::slice::from_ref(&family)).unwrap();
    assert_eq!(decode(&body, MAX).unwrap().metadata, [family]);
}

#[test]
fn a_reader_of_the_other_version_finds_nothing() {
    let series = TimeSeries {
        labels: vec![Label { name: "__name__".into(), value: "up".into() }],
        samples: vec![Sample { value: 1.0, timestamp: 5 }],
        ..TimeSeries::default()
    };
    let series = [Weighed { series, ..Weighed::default() }];
    let second = encode(Version::V2, &series, &[]).unwrap();
    assert_eq!(decode(&second, MAX).unwrap(), WriteRequest::default());
    let first = encode(Version::V1, &series, &[]).unwrap();
    assert_eq!(decode_v2(&first, MAX).unwrap(), v2::Request::default());
}

#[test]
fn a_bomb_is_refused_by_its_claim() {
    let body = snap::raw::Encoder::new().compress_vec(&vec![0; 1 << 20]).unwrap();
    assert!(matches!(decode(&body, 4096), Err(BodyError::TooLarge { len: 1_048_576, .. })));
}
