//! What an objective is once its format is forgotten.

use std::collections::BTreeMap;

use crate::finding::{At, Spot};
use crate::length::Length;
use crate::number::tidy;

/// One objective of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The service's name.
    pub service: String,
    /// The objective's name, unique within the service.
    pub name: String,
    /// What it is about, for people.
    pub description: String,
    /// Where it was read.
    pub origin: Origin,
    /// How many of a hundred events are to be good; above 0, at most 100.
    pub target: Spot<f64>,
    /// Over which time.
    pub period: Period,
    /// What counts as good and bad.
    pub indicator: Indicator,
    /// Labels of every rule.
    pub labels: BTreeMap<String, String>,
    /// Further labels of `sloth_slo_info`.
    pub info_labels: BTreeMap<String, String>,
    /// What to alert on, and how.
    pub alerting: Alerting,
    /// What is known about the traffic.
    pub traffic: Traffic,
    /// How often the rules are to be evaluated, where it is said.
    pub intervals: Intervals,
}

/// Where an objective was read, and in which format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file's name as given.
    pub file: String,
    /// Which document of the file, from 0.
    pub document: usize,
    /// Where it begins.
    pub at: At,
    /// The format's name, as in `sloth_spec`.
    pub spec: &'static str,
    /// How Sloth would have been called, as in `sloth_mode`.
    pub mode: &'static str,
    /// The Kubernetes object around it.
    pub object: Option<Object>,
}

/// The name of a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// The time over which a budget is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The last so much time.
    Rolling(Length),
    /// Since the beginning of the current day, week, month or quarter, in UTC.
    Calendar(Calendar),
}

/// Stretches of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// From the first of January, April, July or October.
    Quarter,
}

/// What counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Indicator {
    /// Bad events out of all.
    Bad {
        /// Counts bad events.
        bad: Spot<String>,
        /// Counts all events.
        total: Spot<String>,
    },
    /// Good events out of all.
    Good {
        /// Counts good events.
        good: Spot<String>,
        /// Counts all events.
        total: Spot<String>,
    },
    /// A ready ratio of bad to all.
    Ratio {
        /// The ratio.
        bad: Spot<String>,
    },
    /// Spans, counted where they pass.
    Spans(Spans),
}

/// Which spans count, and which of them are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans {
    /// `service.name`.
    pub service: Option<String>,
    /// The span's name.
    pub name: Option<String>,
    /// The span's kind: `server`, `client`, `internal`, `producer`, `consumer`.
    pub kind: Option<String>,
    /// What the span's attributes must be to count.
    pub attributes: Vec<Match>,
    /// What its attributes must be to be good, beside a status that is no error.
    pub good_when: Vec<Match>,
    /// How long a good span may take, in milliseconds.
    pub threshold_ms: Option<u64>,
    /// Attributes by which objectives are kept apart.
    pub group_by: Vec<String>,
    /// Where the indicator stands.
    pub at: At,
}

/// One condition on an attribute or label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its name.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// With what.
    pub value: String,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, the whole value
    Regex,
    /// `!~`
    NotRegex,
}

/// Alerts of an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Alerting {
    /// The alerts' name.
    pub name: String,
    /// Labels of all alerts.
    pub labels: BTreeMap<String, String>,
    /// Annotations of all alerts.
    pub annotations: BTreeMap<String, String>,
    /// Alerts that wake somebody.
    pub page: Channel,
    /// Alerts that wait for working hours.
    pub ticket: Channel,
    /// Burn conditions of the specification's own, instead of the table's tiers.
    pub policies: Option<Vec<Policy>>,
    /// Whether and how to say that nothing can be measured.
    pub missing: Missing,
}

/// One severity of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Channel {
    /// Whether none are wanted.
    pub disabled: bool,
    /// Labels of this severity.
    pub labels: BTreeMap<String, String>,
    /// Annotations of this severity.
    pub annotations: BTreeMap<String, String>,
}

/// How the absence of the indicator is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// As a ticket.
    Ticket,
    /// For the record.
    Info,
    /// Not at all.
    Off,
}

/// A burn condition as OpenSLO writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The condition's name.
    pub name: String,
    /// Whether it wakes somebody.
    pub severity: Severity,
    /// The severity as written.
    pub severity_text: String,
    /// How many times too fast the budget must burn.
    pub factor: f64,
    /// Over which window.
    pub window: Length,
    /// For how long.
    pub hold: Option<Length>,
    /// Where it stands, and in which file.
    pub at: At,
}

/// Whom an alert reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Wakes somebody.
    Page,
    /// Waits for working hours.
    Ticket,
    /// For the record.
    Info,
}

/// What is known about the traffic, and what low traffic asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// Events that are expected in an hour.
    pub per_hour: Option<f64>,
    /// How many failures the long window must hold before an alert.
    pub floor: u32,
    /// How sure it must be that the true error ratio is above the threshold; 0.5 or less asks for nothing.
    pub confidence: f64,
    /// How often the indicator's metrics are scraped.
    pub scrape: Length,
}

/// How often rules are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Intervals {
    /// Indicator rules.
    pub indicator: Option<Length>,
    /// Rules derived from them.
    pub metadata: Option<Length>,
    /// Alerts.
    pub alert: Option<Length>,
}

impl Objective {
    /// The id: service and name.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.service, self.name)
    }

    /// The share of events that may be bad.
    #[must_use]
    pub fn budget(&self) -> f64 {
        tidy((100.0 - self.target.value) / 100.0)
    }
}

impl Period {
    /// Its length; of a stretch of the calendar the longest there is.
    #[must_use]
    pub fn length(self) -> Length {
        match self {
            Self::Rolling(length) => length,
            Self::Calendar(Calendar::Day) => Length::DAY,
            Self::Calendar(Calendar::Week) => Length(7 * 86_400),
            Self::Calendar(Calendar::Month) => Length(31 * 86_400),
            Self::Calendar(Calendar::Quarter) => Length(92 * 86_400),
        }
    }

    /// The length that burn factors are reckoned with.
    #[must_use]
    pub fn nominal(self) -> Length {
        match self {
            Self::Calendar(Calendar::Month) => Length(30 * 86_400),
            Self::Calendar(Calendar::Quarter) => Length(90 * 86_400),
            other => other.length(),
        }
    }

    /// The suffix of the period's rules.
    #[must_use]
    pub fn suffix(self) -> String {
        match self {
            Self::Rolling(length) => length.to_string(),
            Self::Calendar(Calendar::Day) => "_this_day".into(),
            Self::Calendar(Calendar::Week) => "_this_week".into(),
            Self::Calendar(Calendar::Month) => "_this_month".into(),
            Self::Calendar(Calendar::Quarter) => "_this_quarter".into(),
        }
    }
}

impl Severity {
    /// The value of the label `sloth_severity`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
            Self::Info => "info",
        }
    }
}

impl MatchOp {
    /// As PromQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

impl Default for Traffic {
    /// Five failures: one is chance, two share a cause, five are a pattern; 95 % is the usual level.
    fn default() -> Self {
        Self { per_hour: None, floor: 5, confidence: 0.95, scrape: Length(60) }
    }
}

impl Alerting {
    /// The four tiers of the table, under `name`.
    #[must_use]
    pub fn named(name: String) -> Self {
        Self {
            name,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            page: Channel::default(),
            ticket: Channel::default(),
            policies: None,
            missing: Missing::Ticket,
        }
    }
}
