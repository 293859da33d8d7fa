use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use collector_otlp::{Signal, TraceId};
use collector_pipeline::log::LogOptions;
use durable_fs::{DiskFs, FaultyFs, OpKind, Verdict};
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;

use super::support::{Bench, NOW, small_segments, span, traces_of, wait_until};
use crate::{Store, TimeRange, TraceQuery};

fn id(trace: u8) -> TraceId {
    TraceId([trace; 16])
}

/// Span ids and names of every trace the store gives.
fn all(
    store: &Store,
    ids: impl IntoIterator<Item = u8>,
) -> BTreeMap<u8, BTreeSet<(String, String)>> {
    ids.into_iter()
        .filter_map(|n| {
            let spans = store.trace(id(n))?.spans.into_iter();
            Some((n, spans.map(|s| (s.span_id, s.operation_name)).collect()))
        })
        .collect()
}

fn anything() -> TraceQuery {
    TraceQuery {
        service: None,
        operation: None,
        tags: Vec::new(),
        range: TimeRange::ALL,
        min_duration: None,
        max_duration: None,
        limit: 100,
    }
}

fn found(store: &Store, query: &TraceQuery) -> Vec<String> {
    let found = store.search(query);
    assert!(found.complete);
    found.traces.into_iter().map(|t| t.trace_id[..2].to_owned()).collect()
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path());
    let mut ours: Vec<_> = all.filter(|p| p.extension().is_some_and(|e| e == extension)).collect();
    ours.sort();
    ours
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random spans in random requests, resent at random: each comes out once, by id and by
    /// search, from the open segment, from index files, and from indexes made anew.
    #[test]
    fn what_went_in_comes_out(
        requests in prop::collection::vec(
            (0u8..4, prop::collection::vec((1u8..9, 1u8..40, 0u64..1_000), 1..12), any::<bool>()),
            1..40,
        ),
        lose_indexes in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
        let mut want: BTreeMap<u8, BTreeSet<(String, String)>> = BTreeMap::new();
        let mut by_service: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (number, spans, again) in &requests {
            let service = format!("service-{number}");
            // Each service has span ids of its own, as 40 are drawn.
            let own = |id: u8| id + 40 * number;
            let made: Vec<Span> = spans.iter().map(|(t, s, at)| span(*t, own(*s), *at)).collect();
            for (trace, span, _) in spans {
                let span = own(*span);
                let hex = format!("{span:02x}").repeat(8);
                want.entry(*trace).or_default().insert((hex, format!("operation-{span}")));
                by_service.entry(service.clone()).or_default().insert(format!("{trace:02x}"));
            }
            let request = traces_of(&service, made);
            for _ in 0..=u8::from(*again) {
                bench.append(&request);
            }
        }
        bench.settle();
        prop_assert_eq!(&all(&bench.store, 0..12), &want);
        for (service, traces) in &by_service {
            let query = TraceQuery { service: Some(service.clone()), ..anything() };
            let got: BTreeSet<String> = found(&bench.store, &query).into_iter().collect();
            prop_assert_eq!(&got, traces);
        }
        prop_assert_eq!(bench.store.services(), by_service.keys().cloned().collect::<Vec<_>>());
        bench.stop();

        if lose_indexes {
            for file in files(dir.path(), "idx") {
                std::fs::remove_file(file).unwrap();
            }
        }
        let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
        bench.settle();
        prop_assert_eq!(&all(&bench.store, 0..12), &want);
        wait_until("every segment has its index file", || {
            files(dir.path(), "idx").len() == files(dir.path(), "seg").len()
        });
        prop_assert_eq!(&all(&bench.store, 0..12), &want);
        prop_assert_eq!(bench.store.n_missed(), 0);
        bench.stop();
    }
}

#[test]
fn each_filter_narrows_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
    for trace in 1..=9 {
        let mut span = span(trace, trace, u64::from(trace) * 1_000);
        span.end_time_unix_nano = span.start_time_unix_nano + u64::from(trace) * 1_000_000;
        if trace % 3 == 0 {
            span.status = Some(opentelemetry_proto::tonic::trace::v1::Status {
                code: 2,
                message: "no space".into(),
            });
        }
        bench.append(&traces_of(if trace % 2 == 0 { "even" } else { "odd" }, vec![span]));
    }
    bench.settle();
    let of = |query| found(&bench.store, &query);
    let odd = || TraceQuery { service: Some("odd".into()), ..anything() };
    assert_eq!(of(odd()), ["09", "07", "05", "03", "01"], "the latest first");
    assert_eq!(of(TraceQuery { limit: 2, ..odd() }), ["09", "07"]);
    assert_eq!(of(TraceQuery { operation: Some("operation-5".into()), ..odd() }), ["05"]);
    assert_eq!(of(TraceQuery { operation: Some("operation-4".into()), ..odd() }), [""; 0]);
    let failed = vec![("error".to_owned(), "true".to_owned())];
    assert_eq!(of(TraceQuery { tags: failed, ..odd() }), ["09", "03"]);
    assert_eq!(of(TraceQuery { min_duration: Some(7_000), ..odd() }), ["09", "07"]);
    assert_eq!(of(TraceQuery { max_duration: Some(3_000), ..odd() }), ["03", "01"]);
    let range = TimeRange { from: NOW + 3_000_000, to: NOW + 5_000_999 };
    assert_eq!(of(TraceQuery { range, ..odd() }), ["05", "03"]);
    assert_eq!(of(TraceQuery { service: Some("none".into()), ..anything() }), [""; 0]);
    bench.stop();
}

#[test]
fn a_segment_that_goes_takes_its_traces_and_its_index_along() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { segment_bytes: 2_000, ..LogOptions::with_max_bytes(8_000) };
    let bench = Bench::on_disk(Signal::Traces, dir.path(), options);
    for n in 1..=200 {
        bench.append(&traces_of("nestr", vec![span(n, 1, u64::from(n))]));
        bench.settle();
    }
    assert!(bench.store.trace(id(1)).is_none(), "the oldest is gone");
    assert!(bench.store.trace(id(200)).is_some(), "the newest is there");
    assert!(!found(&bench.store, &anything()).is_empty());
    let orphans: Vec<_> = files(dir.path(), "idx")
        .into_iter()
        .filter(|index| !index.with_extension("seg").exists())
        .collect();
    assert!(orphans.is_empty(), "{orphans:?}");
    bench.stop();
}

#[test]
fn segments_removed_under_a_sleeping_store_are_counted_and_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
    for n in 1..=60 {
        bench.append(&traces_of("nestr", vec![span(n, 1, u64::from(n))]));
    }
    bench.log.seal().unwrap();
    bench.settle();
    bench.stop();
    let segments = files(dir.path(), "seg");
    assert!(segments.len() > 3, "{segments:?}");
    std::fs::remove_file(&segments[0]).unwrap();
    let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
    bench.settle();
    assert!(bench.store.trace(id(1)).is_none());
    assert!(bench.store.trace(id(60)).is_some());
    wait_until("the orphaned index is removed", || !segments[0].with_extension("idx").exists());
    // A file that vanishes while its segment is in the list: what it held is missed, all else found.
    std::fs::write(&segments[1], b"").unwrap();
    let n_before = bench.store.n_missed();
    let n_found = (1..=60).filter(|n| bench.store.trace(id(*n)).is_some()).count();
    assert!((1..60).contains(&n_found), "{n_found}");
    assert!(bench.store.n_missed() > n_before);
    bench.stop();
}

#[test]
fn a_damaged_index_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
    for n in 1..=30 {
        bench.append(&traces_of("nestr", vec![span(n, 1, u64::from(n))]));
    }
    bench.log.seal().unwrap();
    bench.settle();
    bench.stop();
    let sound: Vec<Vec<u8>> =
        files(dir.path(), "idx").iter().map(|f| std::fs::read(f).unwrap()).collect();
    for at in [0usize, 8, 12, 20, 40, 63, 64, 100, sound[0].len() - 1] {
        let file = &files(dir.path(), "idx")[0];
        let mut bytes = sound[0].clone();
        bytes[at] ^= 0x40;
        std::fs::write(file, bytes).unwrap();
        let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
        bench.settle();
        wait_until("the index is as it was", || std::fs::read(file).unwrap() == sound[0]);
        assert!(bench.store.trace(id(1)).is_some(), "after a flip at {at}");
        bench.stop();
    }
}

#[test]
fn an_index_that_cannot_be_written_stays_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let full = FaultyFs::new(Arc::new(DiskFs), |op| match op.kind {
        OpKind::Write | OpKind::Rename => Verdict::Fail(std::io::ErrorKind::StorageFull.into()),
        _ => Verdict::Pass,
    });
    let bench = Bench::on_fs(Signal::Traces, Arc::new(full), dir.path(), small_segments(1 << 20));
    for n in 1..=30 {
        bench.append(&traces_of("nestr", vec![span(n, 1, u64::from(n))]));
    }
    bench.settle();
    assert_eq!((1..=30).filter(|n| bench.store.trace(id(*n)).is_some()).count(), 30);
    assert!(files(dir.path(), "idx").is_empty());
    bench.stop();
}

#[test]
fn a_ring_in_memory_answers_and_forgets() {
    let options = LogOptions { segment_bytes: 2_000, ..LogOptions::with_max_bytes(8_000) };
    let bench = Bench::in_memory(Signal::Traces, options);
    for n in 1..=200 {
        bench.append(&traces_of("nestr", vec![span(n, 1, u64::from(n))]));
    }
    bench.settle();
    assert!(bench.store.trace(id(1)).is_none());
    assert!(bench.store.trace(id(200)).is_some());
    assert_eq!(bench.store.services(), ["nestr"]);
    bench.stop();
}

#[test]
fn a_search_out_of_time_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(durable_fs::ManualClock::default());
    let impatient = Arc::clone(&clock);
    // Reading an index takes ten seconds here.
    let slow = FaultyFs::new(Arc::new(DiskFs), move |op| {
        if op.kind == OpKind::Read {
            impatient.advance(Duration::from_secs(10));
        }
        Verdict::Pass
    });
    let bench = Bench::on_disk(Signal::Traces, dir.path(), small_segments(1 << 20));
    for n in 1..=60 {
        bench.append(&traces_of("nestr", vec![span(n, 1, u64::from(n))]));
    }
    bench.log.seal().unwrap();
    bench.settle();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let source = crate::Source {
        pipeline: "traces".into(),
        signal: Signal::Traces,
        reader: bench.log.reader(),
    };
    let options = crate::StoreOptions::new(Arc::new(slow), clock);
    let (store, followers) = Store::start(vec![source], options, runtime.handle()).unwrap();
    wait_until("the second store is at the head", || store.n_lag_bytes() == 0);
    assert!(!store.search(&anything()).complete);
    followers.stop();
    bench.stop();
}
