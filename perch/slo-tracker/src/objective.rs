//! An objective as it is tracked.

use slo::burn::Tier;
use slo::length::Length;
use slo::model::{Indicator, Period, Spans};
use slo::plan::{Counting, Events, Plan};

use crate::fingerprint::Fingerprint;
use crate::ring::Resolution;

/// An objective as it is tracked.
#[derive(Debug, Clone)]
pub struct Objective {
    /// Service and name, joined by a hyphen.
    pub id: String,
    /// The service's name.
    pub service: String,
    /// The objective's name.
    pub name: String,
    /// What it is about, for people.
    pub description: String,
    /// How many of a hundred events are to be good.
    pub target: f64,
    /// The share of events that may be bad.
    pub budget: f64,
    /// Over which time.
    pub period: Period,
    /// The windows of its tiers, from short to long; the period's comes behind them.
    pub windows: Vec<Length>,
    /// When its alerts fire, from fast to slow.
    pub tiers: Vec<Tier>,
    /// The labels or attributes by which it is kept apart.
    pub group_by: Vec<String>,
    /// What it counts.
    pub counts: Counted,
    /// Which buckets its windows are made of.
    pub resolution: Resolution,
}

/// What an objective counts.
#[derive(Debug, Clone)]
pub enum Counted {
    /// Spans.
    Spans(Spans),
    /// Increases of counters.
    Metrics(Events),
}

impl Objective {
    /// The objective of a plan, with fine buckets of so many seconds; none where only Prometheus can evaluate it.
    #[must_use]
    pub fn of(plan: &Plan, fine: u64) -> Option<Self> {
        let o = &plan.objective;
        let (counts, group_by) = match (&o.indicator, &plan.counting) {
            (Indicator::Spans(spans), _) => (Counted::Spans(spans.clone()), spans.group_by.clone()),
            (_, Counting::Events(events)) => {
                (Counted::Metrics(events.clone()), events.total_of.by.clone())
            }
            _ => return None,
        };
        Some(Self {
            id: o.id(),
            service: o.service.clone(),
            name: o.name.clone(),
            description: o.description.clone(),
            target: o.target.value,
            budget: o.budget(),
            period: o.period,
            windows: plan.windows.clone(),
            tiers: plan.tiers.clone(),
            group_by,
            counts,
            resolution: Resolution::new(fine, &plan.windows, o.period),
        })
    }

    /// The names of all windows, the period's last.
    pub fn window_names(&self) -> impl Iterator<Item = String> + '_ {
        let period = self.period.suffix().trim_start_matches('_').to_owned();
        self.windows.iter().map(Length::to_string).chain([period])
    }

    /// Which of the windows is `length` long.
    #[must_use]
    pub fn window_of(&self, length: Length) -> Option<usize> {
        self.windows.iter().position(|w| *w == length)
    }

    /// The place of the period's window.
    #[must_use]
    pub fn period_window(&self) -> usize {
        self.windows.len()
    }

    /// What tells its counts from those of an objective of the same name that counts something else.
    pub(crate) fn fingerprint(&self) -> u128 {
        let mut print = Fingerprint::new();
        match &self.counts {
            Counted::Spans(s) => {
                print.add(b"spans");
                for part in [&s.service, &s.name, &s.kind] {
                    print.add(part.as_deref().map_or(&b"\0"[..], str::as_bytes));
                }
                for m in s.attributes.iter().chain(&s.good_when) {
                    for part in [&*m.name, m.op.as_str(), &m.value] {
                        print.add(part.as_bytes());
                    }
                }
                print.add(&(s.attributes.len() as u64).to_le_bytes());
                print.add(&s.threshold_ms.unwrap_or_default().to_le_bytes());
            }
            Counted::Metrics(events) => {
                print.add(if events.good { b"good" } else { b"bad" });
                print.add(events.events.as_bytes());
                print.add(events.total.as_bytes());
            }
        }
        self.group_by.iter().for_each(|label| print.add(label.as_bytes()));
        print.finish()
    }
}
