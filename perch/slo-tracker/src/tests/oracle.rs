//! What the tracker is held against: all events, walked for every question.

use slo::model::Calendar;

use crate::{Counts, Moment, Reach, Resolution, Sum, Timeline};

/// Every event there was.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    events: Vec<(Moment, Sum)>,
    time: Timeline,
}

impl Oracle {
    pub(super) fn add(&mut self, received_at: u64, sum: Sum) {
        let at = self.time.place(received_at);
        self.events.push((at, sum));
    }

    /// The events of a window, by its definition.
    pub(super) fn window(&self, resolution: &Resolution, n: usize, wall: u64) -> Counts {
        let now = self.time.at(wall);
        let (step, reach) = resolution.window(n).unwrap();
        let start = reach.start(now, step);
        let inside = self.events.iter().filter(|(at, _)| at.bucket(step) >= start);
        inside.fold(Sum::NONE, |sum, (_, more)| sum + *more).counts()
    }
}

#[test]
fn a_window_ends_with_the_bucket_that_holds_now() {
    let second = 1_000_000_000;
    let start = |reach: Reach, now: u64, step| reach.start(Moment::at(now * second), step) * step;
    // 60 s over buckets of 10 s, at 12:00:05: from 11:59:10 to 12:00:10.
    assert_eq!(start(Reach::Rolling(6), 43_205, 10), 43_150);
    assert_eq!(start(Reach::Rolling(6), 43_200, 10), 43_150);
    assert_eq!(start(Reach::Rolling(6), 43_199, 10), 43_140);
    assert_eq!(start(Reach::Since(Calendar::Day), 86_400 * 3 + 7, 60), 86_400 * 3);
}
