//! Rules: what they are, how they are written, and the two profiles that make them.

mod annotations;
mod exact;
mod links;
mod render;
mod sloth;

use std::collections::BTreeMap;

use crate::length::Length;
use crate::model::Object;
use crate::plan::{Options, Plan, Profile};

pub use annotations::{annotations, burn_annotations, label_set, runbook_url};
pub use links::expanded;
pub use render::{rule_file, scalar};

/// A recording or alerting rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The series or the alert.
    pub name: String,
    /// Whether it is an alert.
    pub is_alert: bool,
    /// The expression.
    pub expr: String,
    /// How long an alert's condition must hold.
    pub hold: Option<Length>,
    /// Labels it sets.
    pub labels: BTreeMap<String, String>,
    /// Annotations of an alert.
    pub annotations: BTreeMap<String, String>,
}

/// Rules that are evaluated one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How often it is evaluated, if not by the server's default.
    pub interval: Option<Length>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A file of rules, possibly inside a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// The object around it.
    pub object: Option<Object>,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// The groups of one objective.
#[must_use]
pub fn groups(plan: &Plan, options: &Options) -> Vec<Group> {
    let mut groups = match options.profile {
        Profile::Sloth => sloth::groups(plan, options),
        Profile::Exact => exact::groups(plan, options),
    };
    for group in &mut groups {
        group.rules.retain(|rule| if rule.is_alert { options.alerts } else { options.recordings });
    }
    groups.retain(|group| !group.rules.is_empty());
    groups
}

impl Rule {
    fn record(name: String, expr: String, labels: BTreeMap<String, String>) -> Self {
        Self { name, is_alert: false, expr, hold: None, labels, annotations: BTreeMap::new() }
    }
}
