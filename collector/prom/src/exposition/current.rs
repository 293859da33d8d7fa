//! What is shown now.

use std::collections::BTreeMap;
use std::time::Duration;

use super::family::Family;
use super::point::{Shown, Slot, place};
use super::{Format, native, text};
use crate::mapping::{STALE_NAN, Weighed};
use crate::remote_write::{Label, MetricType};

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Series that are shown.
    pub max_series: usize,
    /// Silence after which a point is no longer shown.
    pub expiry: Duration,
}

/// What became of the series that were handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Data points for which there was no room.
    pub n_overflowed: u64,
    /// Data points whose family is known as another type.
    pub n_contradictory: u64,
}

/// The series that are shown.
#[derive(Debug)]
pub struct Exposition {
    bounds: Bounds,
    families: BTreeMap<String, Family>,
    n_series: usize,
    generation: u64,
}

/// What one series becomes.
enum Fate {
    Kept,
    Overflowed,
    Contradictory,
}

impl Exposition {
    /// Nothing is shown yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, families: BTreeMap::new(), n_series: 0, generation: 0 }
    }

    /// Series that are shown.
    #[must_use]
    pub fn n_series(&self) -> usize {
        self.n_series
    }

    /// Takes over the newest of each series; `now` is monotonic.
    pub fn apply(&mut self, series: &[Weighed], now: Duration) -> Applied {
        self.generation += 1;
        let mut applied = Applied::default();
        for weighed in series {
            match self.apply_one(weighed, now) {
                Fate::Kept => {}
                Fate::Overflowed => applied.n_overflowed += weighed.n_points,
                Fate::Contradictory => applied.n_contradictory += weighed.n_points,
            }
        }
        applied
    }

    /// The page; points that expired by monotonic time `now` are gone.
    pub fn render(&mut self, format: Format, timestamps: bool, now: Duration) -> String {
        self.expire(now);
        text::render(&self.families, format, timestamps)
    }

    fn apply_one(&mut self, weighed: &Weighed, now: Duration) -> Fate {
        let Some(about) = weighed.family.as_deref() else { return Fate::Contradictory };
        let kind = MetricType::try_from(about.r#type).unwrap_or(MetricType::Unknown);
        let Some((slot, key)) = place(kind, &about.metric_family_name, &weighed.series.labels)
        else {
            return Fate::Contradictory;
        };
        let Some((timestamp, samples)) = newest(weighed, slot) else { return Fate::Kept };
        if !self.has_room_for(&about.metric_family_name, &key, now) {
            return Fate::Overflowed;
        }
        let family = self.families.entry(about.metric_family_name.clone());
        let family =
            family.or_insert_with(|| Family { about: about.clone(), points: BTreeMap::new() });
        if family.about.r#type != about.r#type {
            return Fate::Contradictory;
        }
        let point = family.points.entry(key).or_default();
        if point.timestamp > timestamp {
            return Fate::Kept;
        }
        let n_before = point.samples.len();
        if point.generation != self.generation {
            // What the sender no longer says, such as a bound it gave up, goes with the moment it was said in.
            point.samples.clear();
        }
        (point.generation, point.timestamp, point.touched) = (self.generation, timestamp, now);
        for (slot, value) in samples {
            if value.to_bits() == STALE_NAN {
                point.samples.remove(&slot);
                continue;
            }
            let exemplar = weighed.series.exemplars.last().cloned();
            point.samples.insert(slot, Shown { value, timestamp, exemplar });
        }
        self.n_series = self.n_series + point.samples.len() - n_before;
        Fate::Kept
    }

    /// Whether a point may be written: it is known, or there is room for one more once the expired are gone.
    fn has_room_for(&mut self, family: &str, key: &[Label], now: Duration) -> bool {
        let is_known =
            |s: &Self| s.families.get(family).is_some_and(|f| f.points.contains_key(key));
        if self.n_series < self.bounds.max_series || is_known(self) {
            return true;
        }
        self.expire(now);
        self.n_series < self.bounds.max_series
    }

    fn expire(&mut self, now: Duration) {
        let expiry = self.bounds.expiry;
        self.families.retain(|_, family| {
            family.points.retain(|_, point| {
                now.saturating_sub(point.touched) < expiry && !point.samples.is_empty()
            });
            !family.points.is_empty()
        });
        let points = self.families.values().flat_map(|f| f.points.values());
        self.n_series = points.map(|p| p.samples.len()).sum();
    }
}

/// The newest samples of a series and their time.
fn newest(weighed: &Weighed, slot: Slot) -> Option<(i64, Vec<(Slot, f64)>)> {
    if let Some(histogram) = weighed.series.histograms.last() {
        if histogram.sum.to_bits() == STALE_NAN {
            let gone = f64::from_bits(STALE_NAN);
            return Some((histogram.timestamp, vec![(Slot::Sum, gone), (Slot::Count, gone)]));
        }
        return Some((histogram.timestamp, native::samples(histogram)));
    }
    let sample = weighed.series.samples.last()?;
    Some((sample.timestamp, vec![(slot, sample.value)]))
}
