//! Where each counter stood last.

use std::collections::BTreeMap;

use collector_otlp::view::{Number, Temporality};

use crate::bytes::{Reader, put};
use crate::time::Moment;

/// Series that were silent for so many seconds give way when there are as many as there may be.
const SILENT: u64 = 3_600;
/// Nanoseconds: whoever starts with its objective shows its counters a few intervals later.
const REACH: u64 = 300_000_000_000;

/// Where each counter stood last, by the fingerprint of its name and labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct CounterStates {
    series: BTreeMap<u128, State>,
    /// A counter that began before this may be one that was known and forgotten; nanoseconds since the epoch.
    forgot_at: u64,
    pub(crate) n_refused: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Whole events.
    last: u64,
    /// When the latest point was taken; the sender's clock.
    time: u64,
    /// Seconds, our clock.
    seen: u64,
    /// What deltas left beyond whole events.
    carry: f64,
}

/// A point of a counter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) value: Number,
    pub(crate) start: u64,
    pub(crate) time: u64,
    pub(crate) temporality: Temporality,
}

impl CounterStates {
    /// Takes a point in and gives the events since the one before it.
    ///
    /// A cumulative counter that is seen for the first time counts as a whole if it began no more than [`REACH`] before
    /// its objective was followed, `since` nanoseconds after the epoch, for then all of it happened while somebody
    /// looked; otherwise its value is where counting begins, as it is for Prometheus. A value that is lower, or that began to count after the last point, is a reset and counts as a whole.
    pub(crate) fn advance(
        &mut self,
        key: u128,
        point: &Point,
        (at, since): (Moment, u64),
        max_series: usize,
    ) -> u64 {
        let seen = at.wall();
        let is_delta = point.temporality == Temporality::Delta;
        let Some(state) = self.series.get_mut(&key) else {
            if !self.has_room(seen, max_series) {
                self.n_refused += 1;
                return 0;
            }
            let (last, carry) = whole(point.value, 0.0);
            let carry = if is_delta { carry } else { 0.0 };
            self.series.insert(key, State { last, time: point.time, seen, carry });
            let start = point.start;
            let began_here = start.saturating_add(REACH) >= since && start >= self.forgot_at;
            let began_here = began_here && start != 0;
            return if is_delta || began_here { last } else { 0 };
        };
        state.seen = seen;
        if point.time <= state.time && state.time != 0 {
            return 0;
        }
        let time = std::mem::replace(&mut state.time, point.time);
        if is_delta {
            let (events, carry) = whole(point.value, state.carry);
            (state.last, state.carry) = (events, carry);
            return events;
        }
        let (value, _) = whole(point.value, 0.0);
        let last = std::mem::replace(&mut state.last, value);
        let began_anew = time != 0 && point.start > time;
        if began_anew || value < last { value } else { value - last }
    }

    /// Whether one more series may be known; the silent ones give way.
    fn has_room(&mut self, seen: u64, max_series: usize) -> bool {
        if self.series.len() < max_series {
            return true;
        }
        self.series.retain(|_, state| state.seen.saturating_add(SILENT) > seen);
        // Whoever comes back must not count as new.
        self.forgot_at = self.forgot_at.max(seen.saturating_mul(1_000_000_000));
        self.series.len() < max_series
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.series.len() * (size_of::<State>() + 16) * 3 / 2
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.forgot_at);
        put(out, self.n_refused);
        put(out, self.series.len() as u64);
        for (key, state) in &self.series {
            out.extend_from_slice(&key.to_le_bytes());
            for n in [state.last, state.time, state.seen, state.carry.to_bits()] {
                put(out, n);
            }
        }
    }

    pub(crate) fn decode(rest: &mut Reader<'_>) -> Option<Self> {
        let (forgot_at, n_refused) = (rest.u64()?, rest.u64()?);
        let mut series = BTreeMap::new();
        for _ in 0..rest.len()? {
            let key = u128::from_le_bytes(rest.array()?);
            let (last, time, seen) = (rest.u64()?, rest.u64()?, rest.u64()?);
            let carry = Some(f64::from_bits(rest.u64()?)).filter(|c| (-1.0..=1.0).contains(c))?;
            series.insert(key, State { last, time, seen, carry });
        }
        Some(Self { series, forgot_at, n_refused })
    }
}

/// A value as whole events, and what is left of it; nothing below none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a cast of a float saturates, and what is beyond 2^53 has no fraction"
)]
fn whole(value: Number, carry: f64) -> (u64, f64) {
    match value {
        Number::Int(value) => (u64::try_from(value).unwrap_or_default(), carry),
        Number::Double(value) if value.is_finite() => {
            let exact = value.max(0.0) + carry;
            let events = exact.round().max(0.0) as u64;
            (events, (exact - events as f64).clamp(-0.5, 0.5))
        }
        Number::Double(_) => (0, carry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn cumulative(value: f64, start: u64, time: u64) -> Point {
        let temporality = Temporality::Cumulative;
        Point {
            value: Number::Double(value),
            start: start * SECOND,
            time: time * SECOND,
            temporality,
        }
    }

    /// At 1200 s, for an objective that is followed since 1000 s.
    fn now() -> (Moment, u64) {
        (Moment::at(1_200 * SECOND), 1_000 * SECOND)
    }

    #[test]
    fn what_was_there_before_is_where_counting_begins() {
        let mut states = CounterStates::default();
        let mut take = |key, point| states.advance(key, &point, now(), 10);
        // Began long before, shortly before, afterwards, and did not say.
        assert_eq!(take(1, cumulative(40.0, 650, 1_200)), 0);
        assert_eq!(take(1, cumulative(43.0, 650, 1_210)), 3);
        assert_eq!(take(2, cumulative(5.0, 750, 1_200)), 5);
        assert_eq!(take(3, cumulative(5.0, 1_150, 1_200)), 5);
        assert_eq!(take(4, cumulative(5.0, 0, 1_200)), 0);
    }

    #[test]
    fn resets_and_repetitions() {
        let mut states = CounterStates::default();
        let mut take = |point| states.advance(1, &point, now(), 10);
        assert_eq!(take(cumulative(10.0, 1_150, 1_160)), 10);
        assert_eq!(take(cumulative(10.0, 1_150, 1_160)), 0, "sent again");
        assert_eq!(take(cumulative(12.0, 1_150, 1_155)), 0, "overtaken");
        assert_eq!(take(cumulative(4.0, 1_150, 1_170)), 4, "fell");
        assert_eq!(take(cumulative(9.0, 1_175, 1_180)), 9, "began anew");
        assert_eq!(take(cumulative(9.0, 1_175, 1_190)), 0);
    }

    #[test]
    fn fractions_never_add_up() {
        let mut states = CounterStates::default();
        let (mut by_delta, mut by_total) = (0, 0);
        for n in 1..=1_000_u32 {
            let time = 1_200 + u64::from(n);
            let (value, temporality) = (Number::Double(0.3), Temporality::Delta);
            let delta = Point { value, start: 0, time: time * SECOND, temporality };
            by_delta += states.advance(1, &delta, now(), 10);
            by_total += states.advance(2, &cumulative(0.3 * f64::from(n), 1_150, time), now(), 10);
        }
        assert_eq!((by_delta, by_total), (300, 300));
    }

    #[test]
    fn at_the_bound_the_silent_give_way_and_do_not_count_twice() {
        let mut states = CounterStates::default();
        for key in 0..3 {
            states.advance(key, &cumulative(5.0, 1_150, 1_160), now(), 3);
        }
        assert_eq!(states.advance(9, &cumulative(5.0, 1_150, 1_160), now(), 3), 0);
        assert_eq!(states.n_refused, 1);
        let later = (Moment::at(9_000 * SECOND), 1_000 * SECOND);
        let new = cumulative(5.0, 8_999, 9_000);
        assert_eq!(states.advance(9, &new, later, 3), 0, "it may have been known");
        assert_eq!(states.advance(0, &cumulative(7.0, 1_150, 9_000), later, 3), 0, "came back");
        assert_eq!(states.advance(7, &cumulative(7.0, 9_001, 9_002), later, 3), 7, "new");
    }
}
