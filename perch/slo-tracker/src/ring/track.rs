//! Buckets of one length, and the sums of the windows over them.

use slo::model::Calendar;

use super::calendar::begin;
use super::tape::{Bucket, Place, Tape};
use crate::bytes::{Reader, put, zigzag};
use crate::counts::Sum;
use crate::time::Moment;

/// How far a window reaches back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// So many buckets, the current one among them.
    Rolling(u64),
    /// Since the calendar's stretch began.
    Since(Calendar),
}

/// Buckets and sums.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    /// Seconds of a bucket.
    step: u64,
    tape: Tape,
    /// The latest bucket, while events may still fall into it.
    open: Option<Bucket>,
    windows: Vec<Window>,
}

/// A sum that moves along.
#[derive(Debug, Clone, Copy)]
struct Window {
    reach: Reach,
    /// The first bucket that is in it.
    start: u64,
    /// Before the oldest bucket that is in the sum.
    from: Place,
    sum: Sum,
}

impl Reach {
    /// The first bucket of the window at `now`.
    #[must_use]
    pub fn start(self, now: Moment, step: u64) -> u64 {
        match self {
            Self::Rolling(n) => (now.bucket(step) + 1).saturating_sub(n),
            Self::Since(calendar) => (begin(calendar, now.wall()) + now.shift()) / step.max(1),
        }
    }
}

impl Track {
    pub(crate) fn new(step: u64, reaches: &[Reach]) -> Self {
        Self::over(step, reaches, Tape::default())
    }

    fn over(step: u64, reaches: &[Reach], tape: Tape) -> Self {
        let all: Sum = tape.iter().fold(Sum::NONE, |sum, b| sum + b.sum);
        let from = tape.start();
        let of = |&reach| Window { reach, start: 0, from, sum: all };
        let windows = reaches.iter().map(of).collect();
        Self { step, tape, open: None, windows }
    }

    /// Adds events that happened at `at`, which is not before any other.
    pub(crate) fn add(&mut self, at: Moment, sum: Sum) {
        let index = at.bucket(self.step);
        match &mut self.open {
            Some(open) if open.index >= index => open.sum += sum,
            open => {
                let closed = open.replace(Bucket { index, sum });
                if let Some(closed) = closed.filter(|b| !b.sum.is_none()) {
                    self.tape.push(closed);
                }
                self.move_along(at);
            }
        }
        for window in &mut self.windows {
            window.sum += sum;
        }
    }

    /// Takes out of all sums what lies before their windows.
    fn move_along(&mut self, now: Moment) {
        let mut oldest: Option<Place> = None;
        for window in &mut self.windows {
            window.move_along(&self.tape, now, self.step);
            let before = |o: Place| o.min(window.from);
            oldest = Some(oldest.map_or(window.from, before));
        }
        if let Some(oldest) = oldest {
            self.tape.forget_before(oldest);
        }
    }

    /// The sum of the `n`th window at `now`.
    pub(crate) fn window(&self, n: usize, now: Moment) -> Sum {
        let Some(window) = self.windows.get(n) else { return Sum::NONE };
        let mut window = *window;
        window.move_along(&self.tape, now, self.step);
        match self.open {
            // All that is left in the sum.
            Some(open) if open.index < window.start => window.sum - open.sum,
            _ => window.sum,
        }
    }

    /// All buckets that are still known, oldest first.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        self.tape.iter().chain(self.open.filter(|b| !b.sum.is_none()))
    }

    /// Seconds of a bucket.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    pub(crate) fn n_bytes(&self) -> usize {
        size_of::<Self>() + self.tape.n_bytes() + self.windows.len() * size_of::<Window>()
    }

    /// Whether no window at `now` holds an event.
    pub(crate) fn is_idle(&self, now: Moment) -> bool {
        let starts = self.windows.iter().map(|w| w.reach.start(now, self.step));
        let oldest = starts.min().unwrap_or(u64::MAX);
        self.open.is_none_or(|open| open.index < oldest)
    }

    /// Writes step, buckets and the open bucket; the sums follow from them.
    pub(crate) fn encode(&self, now: Moment, out: &mut Vec<u8>) {
        put(out, self.step);
        let oldest = self.windows.iter().map(|w| {
            let mut window = *w;
            window.move_along(&self.tape, now, self.step);
            window.from
        });
        self.tape.encode_from(oldest.min().unwrap_or_else(|| self.tape.start()), out);
        let open = self.open.unwrap_or(Bucket { index: 0, sum: Sum::NONE });
        put(out, open.index);
        put(out, zigzag(open.sum.total));
        put(out, zigzag(open.sum.bad));
    }

    /// Reads what [`Self::encode`] wrote, for these windows; `Some(None)` where the buckets were of another length.
    pub(crate) fn decode(
        rest: &mut Reader<'_>,
        step: u64,
        reaches: &[Reach],
    ) -> Option<Option<Self>> {
        let was = rest.u64()?;
        let tape = Tape::decode(rest)?;
        let index = rest.u64()?;
        let sum = Sum { total: rest.i64()?, bad: rest.i64()? };
        let last = tape.iter().last().map_or(0, |b| b.index);
        if index > 0 && index <= last {
            return None;
        }
        if was != step {
            return Some(None);
        }
        let mut track = Self::over(step, reaches, tape);
        if index > 0 {
            track.open = Some(Bucket { index, sum });
            track.windows.iter_mut().for_each(|w| w.sum += sum);
        } else if last > 0 {
            // A row without an open bucket is none that was written here.
            return None;
        }
        Some(Some(track))
    }
}

impl Window {
    /// Takes out of the sum what lies before the window at `now`.
    fn move_along(&mut self, tape: &Tape, now: Moment, step: u64) {
        let start = self.reach.start(now, step);
        if start < self.start {
            self.take_back(tape);
        }
        self.start = start;
        while let Some((bucket, behind)) = tape.next(self.from) {
            if bucket.index >= start {
                return;
            }
            self.sum -= bucket.sum;
            self.from = behind;
        }
    }

    /// Puts everything back that is still known: a clock that was set back may stand in an earlier stretch of the calendar.
    fn take_back(&mut self, tape: &Tape) {
        let (end, mut place) = (self.from, tape.start());
        self.from = place;
        while place < end {
            let Some((bucket, behind)) = tape.next(place) else { return };
            self.sum += bucket.sum;
            place = behind;
        }
    }
}
