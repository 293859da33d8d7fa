//! From files to everything that is generated of them.

use std::collections::BTreeMap;

use crate::check;
use crate::finding::{Code, Finding, Findings};
use crate::plan::{Options, Plan};
use crate::proof;
use crate::routes;
use crate::rules::{self, RuleFile, rule_file};
use crate::runbook;
use crate::spec::{self, Source};

/// The first line of every generated YAML file.
pub const GENERATED: &str =
    "# Generated from the objectives by `perch slo generate`; edit there.\n";

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
    if options.alone {
        found.soften(Code::Unresolved);
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

    /// All rules in one text, a document per document that was read.
    #[must_use]
    pub fn rules(&self, options: &Options) -> String {
        let files: Vec<String> = self.rule_files(options).iter().map(rule_file).collect();
        format!("{GENERATED}{}", files.join("---\n"))
    }

    /// Everything as files beneath one folder: `rules/`, `tests/`, `runbooks/`, `alertmanager/`.
    /// Rules are plain here, so that promtool reads them.
    #[must_use]
    pub fn artifacts(&self, options: &Options) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for plan in &self.plans {
            let id = plan.objective.id();
            let rules = RuleFile { object: None, groups: rules::groups(plan, options) };
            files.insert(format!("rules/{id}.yaml"), format!("{GENERATED}{}", rule_file(&rules)));
            for test in proof::tests(plan, options) {
                let text = proof::test_file(&test, &format!("../rules/{id}.yaml"));
                files.insert(
                    format!("tests/{id}.{}.yaml", test.suffix),
                    format!("{GENERATED}{text}"),
                );
            }
        }
        for (name, page) in runbook::runbooks(&self.plans, options) {
            files.insert(format!("runbooks/{name}"), page);
        }
        let text = routes::alertmanager(&self.plans, options);
        files.insert("alertmanager/slo.yaml".into(), format!("{GENERATED}{text}"));
        files
    }
}
