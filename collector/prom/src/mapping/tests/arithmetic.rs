//! Properties of native histograms and of names.

use proptest::collection::btree_map;
use proptest::prelude::*;

use super::super::native::{Buckets, Native, spans};
use super::*;

fn buckets() -> impl Strategy<Value = Buckets> {
    btree_map(-2000_i64..2000, 1_u64..1000, 0..40)
}

/// Reads spans and deltas as Prometheus does.
fn unpack(spans: &[crate::remote_write::BucketSpan], deltas: &[i64]) -> Buckets {
    let mut deltas = deltas.iter();
    let (mut index, mut count) = (0_i64, 0_i64);
    let mut buckets = Buckets::new();
    for span in spans {
        index += i64::from(span.offset);
        for _ in 0..span.length {
            count += deltas.next().expect("a delta per bucket");
            if count > 0 {
                buckets.insert(index, count.unsigned_abs());
            }
            index += 1;
        }
    }
    assert_eq!(deltas.next(), None, "no delta is left");
    buckets
}

proptest! {
    #[test]
    fn packed_buckets_unpack(buckets in buckets()) {
        let (spans, deltas) = spans(&buckets);
        prop_assert_eq!(unpack(&spans, &deltas), buckets);
    }

    #[test]
    fn coarser_buckets_hold_the_same_observations(buckets in buckets(), by in 0_i32..12) {
        let native = Native { schema: 8, positive: buckets.clone(), ..Native::default() };
        let mut coarse = native.clone();
        coarse.coarsen_to(8 - by);
        prop_assert_eq!(coarse.positive.values().sum::<u64>(), buckets.values().sum::<u64>());
        // The upper bound of bucket i is 2^(i * 2^-schema): no observation may move past it.
        let factor = 1_i64 << by;
        for index in buckets.keys() {
            let within = (index + factor - 1).div_euclid(factor);
            prop_assert!(coarse.positive.contains_key(&within), "{} in {}", index, within);
        }
    }

    #[test]
    fn adding_is_the_same_in_any_order(a in buckets(), b in buckets(), sa in -4..=8_i32, sb in -4..=8_i32) {
        let native = |schema, positive: &Buckets| Native {
            schema, count: positive.values().sum(), positive: positive.clone(), ..Native::default()
        };
        let (mut left, mut right) = (native(sa, &a), native(sb, &b));
        left.add(native(sb, &b));
        right.add(native(sa, &a));
        prop_assert_eq!(left.pack(1, false), right.pack(1, false));
        prop_assert_eq!(left.count, left.positive.values().sum::<u64>());
    }

    #[test]
    fn every_label_name_is_legal(key in "\\PC{0,20}") {
        let name = name::label(&key);
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        prop_assert!(name.chars().all(legal) && !name.starts_with("__"));
        prop_assert_eq!(name.is_empty(), key.is_empty());
        prop_assert!(!name.starts_with(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Bench::new(Options::default()).translator.translate(MetricsView::over(&bytes));
    }
}
