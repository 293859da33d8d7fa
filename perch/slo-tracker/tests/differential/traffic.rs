//! Traffic with idle gaps, bursts, counters that begin anew, scrapes that fail; and what is true of it.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyText;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use prost::Message;

/// Seconds between scrapes.
pub const SCRAPE: u64 = 30;
/// Seconds of the tracker's finest buckets.
pub const RESOLUTION: u64 = 10;
/// Beyond this the tracker's windows are multiples of a minute.
const FINE_REACH: u64 = 6 * 3_600;
const N_SCRAPES: u64 = 9 * 120;

/// One scrape: both counters and what they grew by since the scrape before.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub good: u64,
    pub bad: u64,
    pub more_good: u64,
    pub more_bad: u64,
    /// When the counters began.
    pub since: u64,
}

/// All of it.
#[derive(Debug)]
pub struct Traffic {
    /// By number of the scrape; none where it failed.
    pub samples: Vec<Option<Sample>>,
    /// When somebody looks.
    pub looks: Vec<u64>,
    /// When the tracker begins anew from its state.
    pub restarts: Vec<u64>,
}

/// What is true of a window, and by how much Prometheus may differ (bad, total).
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub bad: u64,
    pub total: u64,
    pub bounds: (f64, f64),
}

/// Numbers that follow from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n.max(1)
    }
}

impl Traffic {
    pub fn random(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut samples: Vec<Option<Sample>> = Vec::new();
        let mut last = Sample { good: 0, bad: 0, more_good: 0, more_bad: 0, since: 0 };
        let (mut pace, mut left, mut unseen, mut waiting) = ((10, 1), 0, 0, (0, 0));
        for n in 0..N_SCRAPES {
            if left == 0 {
                left = 1 + dice.below(60);
                // Idle; few; steady; many failures; a burst of good events.
                pace = [(0, 0), (2, 1), (50, 2), (40, 60), (100_000, 10)]
                    [usize::try_from(dice.below(5)).unwrap()];
            }
            left -= 1;
            if unseen == 0 && dice.below(50) == 0 {
                unseen = 1 + dice.below(25);
            }
            waiting = (waiting.0 + dice.below(pace.0 + 1), waiting.1 + dice.below(pace.1 + 1));
            let begins_anew = dice.below(80) == 0 && last.good > 10 && last.bad > 10;
            if unseen > 0 {
                // Whoever is not scraped goes on; what happens is seen with the next scrape.
                unseen -= 1;
                samples.push(None);
                continue;
            }
            let (more_good, more_bad) = std::mem::take(&mut waiting);
            last = if begins_anew {
                // Fewer than before, or nobody could tell that it began anew.
                let (good, bad) = (more_good.min(last.good / 2), more_bad.min(last.bad / 2));
                Sample { good, bad, more_good: good, more_bad: bad, since: n * SCRAPE - SCRAPE / 2 }
            } else {
                Sample {
                    good: last.good + more_good,
                    bad: last.bad + more_bad,
                    more_good,
                    more_bad,
                    since: last.since,
                }
            };
            samples.push(Some(last));
        }
        let mut minutes = |count: usize| {
            let mut times: Vec<u64> =
                (0..count).map(|_| 60 * (1 + dice.below(N_SCRAPES * SCRAPE / 60 - 1))).collect();
            times.sort_unstable();
            times
        };
        let (looks, restarts) = (minutes(20), minutes(12));
        Self { samples, looks, restarts }
    }

    /// The time of every scrape, failed or not.
    pub fn times(&self) -> impl Iterator<Item = u64> {
        (0..self.samples.len() as u64).map(|n| n * SCRAPE)
    }

    /// What the service pushes at a time, by the clock of a test that began at `then`.
    pub fn request(&self, at: u64, then: u64) -> Option<Vec<u8>> {
        let sample = self.at(at)?;
        let point = |code: &str, n: u64| NumberDataPoint {
            attributes: vec![attribute("code", code)],
            start_time_unix_nano: (then + sample.since) * 1_000_000_000,
            time_unix_nano: (then + at) * 1_000_000_000,
            value: Some(Value::AsInt(i64::try_from(n).unwrap())),
            ..Default::default()
        };
        let sum = Sum {
            data_points: vec![point("200", sample.good), point("500", sample.bad)],
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        };
        let metric = Metric {
            name: "shop.requests".into(),
            data: Some(Data::Sum(sum)),
            ..Default::default()
        };
        let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..Default::default() }];
        let resource_metrics = vec![ResourceMetrics { scope_metrics, ..Default::default() }];
        Some(ExportMetricsServiceRequest { resource_metrics }.encode_to_vec())
    }

    fn at(&self, at: u64) -> Option<Sample> {
        self.samples.get(usize::try_from(at / SCRAPE).unwrap()).copied().flatten()
    }

    /// The samples after `from`, up to and with `to`.
    fn between(&self, from: i64, to: u64) -> Vec<(u64, Sample)> {
        let inside = |at: &u64| i64::try_from(*at).unwrap() > from && *at <= to;
        self.times().filter(inside).filter_map(|at| Some((at, self.at(at)?))).collect()
    }

    /// Bad and all events of a window whose edges are multiples of the tracker's resolution, event by event.
    pub fn exact(&self, at: u64, length: u64) -> (u64, u64) {
        let step = if length > FINE_REACH { 60 } else { RESOLUTION };
        let begin =
            i64::try_from(at / step * step + step).unwrap() - i64::try_from(length).unwrap();
        let inside = self.between(begin - 1, at);
        let bad = inside.iter().map(|(_, s)| s.more_bad).sum();
        (bad, inside.iter().map(|(_, s)| s.more_bad + s.more_good).sum())
    }

    /// The truth of what was scraped in a window, and the bound; none where there are not two samples.
    pub fn scraped(&self, at: u64, length: u64) -> Option<Window> {
        let begin = i64::try_from(at).unwrap() - i64::try_from(length).unwrap();
        let inside = self.between(begin, at);
        let ((began, first), rest) = inside.split_first()?;
        let (ended, _) = rest.last()?;
        let raw_bad: u64 = rest.iter().map(|(_, s)| s.more_bad).sum();
        let raw_good: u64 = rest.iter().map(|(_, s)| s.more_good).sum();
        // How far is extrapolated: to an edge where a sample could have been, else half a distance.
        let sampled = (ended - began) as f64;
        let apart = sampled / rest.len() as f64;
        let reach = |edge: f64| if edge < 1.1 * apart { edge } else { apart / 2.0 };
        let before = i64::try_from(*began).unwrap() - begin;
        let beyond = (reach(before as f64) + reach((at - ended) as f64)) / sampled;
        let bound = |first: u64, raw: u64| (first as f64).max(beyond * raw as f64);
        let (bad, good) = (bound(first.more_bad, raw_bad), bound(first.more_good, raw_good));
        let bad_events = raw_bad + first.more_bad;
        let total = bad_events + raw_good + first.more_good;
        Some(Window { bad: bad_events, total, bounds: (bad, bad + good) })
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(AnyText::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..Default::default() }
}
