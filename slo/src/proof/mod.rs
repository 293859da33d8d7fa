//! Tests of generated rules, in promtool's format: what an objective's alerts do is computed and stated.
//!
//! Cases: healthy, idle, a single failure, a counter reset, nothing to measure, and for each tier a
//! fault that this tier sees and no faster one: it fires and clears when [`crate::burn`] says.
//!
//! # Not here
//! Objectives whose queries are for the rules only: no series can be made up for them.

mod cases;
mod render;
mod synth;
mod timeline;

use std::collections::BTreeMap;

use crate::length::Length;
use crate::plan::{Counting, Options, Plan, Profile};

pub use render::test_file;
pub use synth::{Series, synthesise};

/// A file of tests with one interval of evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFile {
    /// What stands between the objective's id and the ending.
    pub suffix: &'static str,
    /// How often rules are evaluated.
    pub evaluation: Length,
    /// Groups in the order of evaluation.
    pub groups: Vec<String>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// How far samples lie apart.
    pub interval: Length,
    /// Series and their samples.
    pub series: Vec<(String, String)>,
    /// Alerts, whole.
    pub alerts: Vec<AlertTest>,
    /// Expressions and their values.
    pub values: Vec<ValueTest>,
}

/// All alerts of a name at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertTest {
    /// Seconds from the start.
    pub at: u64,
    /// The alert's name.
    pub name: String,
    /// Labels and annotations of those that fire.
    pub firing: Vec<(BTreeMap<String, String>, BTreeMap<String, String>)>,
}

/// An expression without labels and its value at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueTest {
    /// Seconds from the start.
    pub at: u64,
    /// The expression.
    pub expr: String,
    /// Its value.
    pub value: f64,
}

/// The tests of an objective; none where its events cannot be made up.
#[must_use]
pub fn tests(plan: &Plan, options: &Options) -> Vec<TestFile> {
    let Counting::Events(events) = &plan.counting else { return Vec::new() };
    let Some(series) = synthesise(events) else { return Vec::new() };
    // Five samples in the shortest window, and never more than one a minute.
    let step = Length((plan.base().0 / 5).clamp(1, 60));
    let groups: Vec<String> =
        crate::rules::groups(plan, options).into_iter().map(|g| g.name).collect();
    let mut files = Vec::new();
    for pace in Pace::ALL {
        let (step, evaluation) = pace.of(step);
        let bench = cases::Bench { plan, options, series: &series, step, evaluation };
        let exact = options.profile == Profile::Exact;
        let mut cases = Vec::new();
        match pace {
            Pace::Fast => {
                cases.extend(bench.healthy());
                cases.extend(bench.counter_reset());
                if exact {
                    cases.extend(bench.spent());
                    cases.extend(bench.missing());
                }
            }
            Pace::Hours if exact => {
                cases.extend(bench.idle());
                cases.extend(bench.single_failure());
            }
            Pace::Hours | Pace::Slow => {}
        }
        let tiers = plan.tiers.iter().filter(|t| Pace::for_window(t.long, plan.base()) == pace);
        cases.extend(tiers.filter_map(|tier| bench.tier(tier)));
        if !cases.is_empty() {
            files.push(TestFile {
                suffix: pace.suffix(),
                evaluation,
                groups: groups.clone(),
                cases,
            });
        }
    }
    files
}

/// How finely time is simulated: a file of tests has one pace, and what promtool takes grows with the
/// number of evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// As in life.
    Fast,
    /// Some samples in every window.
    Hours,
    /// Days; the shortest windows say nothing there.
    Slow,
}

impl Pace {
    const ALL: [Self; 3] = [Self::Fast, Self::Hours, Self::Slow];

    /// The pace at which a tier's long window is walked through.
    fn for_window(long: Length, base: Length) -> Self {
        match long.0 / base.0.max(1) {
            0..=12 => Self::Fast,
            13..=144 => Self::Hours,
            _ => Self::Slow,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Hours => "hours",
            Self::Slow => "slow",
        }
    }

    /// How far samples and evaluations lie apart, where samples of life are `step` apart.
    fn of(self, step: Length) -> (Length, Length) {
        let (samples, evaluations) = match self {
            Self::Fast => (1, 1),
            Self::Hours => (2, 4),
            Self::Slow => (10, 20),
        };
        (Length(step.0 * samples), Length(step.0 * evaluations))
    }
}

#[cfg(test)]
mod tests;
