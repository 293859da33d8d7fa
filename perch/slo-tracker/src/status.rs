//! What there is to say about an objective, as the API says it.

use serde::{Deserialize, Serialize};
use slo::burn::Tier;

use crate::counts::Counts;
use crate::policy::PolicyState;

/// An objective at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Service and name, joined by a hyphen.
    pub id: String,
    /// The service's name.
    pub service: String,
    /// The objective's name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// How many of a hundred events are to be good.
    pub target: f64,
    /// Over which time: `30d`, `this_month`.
    pub period: String,
    /// What is counted: `spans` or `metrics`.
    pub counts: String,
    /// What the budget asks for.
    pub state: PolicyState,
    /// The share of the budget that is left; below 0 where it is overspent.
    pub budget_remaining: f64,
    /// Seconds until nothing is left at the burn rate of the fastest tier's long window; null where it lasts.
    pub exhausted_in_seconds: Option<f64>,
    /// Seconds for which events were counted, at most the period: what is not known is not in the numbers.
    pub known_seconds: u64,
    /// Seconds of the whole period.
    pub period_seconds: u64,
    /// The windows from short to long, the period last.
    pub windows: Vec<WindowStatus>,
    /// The tiers from fast to slow.
    pub tiers: Vec<TierStatus>,
    /// The labels it is kept apart by.
    pub group_by: Vec<String>,
    /// The groups in the period, those with most bad events first; what has none of its own last, with no values.
    pub groups: Vec<GroupStatus>,
    /// What spent the budget, most first.
    pub spending: Vec<CauseStatus>,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowStatus {
    /// Its length.
    pub window: String,
    /// Events that spent budget.
    pub bad: u64,
    /// All events.
    pub total: u64,
    /// How many times faster than allowed the budget burns.
    pub burn_rate: f64,
}

/// A tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TierStatus {
    /// Its name.
    pub tier: String,
    /// `page`, `ticket` or `info`.
    pub severity: String,
    /// The burn rate above which it fires.
    pub factor: f64,
    /// The share of bad events above which it fires.
    pub threshold: f64,
    /// What `sqrt(events)` is multiplied with for confidence.
    pub margin: f64,
    /// Bad events that the long window must hold.
    pub floor: u32,
    /// The window that makes it sure.
    pub long: String,
    /// The window that makes it clear soon.
    pub short: Option<String>,
    /// Seconds for which its condition must hold before Prometheus fires.
    pub hold_seconds: u64,
    /// Whether its condition holds.
    pub firing: bool,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Its values, in the order of `group_by`; empty for the rest.
    pub values: Vec<String>,
    /// Events of the period that spent budget.
    pub bad: u64,
    /// All events of the period.
    pub total: u64,
    /// The share of a budget of its own that would be left.
    pub budget_remaining: f64,
    /// Tiers whose condition holds for the group alone.
    pub firing: Vec<String>,
}

/// What spent budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CauseStatus {
    /// Service and span, or the metric.
    pub operation: String,
    /// What went wrong.
    pub error: String,
    /// Bad events since `first`.
    pub bad: u64,
    /// How many of them may be others'.
    pub over: u64,
    /// Seconds since the epoch.
    pub first: u64,
    /// Seconds since the epoch.
    pub last: u64,
    /// The latest traces, newest first.
    pub traces: Vec<TraceStatus>,
}

/// A trace that spent budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceStatus {
    /// Its id in hex.
    pub trace_id: String,
    /// When it counted, in seconds since the epoch.
    pub at: u64,
    /// How long it took; 0 where that is not known.
    pub duration_ms: u64,
}

/// What is known of the past, bucket by bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Service and name, joined by a hyphen.
    pub id: String,
    /// Seconds since the epoch at which the history was asked for.
    pub now: u64,
    /// Seconds of a bucket.
    pub step: u64,
    /// Seconds since the epoch at which a bucket begins, bad events, all events; none without events.
    pub buckets: Vec<(u64, u64, u64)>,
}

impl WindowStatus {
    pub(crate) fn new(window: String, counts: Counts, budget: f64) -> Self {
        let Counts { bad, total } = counts;
        Self { window, bad, total, burn_rate: crate::burn::rate(counts, budget) }
    }
}

impl TierStatus {
    /// A tier whose condition holds or not.
    #[must_use]
    pub fn new(tier: &Tier, firing: bool) -> Self {
        Self {
            tier: tier.name.clone(),
            severity: tier.severity.as_str().to_owned(),
            factor: tier.factor,
            threshold: tier.threshold,
            margin: tier.margin(),
            floor: tier.floor,
            long: tier.long.to_string(),
            short: tier.short.map(|short| short.to_string()),
            hold_seconds: tier.hold.map_or(0, |hold| hold.0),
            firing,
        }
    }
}
