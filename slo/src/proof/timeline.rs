//! Samples of counters in promtool's notation: stretches of steady traffic one after the other.

use std::fmt::Write as _;

use crate::number::text;

use super::synth::Series;

/// Steady traffic for a number of steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    /// How many steps.
    pub(super) steps: u64,
    /// Good events per step.
    pub(super) good: f64,
    /// Bad events per step.
    pub(super) bad: f64,
    /// Whether counters begin at 0 again.
    pub(super) reset: bool,
}

impl Stretch {
    /// Traffic of which a share is bad.
    pub(super) fn of(steps: u64, events: f64, share: f64) -> Self {
        let bad = (events * share).round();
        Self { steps, good: events - bad, bad, reset: false }
    }
}

/// The samples of a series.
pub(super) fn samples(series: &Series, stretches: &[Stretch]) -> String {
    let mut out = String::from("0");
    let mut value = 0.0;
    for stretch in stretches.iter().filter(|s| s.steps > 0) {
        let step = stretch.good * series.per_good + stretch.bad * series.per_bad;
        if stretch.reset {
            value = 0.0;
        } else {
            value += step;
        }
        let _ = write!(out, " {}+{}x{}", text(value), text(step), stretch.steps - 1);
        #[expect(clippy::cast_precision_loss, reason = "a test has thousands of steps")]
        let rest = (stretch.steps - 1) as f64;
        value += step * rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_follow_each_other_without_a_gap() {
        let series =
            Series { metric: "m".into(), labels: Default::default(), per_good: 1.0, per_bad: 2.0 };
        let reset = Stretch { reset: true, ..Stretch::of(2, 1.0, 0.0) };
        let all = [Stretch::of(3, 10.0, 0.0), Stretch::of(1, 10.0, 0.5), reset];
        // 0 | 10 20 30 | 45 | 0 1
        assert_eq!(samples(&series, &all), "0 10+10x2 45+15x0 0+1x1");
    }
}
