//! From files to everything that is generated of them.

use std::collections::BTreeMap;

use crate::check;
use crate::finding::{Finding, Findings};
use crate::plan::{Options, Plan};
use crate::rules::{self, RuleFile};
use crate::spec::{self, Source};

/// Files, compiled.
#[derive(Debug)]
pub struct Compiled {
    /// The objectives in the order of the files.
    pub plans: Vec<Plan>,
    /// Everything found, in the order of files and places.
    pub findings: Vec<Finding>,
    /// Whether nothing keeps rules from being generated.
    pub sound: bool,
}

/// Reads files, resolves their objectives and checks them.
#[must_use]
pub fn compile(sources: &[Source<'_>], options: &Options) -> Compiled {
    let mut found = Findings::default();
    let specification = spec::read(sources, options.period, &mut found);
    let mut plans = Vec::new();
    for objective in &specification.objectives {
        if let Some(plan) = Plan::of(objective, &specification.tables, options, &mut found) {
            check::check(&plan, options, &mut found);
            plans.push(plan);
        }
    }
    Compiled { plans, sound: !found.has_errors(), findings: found.sorted() }
}

impl Compiled {
    /// The rules, one file per document that was read.
    #[must_use]
    pub fn rule_files(&self, options: &Options) -> Vec<RuleFile> {
        let mut files: BTreeMap<(usize, usize), RuleFile> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        for plan in &self.plans {
            let origin = &plan.objective.origin;
            let place = order.iter().position(|name| *name == origin.file);
            let place = place.unwrap_or_else(|| {
                order.push(&origin.file);
                order.len() - 1
            });
            let object = origin.object.clone();
            let file = files
                .entry((place, origin.document))
                .or_insert(RuleFile { object, groups: Vec::new() });
            file.groups.extend(rules::groups(plan, options));
        }
        files.into_values().collect()
    }
}
