//! The groups of an objective, as many as it may have.
//!
//! # Invariants
//! 1. A group's events are the objective's as well. What has no group of its own is what the objective has beyond the
//!    sum of its groups, so that letting a group go moves its events to the rest and loses none.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::bytes::{Reader, put, put_bytes};
use crate::counts::Sum;
use crate::ring::{Resolution, Series};
use crate::time::Moment;

/// The groups of an objective.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    all: Vec<Group>,
    /// By a hash that is seeded anew with each map: groups are named by whoever sends, and few.
    places: HashMap<Box<[u8]>, usize, RandomState>,
    /// Events that had to go without a group of their own.
    pub(crate) n_overflow: u64,
}

/// One group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Its values, each with its length.
    key: Box<[u8]>,
    pub(crate) series: Series,
    pending: Sum,
}

/// Values of a group are cut at so many bytes.
const MAX_VALUE: usize = 128;

impl Groups {
    /// Counts an event for a group until [`Self::settle`]; with `max` groups at hand a new one gets no room.
    pub(crate) fn count(
        &mut self,
        key: &[u8],
        sum: Sum,
        (max, resolution, now): (usize, &Resolution, Moment),
    ) {
        let known = self.places.get(key).copied();
        match known.or_else(|| self.room(key, max, resolution, now)) {
            Some(at) => self.all[at].pending += sum,
            None => {
                let n = u64::try_from(sum.total).unwrap_or_default();
                self.n_overflow = self.n_overflow.saturating_add(n);
            }
        }
    }

    fn room(
        &mut self,
        key: &[u8],
        max: usize,
        resolution: &Resolution,
        now: Moment,
    ) -> Option<usize> {
        if self.all.len() >= max {
            self.retain(|group| !group.series.is_idle(now) || !group.pending.is_none());
        }
        if self.all.len() >= max {
            return None;
        }
        let series = Series::new(resolution);
        self.places.insert(key.into(), self.all.len());
        self.all.push(Group { key: key.into(), series, pending: Sum::NONE });
        Some(self.all.len() - 1)
    }

    /// Adds what was counted since, as having happened at `at`.
    pub(crate) fn settle(&mut self, at: Moment) {
        for group in &mut self.all {
            if !group.pending.is_none() {
                group.series.add(at, std::mem::take(&mut group.pending));
            }
        }
    }

    /// Lets the largest group go; `false` where there is none.
    pub(crate) fn shed(&mut self) -> bool {
        let largest = self.all.iter().enumerate().max_by_key(|(_, g)| g.series.n_bytes());
        let Some(at) = largest.map(|(at, _)| at) else { return false };
        let mut n = 0;
        self.retain(|_| {
            n += 1;
            n != at + 1
        });
        true
    }

    fn retain(&mut self, keep: impl FnMut(&Group) -> bool) {
        self.all.retain(keep);
        let places = self.all.iter().enumerate().map(|(at, g)| (g.key.clone(), at));
        self.places = places.collect();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.all.iter()
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.all.iter().map(|g| 2 * g.key.len() + 64 + g.series.n_bytes()).sum()
    }

    pub(crate) fn encode(&self, now: Moment, out: &mut Vec<u8>) {
        put(out, self.n_overflow);
        put(out, self.all.len() as u64);
        for group in &self.all {
            put_bytes(out, &group.key);
            group.series.encode(now, out);
        }
    }

    pub(crate) fn decode(rest: &mut Reader<'_>, resolution: &Resolution) -> Option<Self> {
        let n_overflow = rest.u64()?;
        let mut groups = Self { n_overflow, ..Self::default() };
        for at in 0..rest.len()? {
            let key: Box<[u8]> = rest.bytes()?.into();
            let series = Series::decode(rest, resolution)?;
            if groups.places.insert(key.clone(), at).is_some() {
                return None;
            }
            groups.all.push(Group { key, series, pending: Sum::NONE });
        }
        Some(groups)
    }
}

impl Group {
    /// Its values, in the order of the objective's labels.
    pub(crate) fn values(&self) -> Vec<String> {
        let mut rest = Reader(&self.key);
        let mut values = Vec::new();
        while let Some(bytes) = rest.bytes().filter(|_| values.len() < 64) {
            values.push(String::from_utf8_lossy(bytes).into_owned());
            if rest.0.is_empty() {
                break;
            }
        }
        values
    }
}

/// Appends one value of a group's key.
pub(crate) fn put_value(key: &mut Vec<u8>, value: &str) {
    put_bytes(key, crate::text::cut(value, MAX_VALUE).as_bytes());
}
