//! All windows of one objective or group: short ones over fine buckets, long ones over coarse ones.

use slo::length::Length;
use slo::model::Period;

use super::tape::MAX_BUCKET_BYTES;
use super::track::{Reach, Track};
use crate::bytes::{Reader, put, zigzag};
use crate::counts::{Counts, Sum};
use crate::time::Moment;

/// Seconds that windows may have to be made of fine buckets.
pub const FINE_REACH: u64 = 6 * 3_600;
/// Seconds of a coarse bucket.
const COARSE: u64 = 60;

/// Which windows there are, and of which buckets each is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    fine: u64,
    fine_reaches: Vec<Reach>,
    coarse_reaches: Vec<Reach>,
    /// In which track each window is, and where there; the period's is the last.
    places: Vec<(Grain, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grain {
    Fine,
    Coarse,
}

/// The events of one objective or group.
#[derive(Debug, Clone)]
pub struct Series {
    /// Everything that was ever counted.
    all: Sum,
    fine: Track,
    coarse: Track,
}

/// Bytes that the buckets of a series take at most, for fine buckets of `fine` seconds and a period of `period`
/// seconds. A bucket of ordinary traffic takes two to four bytes, and one without events none.
#[must_use]
pub const fn max_bytes(fine: u64, period: u64) -> u64 {
    let fine = if fine == 0 { 1 } else { fine };
    (FINE_REACH / fine + period / COARSE + 2) * MAX_BUCKET_BYTES as u64
}

impl Resolution {
    /// The windows `lengths` and the period, with fine buckets of `fine` seconds (1 to 60).
    #[must_use]
    pub fn new(fine: u64, lengths: &[Length], period: Period) -> Self {
        let fine = fine.clamp(1, COARSE);
        let (fine_reaches, coarse_reaches, places) = Default::default();
        let mut new = Self { fine, fine_reaches, coarse_reaches, places };
        for length in lengths {
            new.add(*length);
        }
        match period {
            Period::Rolling(length) => new.add(length),
            Period::Calendar(calendar) => {
                new.places.push((Grain::Coarse, new.coarse_reaches.len()));
                new.coarse_reaches.push(Reach::Since(calendar));
            }
        }
        // What is known of the whole period is kept, whatever its windows show.
        new.coarse_reaches.push(Reach::Rolling(period.length().0.div_ceil(COARSE)));
        new
    }

    fn add(&mut self, length: Length) {
        let (grain, step, reaches) = if length.0 <= FINE_REACH {
            (Grain::Fine, self.fine, &mut self.fine_reaches)
        } else {
            (Grain::Coarse, COARSE, &mut self.coarse_reaches)
        };
        self.places.push((grain, reaches.len()));
        reaches.push(Reach::Rolling(length.0.div_ceil(step).max(1)));
    }

    /// How many windows there are, the period's among them.
    #[must_use]
    pub fn n_windows(&self) -> usize {
        self.places.len()
    }

    /// The step and the reach of the `n`th window; what the oracle of a test goes by.
    #[must_use]
    pub fn window(&self, n: usize) -> Option<(u64, Reach)> {
        let (grain, at) = *self.places.get(n)?;
        Some(match grain {
            Grain::Fine => (self.fine, *self.fine_reaches.get(at)?),
            Grain::Coarse => (COARSE, *self.coarse_reaches.get(at)?),
        })
    }
}

impl Series {
    /// Without events.
    #[must_use]
    pub fn new(resolution: &Resolution) -> Self {
        Self {
            all: Sum::NONE,
            fine: Track::new(resolution.fine, &resolution.fine_reaches),
            coarse: Track::new(COARSE, &resolution.coarse_reaches),
        }
    }

    /// Adds events that happened at `at`, which is not before any other.
    pub fn add(&mut self, at: Moment, sum: Sum) {
        self.all += sum;
        self.fine.add(at, sum);
        self.coarse.add(at, sum);
    }

    /// Everything that was ever counted.
    #[must_use]
    pub fn all(&self) -> Counts {
        self.all.counts()
    }

    /// The events of the `n`th window at `now`.
    #[must_use]
    pub fn sum(&self, resolution: &Resolution, n: usize, now: Moment) -> Sum {
        match resolution.places.get(n) {
            Some((Grain::Fine, at)) => self.fine.window(*at, now),
            Some((Grain::Coarse, at)) => self.coarse.window(*at, now),
            None => Sum::NONE,
        }
    }

    /// What is known of the past: seconds since the epoch at which a bucket begins, its length in seconds, its events.
    pub fn history(&self) -> impl Iterator<Item = (u64, u64, Sum)> + '_ {
        let step = self.coarse.step();
        self.coarse.buckets().map(move |b| (b.index * step, step, b.sum))
    }

    /// Bytes it holds.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        size_of::<Sum>() + self.fine.n_bytes() + self.coarse.n_bytes()
    }

    /// Whether no window at `now` holds an event.
    #[must_use]
    pub fn is_idle(&self, now: Moment) -> bool {
        self.coarse.is_idle(now)
    }

    pub(crate) fn encode(&self, now: Moment, out: &mut Vec<u8>) {
        put(out, zigzag(self.all.total));
        put(out, zigzag(self.all.bad));
        self.fine.encode(now, out);
        self.coarse.encode(now, out);
    }

    /// Reads what was written. Fine buckets of another length are left out: the short windows begin anew.
    pub(crate) fn decode(rest: &mut Reader<'_>, resolution: &Resolution) -> Option<Self> {
        let all = Sum { total: rest.i64()?, bad: rest.i64()? };
        let fine = Track::decode(rest, resolution.fine, &resolution.fine_reaches)?;
        let coarse = Track::decode(rest, COARSE, &resolution.coarse_reaches)?;
        let fine = fine.unwrap_or_else(|| Track::new(resolution.fine, &resolution.fine_reaches));
        Some(Self { all, fine, coarse: coarse? })
    }
}
